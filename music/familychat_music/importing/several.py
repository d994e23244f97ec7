"""Cells that hold several artists or genres: one row for each of them in a table of their own.

What separates them for certain: ; | " / " feat. ft. featuring, and the NUL of audio tags. Commas, "&", "and" and a bare
"/" are parts of many names ("Earth, Wind & Fire", "AC/DC"), so they only separate what is also known from other cells.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from familychat.wording import Text
from familychat_music.importing.plan import Plan
from familychat_music.importing.report import ColumnReport, TableReport
from familychat_music.schema import Kind, Role

SPLIT = (Role.ARTIST, Role.ALBUM_ARTIST, Role.COMPOSER, Role.LYRICIST, Role.GENRE)
PERFORMERS = frozenset({Role.ARTIST, Role.ALBUM_ARTIST})
FEW_CELLS = 2
"""So many different cells must hold several values before they get a table, ..."""
FEW_SHARE = 0.02
"""... and this share of all different cells: below it, the column holds single names, some with odd letters."""
MAX_KNOWN_PARTS = 300_000
"""So many different parts are counted; the memory is bounded, and no real library has more."""
LONGEST_SPLIT = 500
"""A longer cell, in characters, is no list of names."""
MAX_PARTS = 40
PAIR = 2

# A separator takes in one space at most: the others go with strip, and no cell makes the search slow.
_HINT = re.compile(r"[;|\0/,&]|\b(?:feat|ft|featuring|and|und|et|y)\b", re.IGNORECASE)
_CERTAIN = re.compile(r"[;|\0]|\s//?\s|(?<=[\s(\[])(?:feat\.?|ft\.|featuring)\s", re.IGNORECASE)
_CERTAIN_GENRE = re.compile(r"[;|\0]|\s//?\s")
_PERHAPS = re.compile(r",(?:\s?(?:and|&)\s)?|\s(?:&|and|und|et|y)\s|(?<=\w)/(?=\w)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|inc|md|phd)\.?", re.IGNORECASE)
_BAND = re.compile(r"\s(?:&|and|und|et|y)\s+(?:the|die|les|los|his|her)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Child:
    """A table with one row per song and value."""

    role: Role

    @property
    def table(self) -> str:
        return f"song_{self.role.value}s"


@dataclass(slots=True)
class Budget:
    """How many characters of cells may still be looked at, so that no list takes too long; ``spent`` once it's over."""

    characters: int
    spent: bool = False

    def allows(self, cell: str) -> bool:
        """Whether this cell may be looked at too."""
        self.characters -= len(cell)
        self.spent = self.spent or self.characters < 0
        return not self.spent


class Splitter:
    """Splits the cells of one column, knowing all of them."""

    def __init__(self, connection: sqlite3.Connection, role: Role, budget: Budget) -> None:
        self._connection = connection
        self._role = role
        self._certain = _CERTAIN if role is not Role.GENRE else _CERTAIN_GENRE
        self._seen: Counter[str] = Counter()
        self._sure: set[str] = set()
        self._whole: dict[str, bool] = {}
        self._cells = [cell for cell in self._candidates() if budget.allows(cell)]

    def several(self) -> Iterator[tuple[str, list[str]]]:
        """The cells that hold several values, each with its values."""
        for cell in self._cells:
            self._learn(cell)
        for cell in self._cells:
            values = self.split(cell)
            if values != [cell]:
                yield cell, values

    def split(self, cell: str) -> list[str]:
        """The values of a cell, each once."""
        pieces = self._pieces(cell)
        values = [value for piece in pieces for value in self._perhaps(piece)]
        return list({value.casefold(): value for value in reversed(values)}.values())[::-1]

    def _candidates(self) -> Iterator[str]:
        """The different cells with anything that might separate."""
        column = self._role.value
        for (cell,) in self._connection.execute(f"SELECT DISTINCT {column} FROM songs"):  # noqa: S608 -- a fixed name
            if cell and len(cell) <= LONGEST_SPLIT and _HINT.search(cell):
                yield cell

    def _pieces(self, cell: str) -> list[str]:
        """What a cell certainly separates. "M|O|O|N" is a name all the same."""
        pieces = [piece for part in self._certain.split(cell) if (piece := _trimmed(part))]
        if len(pieces) > MAX_PARTS or all(len(piece) == 1 for piece in pieces):
            return [cell]
        return pieces

    def _learn(self, cell: str) -> None:
        pieces = self._pieces(cell)
        if len(self._seen) > MAX_KNOWN_PARTS:
            return
        if len(pieces) > 1:
            self._sure.update(piece.casefold() for piece in pieces)
        self._seen.update({part.casefold() for piece in pieces for part in _parts(piece)})

    def _perhaps(self, piece: str) -> list[str]:
        """What commas and "and" separate, if the other cells bear it out: all parts but one are known from them.

        Of performers one part must also stand alone somewhere; and one first name that does is too little to take a duo
        apart: there is a Sam in many a list that also has Sam & Dave.
        """
        parts = _parts(piece)
        if not 1 < len(parts) <= MAX_PARTS or any(map(_SUFFIX.fullmatch, parts)):
            return [piece]
        known = [part for part in parts if self._is_known(part)]
        if len(known) < len(parts) - 1:
            return [piece]
        if self._role in PERFORMERS:
            alone = [part for part in known if self._stands_alone(part)]
            is_duo = len(parts) == PAIR and len(known) < PAIR and not any(" " in part for part in alone)
            if not alone or is_duo or _BAND.search(piece):
                return [piece]
        return parts

    def _is_known(self, part: str) -> bool:
        return self._seen[part.casefold()] > 1 or self._stands_alone(part)

    def _stands_alone(self, part: str) -> bool:
        """Whether a part is also a whole cell, or one of several that are certainly separate."""
        folded = part.casefold()
        if folded in self._sure:
            return True
        if folded not in self._whole:
            if len(self._whole) > MAX_KNOWN_PARTS:
                self._whole.clear()
            column = self._role.value
            found = self._connection.execute(f"SELECT 1 FROM songs WHERE {column} = ? LIMIT 1", (part,))  # noqa: S608
            self._whole[folded] = found.fetchone() is not None
        return self._whole[folded]


def _trimmed(part: str) -> str:
    """A part without the brackets that "(feat. X)" leaves behind."""
    part = part.strip().strip(";|,").rstrip("([").strip()
    return part.rstrip(")]").strip() if part.count(")") > part.count("(") or part.count("]") > part.count("[") else part


def _parts(piece: str) -> list[str]:
    return [part for text in _PERHAPS.split(piece) if (part := text.strip())]


def add_children(connection: sqlite3.Connection, plan: Plan, budget: Budget) -> list[TableReport]:
    """Add the tables for the columns with cells that hold several values, and say what they are."""
    names = {column.name: column for column in plan.columns}
    reports = []
    for role in SPLIT:
        if role.value not in names or names[role.value].guess.kind is not Kind.TEXT:
            continue
        if role not in {Role.ARTIST, Role.GENRE}:  # the others are indexed already
            connection.execute(f"CREATE INDEX songs_{role.value} ON songs({role.value})")
        if _collect(connection, role, budget) >= max(FEW_CELLS, FEW_SHARE * _different(connection, role)):
            rows = _fill(connection, Child(role))
            of_song = ColumnReport("", "song_id", Kind.NUMBER, None, Text("the song's id"), rows)
            source = names[role.value].source
            value = ColumnReport(source, role.value, Kind.TEXT, role, Text("one row for each value of a cell"), rows)
            reports.append(TableReport(Child(role).table, rows, (of_song, value)))
        connection.execute("DROP TABLE temp.parts")
    return reports


def _different(connection: sqlite3.Connection, role: Role) -> int:
    count: int = connection.execute(f"SELECT count(DISTINCT {role.value}) FROM songs").fetchone()[0]  # noqa: S608
    return count


def _collect(connection: sqlite3.Connection, role: Role, budget: Budget) -> int:
    """Put the values of the cells that hold several into a temporary table; return how many cells there are."""
    connection.execute("CREATE TEMP TABLE parts (cell TEXT COLLATE NOCASE, place INTEGER, value TEXT)")
    rows = ((cell, place, value) for cell, values in Splitter(connection, role, budget).several()
            for place, value in enumerate(values))  # fmt: skip
    connection.executemany("INSERT INTO temp.parts VALUES (?, ?, ?)", rows)
    connection.execute("CREATE INDEX temp.parts_cell ON parts(cell)")
    query = f"SELECT count(*) FROM songs WHERE {role.value} IN (SELECT cell FROM temp.parts)"  # noqa: S608
    count: int = connection.execute(query).fetchone()[0]
    return count


def _fill(connection: sqlite3.Connection, child: Child) -> int:
    table, column = child.table, child.role.value
    connection.execute(f"CREATE TABLE {table} (song_id INTEGER REFERENCES songs(id), {column} TEXT COLLATE NOCASE)")
    cursor = connection.execute(
        f"INSERT INTO {table} SELECT songs.id, coalesce(parts.value, songs.{column}) FROM songs"  # noqa: S608
        f" LEFT JOIN temp.parts ON parts.cell = songs.{column} WHERE songs.{column} IS NOT NULL"
    )
    rows = cursor.rowcount
    connection.execute(f"CREATE INDEX {table}_{column} ON {table}({column})")
    connection.execute(f"CREATE INDEX {table}_song_id ON {table}(song_id)")
    return rows
