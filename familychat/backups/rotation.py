"""Which automatic backups stay: the newest of each of the last days, weeks and months that have one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from familychat.backups.places import Backup, backups, writing
from familychat.wording import Text

DAYS, WEEKS, MONTHS = 7, 4, 6

Period = Callable[[datetime], tuple[int, ...]]

_PERIODS: tuple[tuple[int, Period], ...] = (
    (DAYS, lambda moment: (moment.year, moment.month, moment.day)),
    (WEEKS, lambda moment: tuple(moment.isocalendar()[:2])),
    (MONTHS, lambda moment: (moment.year, moment.month)),
)


def outdated(there: Sequence[Backup]) -> list[Backup]:
    """The automatic ones that can go, oldest first. Days are UTC's; those that a person made are left out of it."""
    newest_first = sorted((one for one in there if one.automatic), key=lambda one: one.made_at, reverse=True)
    staying: set[Path] = set()
    for count, period in _PERIODS:
        newest_of: dict[tuple[int, ...], Backup] = {}
        for one in newest_first:
            newest_of.setdefault(period(one.made_at.astimezone(UTC)), one)
        staying |= {one.path for one in list(newest_of.values())[:count]}
    return [one for one in reversed(newest_first) if one.path not in staying]


def remove_outdated(folder: Path) -> tuple[Path, ...]:
    """Remove the automatic backups in a folder that can go; returns which. For right after a new one was made."""
    gone = []
    for one in outdated(backups(folder)):
        with writing(one.path, Text("The new backup was made, and this old one is still there.")):
            one.path.unlink(missing_ok=True)
        gone.append(one.path)
    return tuple(gone)
