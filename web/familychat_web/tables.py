"""Rows that came with an answer: a table, and a bar chart where they are counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PAIR = 2
FEW_BARS, MOST_BARS = 3, 40
BAR_HEIGHT, BAR_STEP = 18, 24
LABELS_WIDTH, BARS_WIDTH, COUNT_WIDTH = 180, 360, 60
LONGEST_LABEL = 26
"""Characters."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown, and whether it is a number."""

    text: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in the chart's own units."""

    label: str
    count: int
    y: int
    length: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars below each other, for an SVG of this size."""

    bars: tuple[Bar, ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a music question found: the statement, its rows, and how many there were in all."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    row_count: int
    chart: Chart | None


def found_in(details: Mapping[str, Any]) -> Found | None:
    """What an answer's details tell of a query; None if it had none. Details may hold anything."""
    sql, columns, rows = details.get("sql"), details.get("columns"), details.get("rows")
    if not isinstance(sql, str) or not isinstance(columns, list) or not isinstance(rows, list):
        return None
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return None
    count = details.get("row_count")
    return Found(
        sql=sql,
        columns=tuple(str(name) for name in columns),
        rows=tuple(tuple(_cell(value) for value in row) for row in rows),
        row_count=max(count, len(rows)) if isinstance(count, int) else len(rows),
        chart=_chart(columns, rows),
    )


def _cell(value: Any) -> Cell:
    if isinstance(value, float):
        return Cell(f"{value:,.2f}".rstrip("0").rstrip("."), is_number=True)
    return Cell("" if value is None else str(value), is_number=isinstance(value, int))


def _chart(columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Chart | None:
    """A chart if the rows are names or years, each with a count; years go from old to new."""
    if len(columns) != PAIR or not FEW_BARS <= len(rows) <= MOST_BARS or "count" not in str(columns[1]).casefold():
        return None
    if not all(isinstance(count, int) and count >= 0 for _, count in rows):
        return None
    years = all(isinstance(label, int) for label, _ in rows)
    ordered = sorted(rows, key=lambda row: row[0]) if years else rows
    most = max(count for _, count in rows) or 1
    bars = tuple(
        Bar(_short(_cell(label).text), count, place * BAR_STEP, round(BARS_WIDTH * count / most, 1))
        for place, (label, count) in enumerate(ordered)
    )
    return Chart(bars, LABELS_WIDTH + BARS_WIDTH + COUNT_WIDTH, len(bars) * BAR_STEP)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"
