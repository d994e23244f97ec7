"""Comparing two results: the measure of execution accuracy.

As text-to-SQL benchmarks do (Yu et al. 2018, Spider; Zhong et al. 2020, test-suite accuracy): the rows must be the
same, counted; their order matters only where the gold statement orders them; columns may stand in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import permutations

from familychat_music.rows import Rows, Value

MOST_COLUMNS = 6
"""Columns are tried in every order up to here."""

DIGITS = 3
"""Digits after the point that count: seconds don't get finer, and sums differ with their order beyond."""


def same_rows(gold: Rows, other: Rows, *, ordered: bool) -> bool:
    """Whether ``other`` gives what ``gold`` does."""
    width = len(gold.columns)
    if width != len(other.columns) or len(gold.rows) != len(other.rows):
        return False
    wanted = [_plain(row) for row in gold.rows]
    found = [_plain(row) for row in other.rows]
    orders = permutations(range(width)) if width <= MOST_COLUMNS else [tuple(range(width))]
    return any(_equal(wanted, [tuple(row[place] for place in order) for row in found], ordered) for order in orders)


def _equal(wanted: Sequence[tuple[Value, ...]], found: Sequence[tuple[Value, ...]], ordered: bool) -> bool:
    return list(wanted) == list(found) if ordered else Counter(wanted) == Counter(found)


def _plain(row: Sequence[Value]) -> tuple[Value, ...]:
    """Numbers without the noise of adding them up in another order."""
    return tuple(round(value, DIGITS) if isinstance(value, float) else value for value in row)
