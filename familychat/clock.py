"""Times and identifiers, so that every table writes them the same way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

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


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562, section 5.7) as 36 characters."""
    import uuid_utils

    return str(uuid_utils.uuid7())
