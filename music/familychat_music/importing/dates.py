"""Dates as people and spreadsheets write them, as ISO 8601."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import Enum

from familychat_music.importing.cells import BLANK_WORDS, Cell
from familychat_music.importing.figures import OddValueError
from familychat_music.importing.words import fold, vocabulary

FIRST_YEAR, LAST_YEAR = 1000, 2100
"""Years of music, both included; other numbers are no years."""
TWO_DIGIT_PIVOT = 40
"""A year of two digits from here on is 19xx, below it 20xx."""

_ISO = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?:[T ]\s*\d{1,2}:\d{2}.*)?", re.ASCII)
_PARTS = re.compile(r"(\d{1,2})[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{4}|\d{2})(?:,?[T ]\s*\d{1,2}:\d{2}.*)?", re.ASCII)
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})", re.ASCII)
_COMPACT = re.compile(r"(1[0-9]|20)(\d\d)(\d\d)(\d\d)", re.ASCII)
_WORDS = re.compile(r"\d+|[^\W\d_]+(?:[\u0900-\u097f]+)?")
_YEAR = re.compile(r"(?<!\d)(1[0-9]\d\d|20\d\d|2100)(?!\d)", re.ASCII)
_FILLERS = frozenset({"de", "del", "of", "the", "st", "nd", "rd", "th", "er", "di"})
YEAR_DIGITS = 4
MONTHS = 12
MAX_DATE = 40
"""No date is longer, in characters."""


class Order(Enum):
    """Which of the numbers in 04/05/2019 is the day."""

    DAY_FIRST = "day"
    MONTH_FIRST = "month"


def date_of(cell: Cell, order: Order = Order.DAY_FIRST) -> str | None:
    """A cell's date as YYYY, YYYY-MM or YYYY-MM-DD, None if it is blank; ``OddValueError`` if it holds none."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, (int, float)):
        return _from_number(cell)
    if not isinstance(cell, str):
        raise OddValueError("it is not a date")
    return _from_text(cell.strip(), order)


def _from_number(number: float) -> str:
    if number == int(number) and FIRST_YEAR <= number <= LAST_YEAR:
        return str(int(number))
    if number == int(number) and (compact := _COMPACT.fullmatch(str(int(number)))):
        return _checked(compact[1] + compact[2], compact[3], compact[4])
    raise OddValueError("it is not a date")


def _from_text(text: str, order: Order) -> str | None:
    if not text or text.lower() in BLANK_WORDS:
        return None
    if len(text) > MAX_DATE:
        raise OddValueError("it is not a date")
    if iso := _ISO.fullmatch(text):
        return _checked(iso[1], iso[2], iso[3])
    if parts := _PARTS.fullmatch(text):
        one, two = (parts[2], parts[1]) if order is Order.DAY_FIRST else (parts[1], parts[2])
        return _checked(_four_digits(parts[3]), one, two)
    if pair := _MONTH_YEAR.fullmatch(text):
        return _checked(pair[2], pair[1], None)
    if compact := _COMPACT.fullmatch(text):
        return _checked(compact[1] + compact[2], compact[3], compact[4])
    return _from_words(text)


def _four_digits(year: str) -> str:
    if len(year) == YEAR_DIGITS:
        return year
    return f"19{year}" if int(year) >= TWO_DIGIT_PIVOT else f"20{year}"


def _checked(year: str, month: str | None, day: str | None) -> str:
    """The ISO form, if there is such a day. A month or day of zero means that nobody knows it."""
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise OddValueError("there is no such year of music")
    if month is None or not int(month):
        return year
    if day is None or not int(day):
        if int(month) > MONTHS:
            raise OddValueError("there is no such month")
        return f"{year}-{int(month):02}"
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise OddValueError("there is no such day") from None


def _from_words(text: str) -> str:
    """Dates with the month's name: "May 1983", "14. Juni 2019", "June 14, 2019"."""
    months: list[int] = []
    numbers: list[str] = []
    for word in _WORDS.findall(fold(text)):
        if word.isdecimal():
            numbers.append(word)
        elif word in vocabulary().months:
            months.append(vocabulary().months[word])
        elif word not in _FILLERS:
            raise OddValueError("it is not a date")
    if len(months) != 1 or len(numbers) not in {1, 2}:
        raise OddValueError("it is not a date")
    year = next((number for number in numbers if len(number) == YEAR_DIGITS), None)
    if year is None:
        if len(numbers) == 1 or len(numbers[-1]) == 1:
            raise OddValueError("it is not a date")
        return _checked(_four_digits(numbers[-1]), str(months[0]), numbers[0])
    numbers.remove(year)
    return _checked(year, str(months[0]), numbers[0] if numbers else None)


def year_of(cell: Cell) -> int | None:
    """The year in a cell of a year column: 1999, "1999", "c. 1999", "14-06-1999", a date cell."""
    try:
        found = date_of(cell)
    except OddValueError:
        years = set(_YEAR.findall(cell)) if isinstance(cell, str) and len(cell) <= MAX_DATE else set()
        if len(years) != 1:
            raise OddValueError("it is not a year") from None
        return int(years.pop())
    return None if found is None else int(found[:4])


def only_order(cell: Cell) -> Order | None:
    """The one order in which a text is a date; None if both fit, or neither."""
    parts = _PARTS.fullmatch(cell.strip()) if isinstance(cell, str) and len(cell) <= MAX_DATE else None
    if parts is None:
        return None
    first, second = int(parts[1]), int(parts[2])
    if first > MONTHS >= second:
        return Order.DAY_FIRST
    return Order.MONTH_FIRST if second > MONTHS >= first else None
