"""What a source of rows hands over, whatever kind of file it reads."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Protocol

Cell = str | int | float | date | time | timedelta | None
"""A cell as its file gives it; an empty one is None or an empty text."""

Row = Sequence[Cell]
Batch = list[Row]
Value = str | int | float | None
"""A cell as the library keeps it."""

BLANK_WORDS = frozenset(
    {"n/a", "na", "#n/a", "-", "--", "\u2013", "\u2014", "?", "null", "none", "nan", "nil", "unknown", "k.a.", "."}
)
"""Words that mean "nothing here" in a column of numbers or dates."""


@dataclass(frozen=True, slots=True)
class Span:
    """Merged cells: rows and columns from 0, the last ones included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Grid:
    """What is known about a source of rows once it is open. ``first_column`` is where its first cell stands."""

    kind: str
    sheet: str | None = None
    first_column: int = 0
    merged: tuple[Span, ...] = ()
    notes: list[str] = field(default_factory=list)


class Source(Protocol):
    """A file read as rows of cells, from its first row, blank ones included. It can be read again."""

    def open(self) -> Grid:
        """Look at the file; raise ImportRefusedError if it can't be taken."""
        ...

    def batches(self) -> Generator[Batch, None, None]:
        """All its rows, some thousands at a time; the caller closes the iterator if it stops early."""
        ...

    def fraction(self) -> float | None:
        """How much of it has been read, from 0 to 1; None if that can't be told."""
        ...


def is_blank(cell: object) -> bool:
    """Whether there is nothing in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def is_blank_row(row: Row) -> bool:
    """Whether there is nothing in any cell of a row. Quick, for sheets may have millions of such rows."""
    if any(row):
        return all(map(is_blank, row))
    return 0 not in row
