"""Quiet hours, also over midnight and over both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from familychat.errors import InvalidInputError, SettingsError
from familychat.family.hours import (
    household_zone,
    next_quiet,
    overlapping,
    parse_days,
    parse_span,
    quiet_until,
    spoken,
)
from familychat.models import FOR_EVERYONE, QuietHours

BERLIN = ZoneInfo("Europe/Berlin")
# In Berlin, 2026-03-29 has no 02:00 to 03:00, and 2026-10-25 has it twice. Both are Sundays.
SATURDAY, SUNDAY = 5, 6
WEEK = tuple(range(7))


def spans(days: tuple[int, ...], text: str) -> list[QuietHours]:
    begins, ends = parse_span(text)
    return [QuietHours(FOR_EVERYONE, day, begins, ends) for day in days]


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


BEDTIME = spans(WEEK, "21:00-07:00")


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-04T20:59", None),
        ("2026-03-04T21:00", "2026-03-05T07:00"),
        ("2026-03-05T00:00", "2026-03-05T07:00"),
        ("2026-03-05T06:59", "2026-03-05T07:00"),
        ("2026-03-05T07:00", None),
        # The night in which the clocks go forward is an hour shorter, the one in which they go back an hour longer.
        ("2026-03-28T21:00", "2026-03-29T07:00"),
        ("2026-03-29T03:00", "2026-03-29T07:00"),
        ("2026-10-24T21:00", "2026-10-25T07:00"),
        ("2026-10-25T02:30", "2026-10-25T07:00"),
        ("2026-10-25T07:00", None),
    ],
)
def test_bedtime_by_the_wall_clock(now: str, until: str | None) -> None:
    found = quiet_until(BEDTIME, berlin(now), BERLIN)
    assert found == (None if until is None else berlin(until))


def test_the_nights_of_the_changes_have_nine_and_eleven_hours() -> None:
    for begins, hours in (("2026-03-28T21:00", 9), ("2026-03-21T21:00", 10), ("2026-10-24T21:00", 11)):
        until = quiet_until(BEDTIME, berlin(begins), BERLIN)
        assert until is not None
        assert until - berlin(begins) == timedelta(hours=hours)


def test_a_beginning_or_end_that_the_clocks_skip_is_the_moment_of_the_change() -> None:
    change = berlin("2026-03-29T03:00")
    begins = spans((SUNDAY,), "02:30-05:00")
    assert quiet_until(begins, change - timedelta(seconds=1), BERLIN) is None
    assert quiet_until(begins, change, BERLIN) == berlin("2026-03-29T05:00")
    ends = spans((SATURDAY,), "22:00-02:30")
    assert quiet_until(ends, change - timedelta(seconds=1), BERLIN) == change
    assert quiet_until(ends, change, BERLIN) is None


def test_an_hour_that_comes_twice_is_quiet_twice() -> None:
    quiet = spans((SUNDAY,), "02:15-02:45")
    first, second = berlin("2026-10-25T02:15"), berlin("2026-10-25T02:45", fold=1)
    assert second - first == timedelta(hours=1, minutes=30)
    assert quiet_until(quiet, first - timedelta(minutes=1), BERLIN) is None
    for now in (first, berlin("2026-10-25T02:50"), berlin("2026-10-25T02:20", fold=1)):
        assert quiet_until(quiet, now, BERLIN) == second
    assert quiet_until(quiet, second, BERLIN) is None


def test_spans_that_touch_are_one_quiet_time() -> None:
    both = spans((0,), "18:00-24:00") + spans((1,), "00:00-08:00")
    assert quiet_until(both, berlin("2026-03-02T19:00"), BERLIN) == berlin("2026-03-03T08:00")


def test_always_quiet_ends_in_a_week() -> None:
    now = berlin("2026-03-02T19:00")
    assert quiet_until(spans(WEEK, "00:00-24:00"), now, BERLIN) == now + timedelta(days=7)


def test_what_comes_next() -> None:
    assert next_quiet(BEDTIME, berlin("2026-03-04T20:51"), BERLIN) == berlin("2026-03-04T21:00")
    assert next_quiet(BEDTIME, berlin("2026-03-04T22:00"), BERLIN) == berlin("2026-03-05T21:00")
    assert next_quiet(spans((SUNDAY,), "21:00-22:00"), berlin("2026-03-04T20:00"), BERLIN) is None


@given(st.integers(0, 365 * 1440), st.integers(0, 1439), st.integers(1, 1439))
def test_it_is_quiet_when_the_wall_clock_says_so(minutes: int, begin: int, length: int) -> None:
    """Checked minute by minute against a reading of the wall clock alone, away from the two days of the changes."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    local = now.astimezone(BERLIN)
    if local.month in {3, 10} and local.day >= 24:
        return
    end = (begin + length) % 1440
    text = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    minute = local.hour * 60 + local.minute
    inside = begin <= minute < end if begin < end else minute >= begin or minute < end
    assert (quiet_until(spans(WEEK, text), now, BERLIN) is not None) is inside


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily", WEEK),
        ("Daily", WEEK),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("sat,sun", (5, 6)),
        ("Fri-Mon", (4, 5, 6, 0)),
        ("wednesday", (2,)),
        ("thurs, tue , tue", (3, 1)),
        ("sun-sun", (6,)),
    ],
)
def test_choices_of_weekdays(text: str, days: tuple[int, ...]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "mo", "mon-", "-fri", "mon-tue-wed", "mon,,tue", "holiday", "monday!", "1-5"])
def test_no_choices_of_weekdays(text: str) -> None:
    with pytest.raises(InvalidInputError, match="weekdays"):
        parse_days(text)


def test_spans_of_time() -> None:
    assert parse_span("21:00-07:00") == ("21:00", "07:00")
    assert parse_span("9.30 - 24:00") == ("09:30", "24:00")


@pytest.mark.parametrize(
    "text", ["", "21:00", "21-07", "25:00-07:00", "21:60-07:00", "24:00-07:00", "8:00-08:00", "a-b"]
)
def test_no_spans_of_time(text: str) -> None:
    with pytest.raises(InvalidInputError, match="span"):
        parse_span(text)


def test_overlaps_are_found_over_midnight_and_the_weeks_end() -> None:
    assert overlapping(spans((0,), "21:00-07:00") + spans((1,), "06:00-08:00"))
    assert overlapping(spans((SUNDAY,), "21:00-07:00") + spans((0,), "06:59-08:00"))
    assert overlapping(spans((0,), "00:00-24:00") + spans((SUNDAY,), "23:00-00:01"))
    assert overlapping(spans((0,), "21:00-07:00") + spans((1,), "07:00-08:00")) is None
    assert overlapping(BEDTIME) is None


@pytest.mark.parametrize(
    ("now", "moment", "words"),
    [
        ("2026-03-04T21:30", "2026-03-05T07:00", "at 07:00"),
        ("2026-03-04T06:30", "2026-03-04T07:00", "at 07:00"),
        ("2026-03-04T08:00", "2026-03-05T07:00", "tomorrow at 07:00"),
        ("2026-03-04T08:00", "2026-03-05T17:30", "tomorrow at 17:30"),
        ("2026-03-04T08:00", "2026-03-07T07:00", "on Saturday at 07:00"),
    ],
)
def test_how_one_says_it(now: str, moment: str, words: str) -> None:
    assert spoken(berlin(moment), berlin(now), BERLIN) == words


def test_time_zones_have_names() -> None:
    assert household_zone("Asia/Kolkata") == ZoneInfo("Asia/Kolkata")
    assert household_zone(None) is not None
    for wrong in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(SettingsError, match="no time zone"):
            household_zone(wrong)
