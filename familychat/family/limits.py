"""Quiet hours and quotas: what holds for a person, what is left, and what they are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TypeVar

from familychat.clock import Clock, parse_timestamp, utc_now
from familychat.errors import QuietHoursError, QuotaReachedError
from familychat.family.findings import Finding
from familychat.family.hours import household_zone, local_day, next_quiet, quiet_until, spoken
from familychat.models import FOR_EVERYONE, LimitKind, Message, QuietHours, Quota, Status, User
from familychat.store.database import Database
from familychat.store.limits import LimitStore
from familychat.store.usage import UsageStore
from familychat.wording import Text, counted

TELL_MESSAGES = 3
"""How few questions may be left for the day before it is mentioned."""
TELL_QUIET = timedelta(minutes=15)
"""How soon quiet time must begin to be mentioned."""

Rule = TypeVar("Rule", Quota, QuietHours)


@dataclass(frozen=True, slots=True)
class Left:
    """What of a quota is left on its day. ``amount`` includes what an admin added."""

    kind: LimitKind
    amount: int
    used: int

    @property
    def left(self) -> int:
        return max(0, self.amount - self.used)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands with their limits: what is left on ``day``, and when it is quiet."""

    day: str
    quotas: tuple[Left, ...]
    quiet_until: datetime | None
    next_quiet: datetime | None


class Limits:
    """A person's limits as they are stored, read anew each time.

    ``zone`` is where the household is; without one, where the computer is.
    """

    def __init__(self, database: Database, clock: Clock = utc_now, zone: tzinfo | None = None) -> None:
        self._limits = LimitStore(database)
        self._usage = UsageStore(database)
        self._clock = clock
        self.zone = zone or household_zone(None)

    def findings(self, user: User) -> Iterator[Finding]:
        """Whether the person's limits let them ask something now."""
        now = self._clock()
        yield self._about_hours(self._spans(user), self._open_until(user, now), now)
        yield from self._about_quotas(user, now)

    # -- quiet hours

    def _spans(self, user: User) -> list[QuietHours]:
        return [span for span in closest(self._limits.hours_touching(user.id)) if span.begins is not None]

    def _open_until(self, user: User, now: datetime) -> datetime | None:
        until = self._limits.opened_until(user.id)
        moment = None if until is None else parse_timestamp(until)
        return moment if moment is not None and moment > now else None

    def _quiet_until(self, spans: Sequence[QuietHours], opened: datetime | None, now: datetime) -> datetime | None:
        return None if opened else quiet_until(spans, now, self.zone)

    def _about_hours(self, spans: Sequence[QuietHours], opened: datetime | None, now: datetime) -> Finding:
        until = self._quiet_until(spans, opened, now)
        if until is not None:
            again = spoken(until, now, self.zone)
            return Finding(
                Text("It is quiet time; it opens again %(when)s.", when=again),
                QuietHoursError(
                    Text("It is quiet time now. familychat opens again %(when)s.", when=again),
                    "Your chats are all there, to read.",
                    until=until,
                ),
            )
        if opened is not None:
            return Finding(Text("An admin opened it until %(time)s.", time=f"{opened.astimezone(self.zone):%H:%M}"))
        return Finding("It isn't quiet time." if spans else "There are no quiet hours.")

    # -- quotas

    def quota_day(self, user: User) -> str:
        """The day that quotas count for. It never goes back, so a clock that does gives nothing twice."""
        return max(local_day(self._clock(), self.zone), self._usage.latest_day(user.id) or "")

    def _left(self, user: User, day: str) -> list[Left]:
        quotas = self._limits.quotas_touching(user.id)
        if not quotas:
            return []
        used = self._usage.used(user.id, day)
        counts = {LimitKind.MESSAGES: used.messages, LimitKind.TOKENS: used.tokens}
        found = []
        for kind, count in counts.items():
            amounts = [q.amount for q in closest(q for q in quotas if q.kind is kind) if q.amount is not None]
            if amounts:
                found.append(Left(kind, min(amounts) + self._limits.extended(user.id, kind, day), count))
        return found

    def _about_quotas(self, user: User, now: datetime) -> Iterator[Finding]:
        day = self.quota_day(user)
        for quota in self._left(user, day):
            amount = counted(quota.amount, "question" if quota.kind is LimitKind.MESSAGES else "token")
            if quota.left:
                yield Finding(Text("%(left)s of %(amount)s left for the day.", left=f"{quota.left:,}", amount=amount))
                continue
            used = (
                Text("You have used your %(amount)s for today. There will be more tomorrow.", amount=amount)
                if day == local_day(now, self.zone)
                else Text(
                    "You have used your %(amount)s for today. There will be more after %(day)s, since the computer's "
                    "clock went back.",
                    amount=amount,
                    day=day,
                )
            )
            yield Finding(
                Text("All of %(amount)s a day is used.", amount=amount),
                QuotaReachedError(used, "An admin can add some for today."),
            )

    # -- counting

    def count_turn(self, user: User, task: str) -> str:
        """Count a question, in the transaction that stores it; returns the day that it counts for."""
        day = self.quota_day(user)
        self._usage.begin(user.id, day, task)
        return day

    def count_answer(self, user: User, day: str, task: str, answer: Message) -> None:
        """Count what an answer has taken. A question that failed before anything came of it isn't counted at all."""
        if answer.status is Status.FAILED:
            self._usage.forget(user.id, day, task)
        else:
            self._usage.finish(user.id, day, task, answer.model or "", answer.usage)

    # -- telling

    def standing(self, user: User) -> Standing:
        """How a person stands with their limits now."""
        now = self._clock()
        spans, opened = self._spans(user), self._open_until(user, now)
        day = self.quota_day(user)
        return Standing(
            day=day,
            quotas=tuple(self._left(user, day)),
            quiet_until=self._quiet_until(spans, opened, now),
            next_quiet=next_quiet(spans, now, self.zone),
        )

    def reminders(self, user: User) -> list[str]:
        """What a person who has just asked should know of their limits: sentences, usually none."""
        now, standing = self._clock(), self.standing(user)
        told: list[str] = []
        for quota in standing.quotas:
            if quota.kind is LimitKind.MESSAGES and quota.left <= TELL_MESSAGES:
                left = Text("%(questions)s left for today.", questions=counted(quota.left, "question"))
                told.append(left if quota.left else Text("That was your last question for today."))
        if standing.next_quiet is not None and standing.next_quiet - now <= TELL_QUIET:
            minutes = max(1, round((standing.next_quiet - now).total_seconds() / 60))
            begins = standing.next_quiet.astimezone(self.zone)
            told.append(
                Text(
                    "Quiet time begins at %(time)s, in %(minutes)s.",
                    time=f"{begins:%H:%M}",
                    minutes=counted(minutes, "minute"),
                )
            )
        return told


def closest(rules: Iterable[Rule]) -> list[Rule]:
    """The rules that count: a person's own, else those of their groups, else everyone's."""
    found = list(rules)
    own = [rule for rule in found if rule.subject.user_id is not None]
    grouped = [rule for rule in found if rule.subject.group_id is not None]
    return own or grouped or [rule for rule in found if rule.subject == FOR_EVERYONE]
