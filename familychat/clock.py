"""Times and identifiers, so that every table writes them the same way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

Clock = Callable[[], datetime]
"""Returns the present moment, aware of its time zone. Tests pass their own."""


def utc_now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, such as ``2026-01-31T18:05:00.123Z``: sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """The moment that :func:`timestamp` wrote."""
    return datetime.fromisoformat(text)


def to_the_minute(moment: str | datetime, zone: tzinfo | None) -> str:
    """A moment, or the :func:`timestamp` of one, by the clocks of a time zone (None: this computer's).

    Such as ``2026-01-31 18:05``. Raises :class:`ValueError` and :class:`OverflowError` where those clocks don't reach.
    """
    found = parse_timestamp(moment) if isinstance(moment, str) else moment
    return f"{found.astimezone(zone):%Y-%m-%d %H:%M}"


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562, section 5.7) as 36 characters."""
    import uuid_utils

    return str(uuid_utils.uuid7())
