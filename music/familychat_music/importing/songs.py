"""Filling the table ``songs``."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from familychat.wording import Text
from familychat_music.importing.blocks import Block
from familychat_music.importing.cells import Cell, Value
from familychat_music.importing.headings import Strength
from familychat_music.importing.plan import YEAR_FROM_DATE, Plan, Planned
from familychat_music.importing.report import MAX_ODD_CELLS, OddCell
from familychat_music.importing.roles import MAX_ODD_SHARE, Form
from familychat_music.importing.takers import Odd, Taken, Taker
from familychat_music.schema import Kind, Role

TABLE = "songs"
INDEXED = (Role.TITLE, Role.ARTIST, Role.ALBUM, Role.GENRE, Role.YEAR)
JUDGED_FROM = 200
"""So many odd cells are needed to give a column up before the end of the file."""
ROWS_TOGETHER = 20
MAX_PARAMETERS = 500
"""Values per INSERT; SQLite takes many more, but is no faster for it."""
MAX_YEARS = 50_000
"""So many different dates are remembered with their years."""
LONGEST_SHOWN = 80
"""Characters of an odd cell that a report shows."""


class MisjudgedError(Exception):
    """Some columns are not what the sample made them seem; ``plan`` is the better one to start again with."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("the sample was misleading")
        self.plan = plan


@dataclass(slots=True)
class Loaded:
    """What came in: rows, filled cells per column, odd cells per column, and the first odd cells by name.

    ``stray`` counts cells in columns that have no header and were blank in the sample.
    """

    rows: int = 0
    filled: dict[str, int] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)
    named: list[OddCell] = field(default_factory=list)
    stray: int = 0


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def declared(column: Planned) -> str:
    """A column's type in SQL."""
    if column.guess.kind is Kind.TEXT:
        return "TEXT COLLATE NOCASE"
    if column.guess.kind is Kind.DATE:
        return "TEXT"
    return "INTEGER" if column.guess.whole else "REAL"


class SongsLoader:
    """Writes blocks of rows into a new table. ``stubborn`` means to stay with the plan whatever comes."""

    def __init__(self, connection: sqlite3.Connection, plan: Plan, *, stubborn: bool = False) -> None:
        self._connection = connection
        self._plan = plan
        self._stubborn = stubborn
        self._takers = {column.name: Taker(column.guess) for column in plan.columns if column.index >= 0}
        self._used = {column.index for column in plan.columns}
        self._together = max(1, min(ROWS_TOGETHER, MAX_PARAMETERS // len(plan.columns)))
        self._years: dict[Value | Odd, Value | Odd] = {None: None}
        self.loaded = Loaded()

    def load(self, blocks: Iterable[Block], told: Callable[[int], None], unplanned: frozenset[int]) -> Loaded:
        """Create the table and fill it; raise ``MisjudgedError`` if the plan turns out to be wrong.

        ``told`` hears how many rows are in; ``unplanned`` are the indexes of columns that the plan knows nothing of.
        """
        names = ", ".join(f"{quoted(column.name)} {declared(column)}" for column in self._plan.columns)
        self._connection.execute(f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, {names})")
        for block in blocks:
            self._add(block, unplanned)
            told(self.loaded.rows)
            self._judge(at_least=JUDGED_FROM)
        self._judge(at_least=1)
        return self.loaded

    def _add(self, block: Block, unplanned: frozenset[int]) -> None:
        cells: list[tuple[Cell, ...]] = list(zip(*block.rows, strict=False))
        values: list[Taken] = []
        for column in self._plan.columns:
            taken = self._year(values) if column.index == YEAR_FROM_DATE else self._take(column, cells, block)
            values.append(taken)
            filled = len(taken) - taken.count(None)
            self.loaded.filled[column.name] = self.loaded.filled.get(column.name, 0) + filled
        self._insert(values, len(block.rows))
        self.loaded.rows += len(block.rows)
        for index in unplanned:
            if any(cells[index]):
                self.loaded.stray += sum(1 for cell in cells[index] if cell)

    def _insert(self, values: list[Taken], rows: int) -> None:
        """Write a batch, several rows by each call: that halves what a call costs beside its work."""
        row = f"(NULL{', ?' * len(values)})"
        cells = itertools.chain.from_iterable(zip(*values, strict=True))
        several, rest = divmod(rows, self._together)
        together = itertools.islice(cells, several * self._together * len(values)) if rest else cells
        self._execute_many(row, self._together, together)
        self._execute_many(row, 1, itertools.islice(cells, rest * len(values)))

    def _execute_many(self, row: str, together: int, cells: Iterator[Value | Odd]) -> None:
        """Write cells, so many rows by each call."""
        parameters = zip(*[cells] * (together * row.count("?")), strict=True)
        sql = f"INSERT INTO {TABLE} VALUES {', '.join([row] * together)}"  # noqa: S608 -- no names in it
        self._connection.executemany(sql, parameters)

    def _year(self, values: Sequence[Taken]) -> Taken:
        """The years of the dates in the column before."""
        years = self._years
        if len(years) > MAX_YEARS:
            years.clear()
            years[None] = None
        for date in set(values[-1]).difference(years):
            years[date] = int(date[:4]) if isinstance(date, str) else None
        return list(map(years.__getitem__, values[-1]))

    def _take(self, column: Planned, cells: Sequence[tuple[Cell, ...]], block: Block) -> Taken:
        taken, may_be_odd = self._takers[column.name].take(cells[column.index])
        if may_be_odd:
            self._drop_odd(column, taken, cells[column.index], block.numbers)
        return taken

    def _drop_odd(self, column: Planned, taken: Taken, cells: Sequence[Cell], numbers: Sequence[int]) -> None:
        for place, value in enumerate(taken):
            if not isinstance(value, Odd):
                continue
            taken[place] = None
            self.loaded.odd[column.name] = self.loaded.odd.get(column.name, 0) + 1
            if len(self.loaded.named) < MAX_ODD_CELLS:
                shown = str(cells[place])[:LONGEST_SHOWN]
                self.loaded.named.append(
                    OddCell(
                        numbers[place],
                        column.source,
                        shown,
                        Text("%(reason)s, so the cell was left empty", reason=value.reason),
                    )
                )

    def _judge(self, *, at_least: int) -> None:
        """Give the plan up if too many cells of a column don't fit it."""
        if self._stubborn:
            return
        for column in self._plan.columns:
            if column.guess.form is Form.DATE and self._takers[column.name].wrong_order:
                raise MisjudgedError(self._plan.with_other_order(column.name))
        wrong = [column.name for column in self._plan.columns if self._is_wrong(column, at_least)]
        if wrong:
            raise MisjudgedError(self._plan.as_text(wrong))

    def _is_wrong(self, column: Planned, at_least: int) -> bool:
        odd = self.loaded.odd.get(column.name, 0)
        filled = self.loaded.filled.get(column.name, 0)
        return column.guess.strength is not Strength.GIVEN and odd >= at_least and odd > MAX_ODD_SHARE * (odd + filled)


def create_indexes(connection: sqlite3.Connection, plan: Plan) -> None:
    """Index what is most asked for, once the rows are in."""
    names = {column.name for column in plan.columns}
    for role in INDEXED:
        if role.value in names:
            connection.execute(f"CREATE INDEX songs_{role.value} ON {TABLE}({role.value})")
