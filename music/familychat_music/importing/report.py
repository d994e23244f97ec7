"""What an import did, for people to check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from familychat_music.schema import Kind, Role

MAX_ODD_CELLS = 100
"""How many odd cells a report names; it counts them all."""


LONGEST_EXAMPLE = 60


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """``sheet`` names a worksheet (None: the one that looks most like a music list). ``mapping`` says what a
    column is, from its header (``table.column`` for a database) to the name of a :class:`Role`."""

    sheet: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """What became of one column. ``source`` is its header in the file, ``name`` its column in the library.

    ``converted`` says what was done to its values ("3:45 became seconds"), empty if nothing.
    ``example`` is the beginning of its first value.
    """

    source: str
    name: str
    kind: Kind
    role: Role | None = None
    converted: str = ""
    filled: int = 0
    example: str = ""


def example_of(value: object) -> str:
    """A value for a report; empty for none and for what isn't text or a number."""
    return str(value)[:LONGEST_EXAMPLE] if isinstance(value, str | int | float) else ""


@dataclass(frozen=True, slots=True)
class TableReport:
    """A table of the library: how many rows it has, and its columns in the file's order."""

    name: str
    rows: int
    columns: tuple[ColumnReport, ...]


@dataclass(frozen=True, slots=True)
class OddCell:
    """A cell that could not be taken as what its column is; it is kept as text or left out, as ``reason`` says.

    ``row`` is counted as the file shows it, from 1.
    """

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """``source_kind`` is what the file turned out to be (csv, xlsx, sqlite, audio ...); ``sheet`` the worksheet taken.

    ``notes`` are whole sentences about what was left out: title rows, totals, empty rows, unreadable audio files.
    """

    source_kind: str
    tables: tuple[TableReport, ...]
    sheet: str | None = None
    odd: tuple[OddCell, ...] = ()
    odd_count: int = 0
    notes: tuple[str, ...] = ()
