"""Turning whole columns of cells into values, quickly.

A list has few different dates and numbers compared with its rows, so what was once worked out is remembered. A column
of plain numbers that are nearly all different is converted by one call per batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time
from math import isfinite

from familychat.wording import Text
from familychat_music.importing.cells import Cell, Value
from familychat_music.importing.dates import Order, only_order
from familychat_music.importing.figures import MAX_INTEGER, OddValueError
from familychat_music.importing.roles import Form, Guess, parser

REMEMBERED = 50_000
"""How many different cells of a column are remembered."""
LONGEST_REMEMBERED = 64
"""A longer text is no number or date, and isn't remembered, so that a hostile file can't fill the memory."""
FRACTION_DIGITS = 3


class Odd:
    """Stands in a column for a cell that doesn't fit; ``reason`` says why."""

    __slots__ = ("reason",)

    def __init__(self, reason: Text) -> None:
        self.reason = reason


Taken = list[Value | Odd]
_EMPTY = ("", None)
_TEXTS = {str}
_PLAIN_FORMS = frozenset({Form.NUMBER, Form.MEASURE, Form.POSITION, Form.RATING, Form.SIZE})


class Memory(dict[Cell, Value | Odd]):
    """Values by cell, worked out when first asked for.

    ``own`` and ``other`` count the dates that can only be read in the order chosen, and only in the other one.
    """

    def __init__(self, parse: Callable[[Cell], Value], order: Order | None) -> None:
        super().__init__()
        self.parse = parse
        self.order = order
        self.odd = False
        self.own = self.other = 0

    def __missing__(self, cell: Cell) -> Value | Odd:
        value: Value | Odd
        try:
            value = self.parse(cell)
        except OddValueError as problem:
            value = Odd(Text(str(problem)))
            self.odd = True
        if self.order is not None and (only := only_order(cell)) is not None:
            self.own += only is self.order
            self.other += only is not self.order
        if not isinstance(cell, str) or len(cell) <= LONGEST_REMEMBERED:
            self[cell] = value
        return value


class Taker:
    """Converts the cells of one column, a batch at a time."""

    def __init__(self, chosen: Guess) -> None:
        form = chosen.form
        self._whole = chosen.whole
        self._plain = form in _PLAIN_FORMS and not chosen.decimal_comma
        self._seconds = form is Form.DURATION and chosen.scale == 1.0 and not chosen.whole
        self._memory = (
            None if form is Form.TEXT else Memory(parser(chosen), chosen.order if form is Form.DATE else None)
        )
        self._many_different = False

    def take(self, cells: Sequence[Cell]) -> tuple[Taken, bool]:
        """The values, and whether there may be odd cells among them."""
        if self._memory is None:
            return take_texts(cells), False
        if self._many_different and (numbers := self._at_once(cells)) is not None:
            return numbers, False
        if len(self._memory) > REMEMBERED:
            self._memory.clear()
            self._memory.odd = False
            self._many_different = True
        return list(map(self._memory.__getitem__, cells)), self._memory.odd

    def _at_once(self, cells: Sequence[Cell]) -> Taken | None:
        """All the values by one call, where remembering doesn't pay; None if a cell isn't that plain."""
        if self._plain:
            return _plain_numbers(cells, whole=self._whole)
        return _plain_seconds(cells) if self._seconds else None

    @property
    def wrong_order(self) -> bool:
        """Whether more dates than not need the day where the month was read."""
        return self._memory is not None and self._memory.other > self._memory.own


def _plain_numbers(cells: Sequence[Cell], *, whole: bool) -> Taken | None:
    """The numbers, if each cell is one as Python writes them, or blank."""
    convert: Callable[[str], int | float] = int if whole else float
    filled = [cell for cell in cells if cell not in _EMPTY] if "" in cells or None in cells else cells
    try:
        if set(map(type, filled)) == _TEXTS:
            numbers = list(map(convert, filled))  # type: ignore[arg-type]  # all are texts
        else:
            numbers = [convert(cell) if isinstance(cell, str) else _typed(cell) for cell in filled]
    except (ValueError, OverflowError, TypeError):
        return None
    if numbers and not (isfinite(sum(numbers)) and min(numbers) > -MAX_INTEGER and max(numbers) < MAX_INTEGER):
        return None
    if len(numbers) == len(cells):
        return numbers  # type: ignore[return-value]
    following = iter(numbers)
    return [None if cell in _EMPTY else next(following) for cell in cells]


def _typed(cell: Cell) -> int | float:
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else cell
    if isinstance(cell, int):
        return cell
    raise TypeError


def _plain_seconds(cells: Sequence[Cell]) -> Taken | None:
    """Seconds with a fraction, rounded."""
    numbers = _plain_numbers(cells, whole=False)
    if numbers is None:
        return None
    return [None if number is None else round(number, FRACTION_DIGITS) for number in numbers]  # type: ignore[arg-type]


def take_texts(cells: Sequence[Cell]) -> Taken:
    """The texts without the spaces around them; empty ones are None."""
    try:
        texts = list(map(str.strip, cells))  # type: ignore[arg-type]  # else it raises
    except TypeError:
        return [text_of(cell) for cell in cells]
    return [text or None for text in texts] if "" in texts else texts  # type: ignore[return-value]


def text_of(cell: Cell) -> str | None:
    """A cell of a spreadsheet as the text that it shows."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < MAX_INTEGER:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ") if cell.time() != time() else cell.date().isoformat()
    return None if cell is None else str(cell)
