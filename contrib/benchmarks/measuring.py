"""What the benchmarks share: medians, a table, and bounds that fail."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; ``bound`` is the most it may be (None: for information)."""

    name: str
    value: float
    unit: str
    bound: float | None = None

    @property
    def holds(self) -> bool:
        return self.bound is None or self.value <= self.bound


def median(values: Sequence[float]) -> float:
    """The median of the repetitions of one run."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of them lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def report(title: str, rows: Sequence[Row]) -> list[Row]:
    """Print the rows as a table, and hand them back."""
    print(f"\n{title}")
    width = max(len(row.name) for row in rows)
    for row in rows:
        bound = "" if row.bound is None else f"  at most {row.bound:g}  {'ok' if row.holds else 'MISSED'}"
        print(f"  {row.name:<{width}}  {row.value:12,.2f} {row.unit:<10}{bound}".rstrip())
    return list(rows)


def finish(rows: Sequence[Row]) -> NoReturn:
    """End a script: exit code 1 if a bound was missed."""
    sys.exit(0 if all(row.holds for row in rows) else 1)
