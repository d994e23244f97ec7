"""What a person is told on every page: whether they are supervised, and how they stand with their limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from familychat.family.limits import Left
from familychat.household import Household
from familychat.models import LimitKind, Supervision, User

SOON = timedelta(hours=1)
"""How long before it begins quiet time is announced."""


@dataclass(frozen=True, slots=True)
class Told:
    """``quiet_until`` and ``quiet_from`` are by the household's clock: when the quiet time of now ends, and when the
    next one begins, within a day. ``soon`` says that the latter is near.
    """

    supervision: Supervision | None
    questions: Left | None
    tokens: Left | None
    quiet_until: datetime | None
    quiet_from: datetime | None
    soon: bool

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to say, so that no line is needed."""
        used_up = self.tokens is not None and not self.tokens.left
        return not (self.supervision or self.questions or used_up or self.quiet_until or self.soon)


def standing_of(home: Household, user: User) -> Told:
    """Read anew for each page."""
    standing = home.limits.standing(user)
    zone, now = home.limits.zone, home.clock()
    left = {quota.kind: quota for quota in standing.quotas}
    begins = standing.next_quiet
    return Told(
        supervision=home.supervisions.of(user),
        questions=left.get(LimitKind.MESSAGES),
        tokens=left.get(LimitKind.TOKENS),
        quiet_until=standing.quiet_until.astimezone(zone) if standing.quiet_until else None,
        quiet_from=begins.astimezone(zone) if begins else None,
        soon=begins is not None and begins - now <= SOON,
    )
