"""Music in the terminal: import reports, tables of rows, and small bar charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from familychat_cli.output import clean, note, out, say, table

if TYPE_CHECKING:
    from familychat_music.importing.report import ImportReport

MOST_ROWS = 20
BAR_WIDTH = 40
FEW_BARS, MOST_BARS = 3, 40
PAIR = 2

Cell = str | int | float | None


def show_rows(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], row_count: int, *, limit: int = MOST_ROWS
) -> None:
    """A table of the first rows; counts by a name or a year become bars."""
    if is_chart(columns, rows):
        show_bars(rows)
        return
    right = [
        name for place, name in enumerate(columns) if any(isinstance(row[place], (int, float)) for row in rows[:limit])
    ]
    table([str(name) for name in columns], [[cell_text(cell) for cell in row] for row in rows[:limit]], right=right)
    if row_count > limit:
        note(f"({row_count - limit:,} more rows)")


def says_more(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether people would rather look at the rows than read them in a sentence."""
    return len(rows) > FEW_BARS or is_chart(columns, rows)


def is_chart(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether the rows are names or years, each with a count."""
    if len(columns) != PAIR or not FEW_BARS <= len(rows) <= MOST_BARS:
        return False
    return all(isinstance(row[1], int) and row[1] >= 0 for row in rows) and "count" in columns[1].casefold()


def show_bars(rows: Sequence[Sequence[Cell]]) -> None:
    """One bar a row, in the rows' order, except that years and decades go from old to new."""
    years = all(isinstance(row[0], int) for row in rows)
    ordered = sorted(rows, key=lambda row: (row[0], 0)) if years else list(rows)
    longest = max(int(row[1] or 0) for row in ordered) or 1
    width = max(len(cell_text(row[0])) for row in ordered)
    for row in ordered:
        bar = "█" * max(1, round(BAR_WIDTH * int(row[1] or 0) / longest)) if row[1] else ""
        out().print(f"{clean(cell_text(row[0])):>{width}}  {bar} {row[1]}")


def cell_text(cell: Cell) -> str:
    """A cell as it is shown; nothing for what isn't known."""
    if cell is None:
        return ""
    return f"{cell:,.2f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)


def show_report(report: ImportReport) -> None:
    """What each column became, what was odd, and what was left out."""
    for found in report.tables:
        say(f"{found.name}: {found.rows:,} rows", style="bold")
        rows = [
            [column.source or "(made)", column.name, str(column.kind), column.converted, f"{column.filled:,}"]
            for column in found.columns
        ]
        table(["In the file", "Here", "Kind", "What was done", "Filled"], rows, right=["Filled"])
    for text in report.notes:
        note(text, style=None)
    if report.odd_count:
        cells = "cell was" if report.odd_count == 1 else "cells were"
        note(f"{report.odd_count:,} {cells} odd:", style="yellow")
        shown = [[str(odd.row), odd.column, odd.value[:40], odd.reason] for odd in report.odd[:MOST_ROWS]]
        table(["Row", "Column", "Value", "Why"], shown, right=["Row"])
