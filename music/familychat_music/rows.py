"""What a question's SQL may cost, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | None
"""What a cell can hold; blobs arrive as their size in words, since nobody reads them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may take: seconds, rows, bytes of memory, and bytes of result."""

    seconds: float = 2.0
    rows: int = 1_000
    memory: int = 256 * 1024 * 1024
    result: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rows:
    """The result of a statement. ``truncated`` is true when there were more than the limits let through."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    truncated: bool = False
