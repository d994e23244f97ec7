"""What the cells of a column look like, from a sample of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median

from familychat_music.importing.cells import BLANK_WORDS
from familychat_music.importing.dates import MAX_DATE, Order, date_of, only_order
from familychat_music.importing.durations import is_clock
from familychat_music.importing.figures import OddValueError, number_of, says_decimal_comma

_ISO = re.compile(r"\d{4}(-\d\d){1,2}", re.ASCII)
_LEADING_ZERO = re.compile(r"0\d+", re.ASCII)
LONGEST_NUMBER = 15
"""A number written with more digits is a name for something, such as a barcode."""


@dataclass(slots=True)
class Study:
    """Counts over the filled cells of a sample; ``numbers`` are the values of those that are numbers.

    ``years`` counts whole numbers from 1900 to 2100, ``full_dates`` dates with at least a month.
    """

    filled: int = 0
    texts: int = 0
    typed_numbers: int = 0
    clocks: int = 0
    time_cells: list[float] = field(default_factory=list)
    full_dates: int = 0
    iso_dates: int = 0
    names: int = 0
    years: int = 0
    day_first: int = 0
    month_first: int = 0
    decimal_commas: int = 0
    decimal_points: int = 0
    numbers: list[float] = field(default_factory=list)

    @property
    def decimal_comma(self) -> bool:
        return self.decimal_commas > self.decimal_points

    @property
    def order(self) -> Order:
        return Order.MONTH_FIRST if self.month_first > self.day_first else Order.DAY_FIRST

    def share(self, count: int) -> float:
        """A count as a share of the filled cells, 0 without any."""
        return count / self.filled if self.filled else 0.0

    def typical(self) -> float:
        """The median of the numbers, 0 without any."""
        return median(self.numbers) if self.numbers else 0.0


def study(values: Sequence[object]) -> Study:
    """Look at the cells of a sample; those that say "nothing here" don't count as filled."""
    found = Study()
    texts = [text for value in values if isinstance(value, str) and (text := value.strip())]
    texts = [text for text in texts if text.lower() not in BLANK_WORDS]
    found.decimal_commas = sum(1 for text in texts if says_decimal_comma(text[:40]))
    found.decimal_points = sum(1 for text in texts if "." in text[:40] and "," not in text and _is_number(text))
    found.filled = len(texts)
    for text in texts:
        _look_at_text(text, found)
    for value in values:
        if value is not None and not isinstance(value, str):
            found.filled += 1
            _look_at_typed(value, found)
    return found


def _is_number(text: str) -> bool:
    try:
        return number_of(text) is not None
    except OddValueError:
        return False


def _look_at_typed(value: object, found: Study) -> None:
    if isinstance(value, (int, float)):
        found.typed_numbers += 1
        _count_number(value, found)
    elif isinstance(value, time):
        found.clocks += 1
        found.time_cells.append(value.hour * 3600 + value.minute * 60 + value.second)
    elif isinstance(value, timedelta):
        found.clocks += 1
        found.time_cells.append(value.total_seconds())
    elif isinstance(value, (date, datetime)):
        found.full_dates += 1
        found.iso_dates += 1


def _count_number(number: float, found: Study) -> None:
    found.numbers.append(number)
    if number == int(number) and 1900 <= number <= 2100:  # noqa: PLR2004 -- the years of recorded music
        found.years += 1


def _look_at_text(text: str, found: Study) -> None:
    found.texts += 1
    order = only_order(text)
    found.day_first += order is Order.DAY_FIRST
    found.month_first += order is Order.MONTH_FIRST
    if is_clock(text):
        found.clocks += 1
        return
    try:
        number = number_of(text, decimal_comma=found.decimal_comma)
    except OddValueError:
        _look_at_words(text, found)
        return
    if number is not None:
        found.names += bool(_LEADING_ZERO.fullmatch(text)) or (len(text) > LONGEST_NUMBER and text.isdigit())
        _count_number(number, found)


def _look_at_words(text: str, found: Study) -> None:
    try:
        is_date = len(text) <= MAX_DATE and date_of(text, only_order(text) or Order.DAY_FIRST) is not None
    except OddValueError:
        is_date = False
    found.full_dates += is_date
    found.iso_dates += is_date and bool(_ISO.fullmatch(text[:10]))
