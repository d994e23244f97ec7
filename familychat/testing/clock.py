"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Goes where the library takes a :data:`familychat.clock.Clock`."""

    def __init__(self, now: datetime = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass: ``move(minutes=5)``, in the terms of :class:`datetime.timedelta`."""
        self.now += timedelta(**by)
