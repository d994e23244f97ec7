"""A list of songs, however it is kept, becomes the table ``songs`` and its children."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from familychat.wording import Counted, Text
from familychat_music.importing.blocks import Cleaner
from familychat_music.importing.cells import Batch, Grid, Row, Source, is_blank_row
from familychat_music.importing.detect import FileKind
from familychat_music.importing.layout import Layout, find_layout
from familychat_music.importing.plan import Plan, make_plan
from familychat_music.importing.refusals import refused
from familychat_music.importing.report import ColumnReport, ImportOptions, ImportReport, TableReport, example_of
from familychat_music.importing.several import Budget, add_children
from familychat_music.importing.songs import TABLE, Loaded, MisjudgedError, SongsLoader, create_indexes, quoted
from familychat_music.schema import Kind

if TYPE_CHECKING:
    from familychat_music.importing.importer import Pace

SAMPLE_ROWS = 2_000
"""So many rows at the beginning tell what the columns are."""
SAMPLE_CELLS = 30_000
"""A wide list is sampled by fewer rows."""
MOST_SAMPLE_CELLS = 1_000_000
"""Blank cells and rows included: the sample is held in memory."""
SPLIT_CHARACTERS = 10_000_000
SPLIT_CHARACTERS_OF_WORKBOOK = 1_000_000
"""So many characters of cells that hold several names are looked at: a second's work, for a workbook has only five."""
MAX_STARTS = 4
"""After so many starts the plan is followed, whatever comes."""


def import_list(
    connection: sqlite3.Connection, kind: FileKind, path: Path, options: ImportOptions, pace: Pace
) -> ImportReport:
    """Fill an empty library from a sheet, a text or a folder of audio files."""
    source = _source(kind, path, options)
    grid = source.open()
    sample, batches = _sampled(source)
    with closing(batches):
        layout = find_layout(sample, grid)
        enough = max(1, SAMPLE_CELLS // len(layout.headings))
        below = [row for row in sample[layout.first_row :] if not is_blank_row(row)][:enough]
        plan = make_plan(layout, below, options.mapping, grid.first_column)
        connection.execute("BEGIN")
        result = _load(connection, layout, plan, source, batches, pace=pace)
    if not result.loaded.rows:
        raise refused(Text("There are headings, but no songs below them."), Text("Choose a file with songs in it."))
    if kind is FileKind.AUDIO:
        result = replace(result, plan=_drop_empty(connection, result))
    create_indexes(connection, result.plan)
    budget = Budget(SPLIT_CHARACTERS_OF_WORKBOOK if kind is FileKind.WORKBOOK else SPLIT_CHARACTERS)
    children = add_children(connection, result.plan, budget)
    connection.execute("COMMIT")
    pace.finish(result.loaded.rows)
    if budget.spent:
        grid.notes.append(Text("Too many different cells hold several names; those beyond a limit were left whole."))
    return _report(connection, grid, layout, result, children)


def _source(kind: FileKind, path: Path, options: ImportOptions) -> Source:
    if kind is FileKind.AUDIO:
        from familychat_music.importing.audio import AudioSource

        return AudioSource(path)
    if kind is FileKind.WORKBOOK:
        from familychat_music.importing.workbook import WorkbookSource

        return WorkbookSource(path, options.sheet)
    from familychat_music.importing.delimited import DelimitedSource

    return DelimitedSource(path)


def _sampled(source: Source) -> tuple[list[Row], Generator[Batch, None, None]]:
    """The first rows, and all batches, those with the sample among them."""
    batches = source.batches()
    taken: list[Batch] = []
    filled = cells = 0
    for batch in batches:
        taken.append(batch)
        filled += sum(1 for row in batch if not is_blank_row(row))
        cells += sum(map(len, batch)) + len(batch)
        if filled >= SAMPLE_ROWS or cells > MOST_SAMPLE_CELLS:
            break
    sample = list(itertools.islice(itertools.chain.from_iterable(taken), _end_of_sample(taken)))
    return sample, _chained(taken, batches)


def _end_of_sample(taken: list[Batch]) -> int:
    """The index behind the last row of the sample: blank rows don't count."""
    filled = 0
    for index, row in enumerate(itertools.chain.from_iterable(taken)):
        filled += not is_blank_row(row)
        if filled >= SAMPLE_ROWS:
            return index + 1
    return sum(map(len, taken))


def _chained(taken: list[Batch], batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    with closing(batches):
        while taken:
            yield taken.pop(0)
        yield from batches


@dataclass(frozen=True, slots=True)
class _Result:
    plan: Plan
    loaded: Loaded
    cleaner: Cleaner


def _load(
    connection: sqlite3.Connection,
    layout: Layout,
    plan: Plan,
    source: Source,
    first: Generator[Batch, None, None],
    *,
    pace: Pace,
) -> _Result:
    """Load the rows, again with a better plan where the sample was misleading."""
    known = {heading.index for heading in layout.headings}
    unplanned = frozenset(range(max(known) + 1)) - known
    batches, starts = first, 1
    while True:
        texts = frozenset(column.index for column in plan.columns if column.guess.kind is Kind.TEXT)
        cleaner = Cleaner(layout, texts)
        loader = SongsLoader(connection, plan, stubborn=starts >= MAX_STARTS)
        try:
            with closing(batches):
                blocks = cleaner.blocks(batches)
                return _Result(
                    plan, loader.load(blocks, lambda rows: pace.tell(rows, source.fraction()), unplanned), cleaner
                )
        except MisjudgedError as misjudged:
            connection.execute(f"DROP TABLE {TABLE}")
            plan, batches, starts = misjudged.plan, source.batches(), starts + 1


def _drop_empty(connection: sqlite3.Connection, result: _Result) -> Plan:
    """Leave out the columns of tags that no audio file has."""
    empty = [column.name for column in result.plan.columns if not result.loaded.filled.get(column.name)]
    for name in empty:
        connection.execute(f"ALTER TABLE {TABLE} DROP COLUMN {quoted(name)}")
    return Plan(tuple(column for column in result.plan.columns if column.name not in empty))


def _report(
    connection: sqlite3.Connection, grid: Grid, layout: Layout, result: _Result, children: list[TableReport]
) -> ImportReport:
    loaded = result.loaded
    columns = tuple(
        ColumnReport(
            column.source, column.name, column.guess.kind, column.guess.role, column.guess.converted,
            loaded.filled.get(column.name, 0), _example(connection, column.name),
        )
        for column in result.plan.columns
    )  # fmt: skip
    return ImportReport(
        source_kind=grid.kind,
        tables=(TableReport(TABLE, loaded.rows, columns), *children),
        sheet=grid.sheet,
        odd=tuple(loaded.named),
        odd_count=sum(loaded.odd.values()),
        notes=(*grid.notes, *_notes(layout, result)),
    )


def _example(connection: sqlite3.Connection, column: str) -> str:
    name = quoted(column)
    row = connection.execute(f"SELECT {name} FROM {TABLE} WHERE {name} IS NOT NULL LIMIT 1").fetchone()  # noqa: S608
    return example_of(row[0]) if row else ""


def _notes(layout: Layout, result: _Result) -> list[str]:
    """What was left out, a sentence each."""
    cleaner = result.cleaner
    notes = (
        Counted(
            layout.left_out,
            "%(count)s row above the headings was left out.",
            "%(count)s rows above the headings were left out.",
        ),
        Counted(cleaner.blank, "%(count)s empty row was skipped.", "%(count)s empty rows were skipped."),
        Counted(
            cleaner.headers,
            "%(count)s row was left out: the headings again.",
            "%(count)s rows were left out: the headings again.",
        ),
        Counted(
            cleaner.totals,
            "%(count)s row at the end was left out: totals or remarks.",
            "%(count)s rows at the end were left out: totals or remarks.",
        ),
        Counted(
            cleaner.long,
            "%(count)s row has more cells than there are columns; the extra cells were left out.",
            "%(count)s rows have more cells than there are columns; the extra cells were left out.",
        ),
        Counted(
            result.loaded.stray,
            "%(count)s cell in columns without a heading was left out.",
            "%(count)s cells in columns without a heading were left out.",
        ),
    )
    return [note for note in notes if note.number]
