"""Quiet hours: when they are, in the household's time zone, also on the days when the clocks change.

A span begins on its weekday at a wall-clock time and ends at one, on the next day if that isn't later. A time that the
wall clock skips in spring is the moment of the change; of a time that it shows twice in autumn, a span begins with the
first and ends with the second.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from familychat.errors import InvalidInputError, SettingsError
from familychat.models import QuietHours, Subject
from familychat.wording import Text

DAY_NAMES = (
    Text("Monday"),
    Text("Tuesday"),
    Text("Wednesday"),
    Text("Thursday"),
    Text("Friday"),
    Text("Saturday"),
    Text("Sunday"),
)
DAILY = "daily"
SHORTEST_NAME = 3
LONGEST_RANGE = 2
NOON = 12
LONGEST_QUIET = timedelta(days=7)
_TIME = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)|24:00")


@functools.cache
def household_zone(name: str | None) -> tzinfo:
    """The time zone of an IANA name such as Europe/Berlin; of the computer without one.

    Raises :class:`SettingsError` for a name that there isn't.
    """
    if name is None:
        from tzlocal import get_localzone

        return get_localzone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            Text("There is no time zone %(name)s.", name=name), "Write it as in Europe/Berlin or Asia/Kolkata."
        ) from error


def parse_days(text: str) -> tuple[int, ...]:
    """The weekdays of ``daily``, ``mon-fri`` or ``sat,sun``, Monday being 0; raises :class:`InvalidInputError`."""
    if text.casefold() == DAILY:
        return tuple(range(7))
    days: list[int] = []
    for part in text.split(","):
        names = [_weekday(name) for name in part.split("-")]
        if len(names) > LONGEST_RANGE or None in names:
            raise InvalidInputError(
                Text("%(text)s isn't a choice of weekdays. Nothing was changed.", text=text[:40]),
                "Write daily, mon-fri, or sat,sun.",
            )
        first, last = names[0] or 0, names[-1] or 0
        days += [day % 7 for day in range(first, last + 1 + 7 * (last < first))]
    return tuple(dict.fromkeys(days))


def _weekday(name: str) -> int | None:
    """0 for Monday, mon, or anything between; None if it is no weekday's name."""
    name = name.strip().casefold()
    fits = (place for place, day in enumerate(DAY_NAMES) if day.casefold().startswith(name))
    return next(fits, None) if len(name) >= SHORTEST_NAME else None


def parse_span(text: str) -> tuple[str, str]:
    """Beginning and end of ``21:00-07:00``, each with two digits; raises :class:`InvalidInputError`."""
    begins, _, ends = (part.strip() for part in text.partition("-"))
    if not (_TIME.fullmatch(begins) and _TIME.fullmatch(ends)) or begins == "24:00" or _clock(begins) == _clock(ends):
        raise InvalidInputError(
            Text("%(text)s isn't a span of time. Nothing was changed.", text=text[:40]),
            "Write it as in 21:00-07:00; one that ends earlier than it begins goes over midnight.",
        )
    return _clock(begins), _clock(ends)


def _clock(text: str) -> str:
    hour, _, minute = text.replace(".", ":").partition(":")
    return f"{int(hour):02}:{minute}"


def spans_for(subject: Subject, days: Sequence[int], begins: str, ends: str) -> list[QuietHours]:
    return [QuietHours(subject, day, begins, ends) for day in days]


def overlapping(spans: Iterable[QuietHours]) -> tuple[QuietHours, QuietHours] | None:
    """Two of these spans that share a moment of the week, if there are any; also over midnight and the week's end."""
    week = 7 * 24 * 60
    placed = [(span, *_minutes(span)) for span in spans if span.begins is not None]
    for place, (one, begins, ends) in enumerate(placed):
        for other, other_begins, other_ends in placed[place + 1 :]:
            if any(begins < other_ends + by and other_begins + by < ends for by in (-week, 0, week)):
                return one, other
    return None


def _minutes(span: QuietHours) -> tuple[int, int]:
    assert span.weekday is not None and span.begins is not None and span.ends is not None  # noqa: S101, PT018
    day = span.weekday * 24 * 60
    begins, ends = (int(text[:2]) * 60 + int(text[3:]) for text in (span.begins, span.ends))
    return day + begins, day + ends + (24 * 60 if ends <= begins else 0)


def quiet_until(spans: Iterable[QuietHours], now: datetime, zone: tzinfo) -> datetime | None:
    """When the quiet time of ``now`` ends, those that follow at once included; None if it isn't quiet.

    What doesn't end within a week ends in a week.
    """
    distinct = _distinct(spans)
    at = now
    while at - now < LONGEST_QUIET:
        ends = [end for begin, end in _windows(distinct, at, zone, days=(-1, 0)) if begin <= at < end]
        if not ends:
            return None if at == now else at
        at = max(ends)
    return now + LONGEST_QUIET


def next_quiet(spans: Iterable[QuietHours], now: datetime, zone: tzinfo) -> datetime | None:
    """When the next quiet time begins, within the next day."""
    begins = [begin for begin, _ in _windows(_distinct(spans), now, zone, days=(0, 1))]
    return min((begin for begin in begins if now < begin <= now + timedelta(days=1)), default=None)


_Span = tuple[int, str, str]


def _distinct(spans: Iterable[QuietHours]) -> set[_Span]:
    """Weekday, beginning and end of each; several groups may have the same."""
    return {
        (span.weekday, span.begins, span.ends)
        for span in spans
        if span.weekday is not None and span.begins is not None and span.ends is not None
    }


def _windows(
    spans: Iterable[_Span], at: datetime, zone: tzinfo, days: Iterable[int]
) -> Iterator[tuple[datetime, datetime]]:
    """The spans that begin so many days after the date of ``at``, as moments in UTC. None is longer than a day."""
    today = at.astimezone(zone).date()
    for offset in days:
        day = today + timedelta(days=offset)
        for weekday, begins, ends in spans:
            if weekday == day.weekday():
                after = day + timedelta(days=1) if ends <= begins else day
                yield _moment(day, begins, zone, last=False), _moment(after, ends, zone, last=True)


def _moment(day: date, clock: str, zone: tzinfo, *, last: bool) -> datetime:
    """When the wall clock shows this, in UTC: the ``last`` or first time, or when it skips it."""
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    wall = datetime.combine(day, time.fromisoformat(clock))
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    # Skipped: the second is before the change, the first after it, and the change is found between them.
    before, after = second, first
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def local_day(now: datetime, zone: tzinfo) -> str:
    """The household's date, as ISO 8601 has it."""
    return now.astimezone(zone).date().isoformat()


def spoken(moment: datetime, now: datetime, zone: tzinfo) -> Text:
    """A moment as one says it: ``at 07:00``, ``tomorrow at 07:00``, ``on Monday at 07:00``."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    clock = f"{local:%H:%M}"
    if days == 0 or (days == 1 and local.hour < NOON <= now.astimezone(zone).hour):
        return Text("at %(time)s", time=clock)  # said in the evening, "at 07:00" is the next morning
    if days == 1:
        return Text("tomorrow at %(time)s", time=clock)
    return Text("on %(day)s at %(time)s", day=DAY_NAMES[local.weekday()], time=clock)
