"""Lengths of songs as people and spreadsheets write them, in seconds."""

from __future__ import annotations

import re
from datetime import date, time, timedelta

from familychat_music.importing.cells import Cell
from familychat_music.importing.figures import MAX_INTEGER, OddValueError, number_of, whole

LONGEST = 40
"""Characters; no length of a song is written with more."""

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]?\d)(?:[.,](\d{1,9}))?", re.ASCII)
_UNITS = re.compile(
    r"(?:PT)?(?:(\d+)\s*(?:h|hr|hrs|hours?|std\.?|stunden?)\s*)?"
    r"(?:(\d+)\s*(?:m|min|mins|minutes?|minuten?|'|\u2032|\u2019)\.?\s*)?"
    r"(?:(\d+(?:[.,]\d+)?)\s*(?:s|sec|secs|seconds?|sek|sekunden?|\"|''|\u2033|\u201d)?\.?)?",
    re.IGNORECASE | re.ASCII,
)
_MILLISECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:ms|msec)", re.IGNORECASE | re.ASCII)


def is_clock(text: str) -> bool:
    """Whether a text has the form of a length with colons, such as 3:45."""
    return bool(_CLOCK.fullmatch(text.strip()))


def seconds_of(
    cell: Cell, *, scale: float = 1.0, clock_scale: float = 1.0, decimal_comma: bool = False
) -> int | float | None:
    """A cell's length in seconds, None if it is blank; ``OddValueError`` if it holds none.

    ``scale`` turns plain numbers into seconds; ``clock_scale`` does so for time cells (1/60 where a spreadsheet
    took the minutes for hours).
    """
    if isinstance(cell, str) and scale == 1.0 and (plain := _plain(cell)) is not None:
        return plain
    if isinstance(cell, time):
        return _rounded((cell.hour * 3600 + cell.minute * 60 + cell.second + cell.microsecond / 1e6) * clock_scale)
    if isinstance(cell, timedelta):
        return _rounded(cell.total_seconds() * clock_scale)
    if isinstance(cell, date):
        raise OddValueError("it is a date, not a length")
    try:
        number = number_of(cell, decimal_comma=decimal_comma)
    except OddValueError:
        return _rounded(_from_text(cell.strip() if isinstance(cell, str) else ""))
    return None if number is None else _rounded(number * scale)


def _plain(text: str) -> int | float | None:
    """The commonest form, quickly: seconds as Python writes numbers."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return whole(round(seconds, 3)) if 0 <= seconds < MAX_INTEGER else None


def _rounded(seconds: float) -> int | float:
    if seconds < 0:
        raise OddValueError("a length can't be negative")
    return whole(round(seconds, 3))


def _from_text(text: str) -> float:
    if len(text) <= LONGEST:
        if clock := _CLOCK.fullmatch(text):
            hours, minutes, seconds, rest = clock.groups()
            return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{rest or 0}")
        if thousandths := _MILLISECONDS.fullmatch(text):
            return float(thousandths[1]) / 1000
        if (units := _UNITS.fullmatch(text)) and any(units.groups()):
            hours, minutes, seconds = units.groups()
            return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float((seconds or "0").replace(",", "."))
    raise OddValueError("it is not a length")
