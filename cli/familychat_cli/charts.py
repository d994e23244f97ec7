"""Small charts in the terminal: a bar beside each number, as wide as there is room. Colours say nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from familychat_cli.output import clean, out

if TYPE_CHECKING:
    from rich.console import Console

WIDEST = 50
NARROWEST = 8
PLAIN = 40
"""Columns of the longest bar in a pipe, where no window sets the width."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_PARTS = len(_EIGHTHS) - 1


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a chart: its label, its length (0 or more, in the unit of all of them), and the numbers beside it."""

    label: str
    length: float
    numbers: Sequence[str]


def bar(share: float, width: int, *, plain: bool) -> str:
    """A bar of ``share`` (0 to 1) of ``width`` columns; what is more than nothing is seen. ``plain``: only ASCII."""
    if share <= 0:
        return ""
    if plain:
        return "#" * max(1, round(share * width))
    whole, part = divmod(max(1, math.floor(share * width * _PARTS)), _PARTS)
    return _EIGHTHS[-1] * whole + (_EIGHTHS[part] if part else "")


def chart(label: str, numbers: Sequence[str], bars: Sequence[Bar], *, console: Console | None = None) -> None:
    """Print a table of the numbers with a bar for each row, the longest filling what is left of the width.

    Without a ``console`` it goes to standard output.
    """
    from rich.cells import cell_len
    from rich.table import Table

    console = console or out()
    columns = [[clean(one.label) for one in bars], *zip(*(one.numbers for one in bars), strict=True)]
    taken = sum(
        max((cell_len(cell) for cell in (heading, *column)), default=0) + 2
        for heading, column in zip((label, *numbers), columns, strict=True)
    )
    plain = not console.is_terminal or console.options.ascii_only
    width = PLAIN if not console.is_terminal else min(WIDEST, console.width - taken)
    longest = max((one.length for one in bars), default=0)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column(label, overflow="fold")
    for heading in numbers:
        shown.add_column(heading, justify="right")
    if width >= NARROWEST:
        shown.add_column("", no_wrap=True)
    for one in bars:
        drawn = [bar(one.length / longest if longest else 0, width, plain=plain)] if width >= NARROWEST else []
        shown.add_row(clean(one.label), *one.numbers, *drawn)
    console.print(shown)
