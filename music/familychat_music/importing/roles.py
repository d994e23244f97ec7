"""What a column is, from its header and its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

from familychat.wording import Text
from familychat_music.importing.cells import Cell, Value, is_blank
from familychat_music.importing.dates import Order, date_of, year_of
from familychat_music.importing.durations import seconds_of
from familychat_music.importing.figures import (
    OddValueError,
    measured,
    number_of,
    position_of,
    rating_of,
    size_of,
)
from familychat_music.importing.headings import Claim, Strength, claims_of, role_of_header
from familychat_music.importing.study import Study, study
from familychat_music.importing.words import simplified
from familychat_music.schema import Column, Kind, Role

__all__ = ["Form", "Guess", "column_of", "guess", "parser", "role_of_header"]

MAX_ODD_SHARE = 0.2
"""A column with a greater share of cells that don't fit is not what it seemed to be."""
CLEAR = 0.95
"""The share of cells that must agree where nothing but the cells speaks."""
MILLISECONDS_FROM = 20_000
"""Lengths whose median is above this are milliseconds: no usual song takes five hours."""
MINUTES_UPTO = 15
"""Lengths whose median is at most this are minutes: no usual song takes fifteen seconds."""
FEW = 3
"""Fewer cells than this prove nothing about a column without a known header."""

DAY_FIRST = Text("dates became YYYY-MM-DD, read with the day first")
MONTH_FIRST = Text("dates became YYYY-MM-DD, read with the month first")
_SCALED = {0.001: Text("milliseconds became seconds"), 60.0: Text("minutes became seconds")}
_KEY = re.compile(r"[A-Ha-h](#|b|is|es|\u266f|\u266d)?[ -]?(m|maj|min|major|minor|dur|moll)?|\d{1,2}[ABabdm]")
_TIME_OF_DAY = frozenset(
    {"time", "clock", "hour", "uhrzeit", "uhr", "start", "begin", "end", "at", "hora", "heure", "played"}
)


class Form(Enum):
    """How the cells of a column are taken."""

    TEXT = "text"
    NUMBER = "number"
    MEASURE = "measure"
    POSITION = "position"
    RATING = "rating"
    SIZE = "size"
    YEAR = "year"
    DATE = "date"
    DURATION = "duration"


_FORMS = {
    Role.YEAR: Form.YEAR,
    Role.RELEASE_DATE: Form.DATE,
    Role.DATE_ADDED: Form.DATE,
    Role.LAST_PLAYED: Form.DATE,
    Role.DURATION: Form.DURATION,
    Role.RATING: Form.RATING,
    Role.TRACK: Form.POSITION,
    Role.DISC: Form.POSITION,
    Role.BPM: Form.MEASURE,
    Role.BITRATE: Form.MEASURE,
    Role.PLAY_COUNT: Form.MEASURE,
    Role.POPULARITY: Form.NUMBER,
    Role.FILE_SIZE: Form.SIZE,
}


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column is taken for. ``scale`` and ``clock_scale`` turn its lengths into seconds.

    ``whole`` says that all its numbers in the sample are integers, once taken.
    """

    form: Form
    role: Role | None = None
    strength: Strength = Strength.WEAK
    scale: float = 1.0
    clock_scale: float = 1.0
    order: Order = Order.DAY_FIRST
    decimal_comma: bool = False
    whole: bool = True
    converted: str = ""

    @property
    def kind(self) -> Kind:
        if self.form in {Form.TEXT, Form.DATE}:
            return Kind.TEXT if self.form is Form.TEXT else Kind.DATE
        return Kind.NUMBER


def parser(chosen: Guess) -> Callable[[Cell], Value]:
    """What turns one cell of a column into its value, None if blank; it raises ``OddValueError``. Not for texts."""
    comma = {"decimal_comma": chosen.decimal_comma}
    parsers: dict[Form, Callable[[Cell], Value]] = {
        Form.NUMBER: partial(number_of, **comma),
        Form.MEASURE: partial(measured, **comma),
        Form.POSITION: position_of,
        Form.RATING: partial(rating_of, **comma),
        Form.SIZE: partial(size_of, **comma),
        Form.YEAR: year_of,
        Form.DATE: partial(date_of, order=chosen.order),
        Form.DURATION: partial(
            seconds_of, scale=chosen.scale, clock_scale=chosen.clock_scale, decimal_comma=chosen.decimal_comma
        ),
    }
    return parsers[chosen.form]


def column_of(name: str, values: Sequence[object], table: str = "") -> Column:
    """Describe a database's column from its name and some of its values.

    The kind says what SQL can do with the values as they are stored: a number kept as text is text, and so is a date
    that isn't ISO 8601. The role says what they mean all the same. ``table`` tells ``artists.name`` from
    ``songs.name``.
    """
    looked = study(values)
    chosen = _guess(name, values, looked, table)
    kind = Kind.TEXT
    if looked.filled and looked.share(looked.typed_numbers) > CLEAR:
        kind = Kind.NUMBER
    elif chosen.kind is Kind.DATE and looked.share(looked.iso_dates) > 1 - MAX_ODD_SHARE:
        kind = Kind.DATE
    return Column(name, kind, chosen.role, chosen.scale if chosen.role is Role.DURATION else 1.0)


def guess(header: str, values: Sequence[object], role: Role | None = None) -> Guess:
    """What a column of a sheet is. A ``role`` that somebody gave is not questioned."""
    looked = study(values)
    if role is None:
        return _guess(header, values, looked, "")
    unit = next((claim.unit for claim in claims_of(header) if claim.unit), None)
    return _measured_up(Claim(role, Strength.GIVEN, unit), values, looked)


def _guess(header: str, values: Sequence[object], looked: Study, table: str) -> Guess:
    for claim in claims_of(header, table):
        for refined in _refined(claim, looked):
            candidate = _measured_up(refined, values, looked)
            if _suits(candidate, values, looked):
                return candidate
    return _from_content(header, values, looked)


def _refined(claim: Claim, looked: Study) -> tuple[Claim, ...]:
    """A release date that only knows years is a year; a year column full of dates is a release date."""
    if claim.strength < Strength.CANONICAL and looked.filled:
        if claim.role is Role.RELEASE_DATE and looked.share(looked.years) > CLEAR:
            return (replace(claim, role=Role.YEAR),)
        if claim.role is Role.YEAR and looked.share(looked.full_dates) > 0.5:  # noqa: PLR2004 -- most of them
            return (replace(claim, role=Role.RELEASE_DATE), claim)
    return (claim,)


def _measured_up(claim: Claim, values: Sequence[object], looked: Study) -> Guess:
    """The guess that a claim leads to, with its scales and orders."""
    form = _FORMS.get(claim.role, Form.TEXT)
    chosen = Guess(form, claim.role, claim.strength, order=looked.order, decimal_comma=looked.decimal_comma)
    if form is Form.DURATION:
        chosen = _scaled(chosen, claim.unit, looked)
    return _finished(chosen, values, looked)


def _scaled(chosen: Guess, unit: float | None, looked: Study) -> Guess:
    scale = unit
    if scale is None:
        scale = 1.0
        typical = looked.typical()
        if chosen.strength != Strength.CANONICAL and typical > MILLISECONDS_FROM:
            scale = 0.001
        elif chosen.strength != Strength.CANONICAL and 0 < typical <= MINUTES_UPTO:
            scale = 60.0
    # A spreadsheet takes "3:45" for hours and minutes: then there are no seconds, and songs seem to last hours.
    typed = looked.time_cells
    hours = bool(typed) and not any(cell % 60 for cell in typed) and sorted(typed)[len(typed) // 2] >= 3600  # noqa: PLR2004
    return replace(chosen, scale=scale, clock_scale=1 / 60 if hours else 1.0)


def _finished(chosen: Guess, values: Sequence[object], looked: Study) -> Guess:
    if chosen.form is Form.TEXT:
        return chosen
    taken = _taken(chosen, values)
    whole = all(isinstance(value, int) for value in taken if value is not None)
    return replace(chosen, whole=whole, converted=_said(chosen, looked))


def _said(chosen: Guess, looked: Study) -> str:
    """What is done to the cells, for people."""
    if chosen.form is Form.DURATION:
        return Text('lengths such as "3:45" became seconds') if looked.clocks else _SCALED.get(chosen.scale, "")
    if chosen.form is Form.DATE and looked.full_dates > looked.iso_dates:
        if not (looked.day_first or looked.month_first):
            return Text("dates became YYYY-MM-DD")
        return DAY_FIRST if chosen.order is Order.DAY_FIRST else MONTH_FIRST
    said: str = ""
    if chosen.form is Form.YEAR and looked.full_dates:
        said = Text("years were taken from dates")
    elif chosen.form is Form.RATING and looked.share(len(looked.numbers)) < CLEAR:
        said = Text("ratings became numbers")
    elif chosen.form is not Form.TEXT and chosen.decimal_comma:
        said = Text("decimal commas were read as such")
    return said


def _taken(chosen: Guess, values: Sequence[object]) -> list[Value]:
    """The values of the cells that fit."""
    parse = parser(chosen)
    taken: list[Value] = []
    for value in values:
        try:
            taken.append(parse(value))  # type: ignore[arg-type]  # a blob is odd to every parser
        except (OddValueError, AttributeError):
            continue
    return taken


def _suits(chosen: Guess, values: Sequence[object], looked: Study) -> bool:
    """Whether the cells bear out what the header says."""
    if chosen.role is Role.KEY:  # databases have other keys
        return _has_keys(values, looked)
    if chosen.form is Form.TEXT:
        return chosen.strength > Strength.WEAK or _weakly_text(looked)
    if chosen.strength is Strength.WEAK and not _weakly_number(chosen, looked):
        return False
    fitting = sum(1 for value in _taken(chosen, values) if value is not None)
    enough = 1 - MAX_ODD_SHARE if chosen.strength > Strength.WEAK else CLEAR
    return not looked.filled or fitting >= enough * looked.filled


def _has_keys(values: Sequence[object], looked: Study) -> bool:
    keys = sum(1 for value in values if isinstance(value, str) and _KEY.fullmatch(value.strip()))
    return looked.share(keys) > 1 - MAX_ODD_SHARE


def _weakly_text(looked: Study) -> bool:
    other = len(looked.numbers) + looked.clocks + looked.full_dates
    return looked.filled > 0 and looked.share(other) < 1 - CLEAR + MAX_ODD_SHARE


def _weakly_number(chosen: Guess, looked: Study) -> bool:
    """Whether the cells of a column with an ambiguous header are as they must be for it."""
    if not looked.filled:
        return False
    if chosen.form is Form.DATE:
        return looked.full_dates > looked.filled / 2
    if chosen.form is Form.DURATION:
        return looked.share(looked.clocks) > CLEAR or looked.typical() > MINUTES_UPTO
    if chosen.form is Form.POSITION:
        return max(looked.numbers, default=0) <= (30 if chosen.role is Role.DISC else 200)
    return True


def _from_content(header: str, values: Sequence[object], looked: Study) -> Guess:
    """What the cells alone say; a role only where they leave no doubt."""
    chosen = Guess(Form.TEXT)
    if not looked.filled or looked.share(looked.names) > 1 - CLEAR:
        return chosen
    if looked.share(looked.clocks) > CLEAR:
        return _clocks(header, values, looked)
    if looked.share(looked.full_dates) > CLEAR:
        chosen = Guess(Form.DATE, order=looked.order)
    elif looked.share(len(looked.numbers)) > CLEAR:
        chosen = Guess(Form.NUMBER, decimal_comma=looked.decimal_comma)
        if looked.years == looked.filled >= FEW and not simplified(header):
            chosen = Guess(Form.YEAR, Role.YEAR)
    return _finished(chosen, values, looked)


def _clocks(header: str, values: Sequence[object], looked: Study) -> Guess:
    """A column of 3:45s is the songs' lengths unless it may as well be the time of day."""
    words = set(simplified(header).split())
    length = _measured_up(Claim(Role.DURATION, Strength.WEAK), values, looked)
    lengths = [value for value in _taken(length, values) if isinstance(value, (int, float))]
    usual = lengths and 30 <= sorted(lengths)[len(lengths) // 2] <= 900  # noqa: PLR2004 -- seconds of a usual song
    if usual and len(lengths) >= FEW and not words & _TIME_OF_DAY:
        return length
    return Guess(Form.TEXT)


def is_heading(cell: Cell) -> bool:
    """Whether a cell can be a header: a text with letters that isn't a number, date or length."""
    if is_blank(cell) or not isinstance(cell, str):
        return False
    looked = study([cell])
    return not (looked.numbers or looked.clocks or looked.full_dates)
