"""Numbers as people and spreadsheets write them."""

from __future__ import annotations

import math
import re
from datetime import date, time, timedelta

from familychat_music.importing.cells import BLANK_WORDS, Cell

MAX_INTEGER = 2**63 - 1
"""The largest whole number that SQLite holds."""

LONGEST = 60
"""Characters; no number is written with more."""
GROUP = 3
"""Digits between two thousands separators."""

_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'\u2019]+")
_GROUPED_COMMA = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_GROUPED_INDIAN = re.compile(r"[+-]?\d{1,2}(,\d{2})*,\d{3}(\.\d+)?")
_GROUPED_DOT = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")
_COMMA_DECIMAL = re.compile(r"[+-]?\d*,\d+")
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_WITH_UNIT = re.compile(r"([+-]?[\d.,]+)\s*([a-z%]+)?\.?")
_SHARE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:/|of|von|de|su|sur|out of)\s*(\d+)", re.IGNORECASE)
_STARS = re.compile(r"[\u2605\u2b50\u272d\u2729*\u25cf\u2665]\ufe0f?")
_EMPTY_STARS = re.compile(r"[\u2606\u25cb\u2661\u00b7.\s]")
_SIZES = {
    "": 1, "b": 1, "byte": 1, "bytes": 1, "k": 1000, "kb": 1000, "kib": 1024, "m": 1000**2, "mb": 1000**2,
    "mib": 1024**2, "g": 1000**3, "gb": 1000**3, "gib": 1024**3,
}  # fmt: skip


class OddValueError(ValueError):
    """A cell that is not what its column holds."""


def whole(number: float) -> int | float:
    """An integer if the number is one."""
    if isinstance(number, float) and number.is_integer() and abs(number) <= MAX_INTEGER // 2:
        return int(number)
    return number


def number_of(cell: Cell, *, decimal_comma: bool = False) -> int | float | None:
    """The number in a cell, None if the cell is blank; ``OddValueError`` if it holds something else.

    "1,234" is 1234 and "1.234" is 1.234, or the other way round with ``decimal_comma``. "87%" is 87.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, (int, float)):
        return _bounded(cell)
    if isinstance(cell, (date, time, timedelta)):
        raise OddValueError("it is a date or a time")
    return _number_in_text(cell.strip(), decimal_comma=decimal_comma)


def _bounded(number: float) -> int | float | None:
    if isinstance(number, float):
        return whole(number) if math.isfinite(number) else None
    if abs(number) > MAX_INTEGER:
        raise OddValueError("the number is too large")
    return int(number)


def _number_in_text(text: str, *, decimal_comma: bool) -> int | float | None:
    if not text or text.lower() in BLANK_WORDS:
        return None
    if len(text) > LONGEST:
        raise OddValueError("it is not a number")
    text = _SPACES.sub("", text).removesuffix("%").replace("\u2212", "-")
    plain = _plain_number(text, decimal_comma=decimal_comma)
    if not plain or not _PLAIN.fullmatch(plain) or not plain.isascii():
        raise OddValueError("it is not a number")
    return _bounded(int(plain) if plain.lstrip("+-").isdigit() else float(plain))


def _plain_number(text: str, *, decimal_comma: bool) -> str:
    """The number with a decimal point and no thousands separators; empty if it has neither form."""
    if "," not in text and not (decimal_comma and "." in text):
        return text
    if decimal_comma:
        if _GROUPED_DOT.fullmatch(text):
            return text.replace(".", "").replace(",", ".")
        return text.replace(",", ".") if _COMMA_DECIMAL.fullmatch(text) else text
    if _GROUPED_COMMA.fullmatch(text) or _GROUPED_INDIAN.fullmatch(text):
        return text.replace(",", "")
    return ""


def says_decimal_comma(text: str) -> bool:
    """Whether a text can only be a number with a decimal comma: "12,5" or "1.234,5", not "1,234"."""
    text = _SPACES.sub("", text).removesuffix("%")
    return bool(
        ("." in text and _GROUPED_DOT.fullmatch(text) and ("," in text or text.count(".") > 1))
        or (_COMMA_DECIMAL.fullmatch(text) and len(text.rpartition(",")[2]) != GROUP)
    )


def rating_of(cell: Cell, *, decimal_comma: bool = False) -> int | float | None:
    """A rating as a number: four stars are 4, "4/5" is 4."""
    if not isinstance(cell, str):
        return number_of(cell)
    text = cell.strip()
    if share := _SHARE.fullmatch(text):
        return number_of(share[1], decimal_comma="," in share[1])
    if stars := len(_STARS.findall(text)):
        return _stars(text, stars)
    if text and not _EMPTY_STARS.sub("", text) and text.lower() not in BLANK_WORDS:
        return 0
    unit = _WITH_UNIT.fullmatch(text.lower())
    if unit and unit[2] in {"stars", "star", "sterne", "stern", "estrellas", "etoiles", "stelle", "estrelas"}:
        text = unit[1]
    return number_of(text, decimal_comma=decimal_comma)


def _stars(text: str, stars: int) -> int | float:
    rest = _EMPTY_STARS.sub("", _STARS.sub("", text))
    if rest in {"\u00bd", "1/2", "+"}:
        return stars + 0.5
    if rest.isdecimal() and stars == 1:  # "4 *"
        return int(rest)
    if rest:
        raise OddValueError("it is not a rating")
    return stars


def size_of(cell: Cell, *, decimal_comma: bool = False) -> int | float | None:
    """A file's size in bytes: "5.4 MB" is 5400000."""
    unit = _WITH_UNIT.fullmatch(cell.strip().lower()) if isinstance(cell, str) else None
    if unit is None or unit[2] is None:
        return number_of(cell, decimal_comma=decimal_comma)
    number = number_of(unit[1], decimal_comma=decimal_comma)
    if number is None or unit[2] not in _SIZES:
        raise OddValueError("it is not a size")
    return round(number * _SIZES[unit[2]])


def measured(cell: Cell, *, decimal_comma: bool = False) -> int | float | None:
    """A number that may carry its unit: "320 kbps", "120 BPM"."""
    unit = _WITH_UNIT.fullmatch(cell.strip().lower().replace("/s", "ps")) if isinstance(cell, str) else None
    if unit is not None and unit[2] in {"bpm", "kbps", "kbs", "kbits", "kbitps", "plays", "x", "hz", "k"}:
        cell = unit[1]
    return number_of(cell, decimal_comma=decimal_comma)


def position_of(cell: Cell) -> int | float | None:
    """A track or disc number: "3/12" is 3."""
    if isinstance(cell, str) and "/" in cell:
        cell = cell.partition("/")[0]
    return number_of(cell)
