"""The house rules as admins make them: groups, grants, quotas, quiet hours, and exceptions for once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from familychat.clock import Clock, timestamp
from familychat.errors import ConflictError, InvalidInputError, NotFoundError
from familychat.family.accounts import EVERYONE, Accounts, check_name
from familychat.family.findings import Finding
from familychat.family.hours import DAY_NAMES, overlapping
from familychat.family.limits import Limits
from familychat.family.permissions import Permissions, check_resource
from familychat.models import (
    FOR_EVERYONE,
    Band,
    Effect,
    Grant,
    Group,
    LimitKind,
    QuietHours,
    Quota,
    Subject,
    User,
)
from familychat.store.audit import ABOUT_EVERYONE, AuditStore
from familychat.store.database import Database
from familychat.store.grants import GrantStore
from familychat.store.groups import GroupStore
from familychat.store.limits import LimitStore
from familychat.tasks.registry import TaskRegistry
from familychat.wording import Text

GROUP_PREFIX = "group:"
LARGEST_AMOUNT = 1_000_000_000
LONGEST_EXTENSION = timedelta(hours=12)
_BANDS = {Band.CHILD: Text("child"), Band.TEEN: Text("teen"), Band.ADULT: Text("adult")}
_NO_QUOTA = {
    LimitKind.MESSAGES: Text("%(who)s has no quota of messages. Nothing was changed."),
    LimitKind.TOKENS: Text("%(who)s has no quota of tokens. Nothing was changed."),
}


class HouseRules:
    """Every method takes the admin who does it (:class:`familychat.errors.NotAllowedError` for others).

    ``who`` is a user name, ``group:NAME`` or ``everyone``. Every change is in the audit log, for those it concerns to
    read.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        accounts: Accounts,
        *,
        permissions: Permissions,
        limits: Limits,
        tasks: TaskRegistry,
    ) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._permissions = permissions
        self._limits = limits
        self._tasks = tasks
        self._groups = GroupStore(database)
        self._grants = GrantStore(database)
        self._store = LimitStore(database)
        self._audit = AuditStore(database)

    def _now(self) -> str:
        return timestamp(self._clock())

    def _record(self, by: User, action: str, who: str, subject: Subject, details: str = "") -> None:
        about = subject.user_id or ABOUT_EVERYONE
        self._audit.add(self._now(), by.username, action, who, details, about_id=about)

    def _subject(self, by: User, who: str) -> Subject:
        if who.casefold() == EVERYONE:
            self._accounts.require_admin(by)
            return FOR_EVERYONE
        if who.casefold().startswith(GROUP_PREFIX):
            return Subject(group_id=self.group(by, who[len(GROUP_PREFIX) :]).id)
        return Subject(user_id=self._accounts.get(by, who).id)

    def names(self, by: User) -> dict[Subject, str]:
        """What each subject is called where rules are shown and typed."""
        people = {Subject(user_id=user.id): user.username for user in self._accounts.all(by)}
        groups = {Subject(group_id=group.id): GROUP_PREFIX + group.name for group in self._groups.all()}
        return {FOR_EVERYONE: EVERYONE, **groups, **people}

    # -- groups

    def groups(self, by: User) -> list[tuple[Group, list[str]]]:
        """Every group with the user names of its members."""
        self._accounts.require_admin(by)
        return [(group, self._groups.members(group)) for group in self._groups.all()]

    def group(self, by: User, name: str) -> Group:
        """Raises :class:`NotFoundError` if there is none of that name."""
        self._accounts.require_admin(by)
        found = self._groups.by_name(name.strip())
        if found is None:
            raise NotFoundError(
                Text("There is no group %(name)s.", name=name), "familychat admin groups list shows them."
            )
        return found

    def add_group(self, by: User, name: str) -> Group:
        """Raises :class:`ConflictError` if the name is taken."""
        self._accounts.require_admin(by)
        name = check_name(name, Text("A group's name needs 1 to %(most)s ordinary characters."))
        with self._database.transaction():
            if self._groups.by_name(name):
                raise ConflictError(
                    Text("There is a group %(name)s already. Nothing was changed.", name=name), "Choose another name."
                )
            self._groups.add(name, self._now())
            self._record(by, "group.add", name, FOR_EVERYONE)
        return self.group(by, name)

    def remove_group(self, by: User, name: str) -> None:
        """Delete a group with its rules; its people stay. Raises :class:`ConflictError` for an age band's group."""
        with self._database.transaction():
            group = self._own_group(by, name)
            self._groups.remove(group.id)
            self._record(by, "group.remove", group.name, FOR_EVERYONE)

    def join(self, by: User, name: str, username: str) -> None:
        """Put a person into a group."""
        with self._database.transaction():
            group, user = self._own_group(by, name), self._accounts.get(by, username)
            if not self._groups.join(group.id, user.id):
                raise ConflictError(
                    Text("%(name)s is in %(group)s already. Nothing was changed.", name=user.username, group=group.name)
                )
            self._record(by, "group.join", user.username, Subject(user.id), group.name)

    def leave(self, by: User, name: str, username: str) -> None:
        """Take a person out of a group."""
        with self._database.transaction():
            group, user = self._own_group(by, name), self._accounts.get(by, username)
            if not self._groups.leave(group.id, user.id):
                raise NotFoundError(
                    Text("%(name)s isn't in %(group)s. Nothing was changed.", name=user.username, group=group.name)
                )
            self._record(by, "group.leave", user.username, Subject(user.id), group.name)

    def _own_group(self, by: User, name: str) -> Group:
        group = self.group(by, name)
        if group.band is not None:
            raise ConflictError(
                Text(
                    "Everyone of the age band %(band)s is in %(group)s. Nothing was changed.",
                    band=_BANDS[group.band],
                    group=group.name,
                ),
                "familychat admin users band NAME BAND changes somebody's band.",
            )
        return group

    # -- grants

    def grant(self, by: User, who: str, resource: str, effect: Effect, *, until: datetime | None = None) -> None:
        """Allow or forbid ``resource``, for ever or up to ``until``.

        Raises :class:`NotFoundError` for a person, group or task that there isn't, and :class:`InvalidInputError` for
        an end that is past.
        """
        check_resource(resource)
        kind, _, name = resource.partition(":")
        if kind == "task" and name != "*" and name.casefold() not in _folded(self._tasks.names()):
            raise NotFoundError(
                Text("There is no task %(name)s. Nothing was changed.", name=name),
                Text("There are: %(names)s.", names=", ".join(self._tasks.names())),
            )
        if until is not None and until <= self._clock():
            raise InvalidInputError("That end is past already. Nothing was changed.", "Choose a later one.")
        with self._database.transaction():
            subject = self._subject(by, who)
            end = None if until is None else timestamp(until)
            self._grants.put(subject, resource, effect, self._now(), until=end)
            details = resource if end is None else f"{resource} until {end}"
            self._record(by, f"grant.{effect.value}", who, subject, details)

    def revoke(self, by: User, who: str, resource: str) -> None:
        """Take a rule away; raises :class:`NotFoundError` if there is none."""
        with self._database.transaction():
            subject = self._subject(by, who)
            if not self._grants.remove(subject, check_resource(resource)):
                raise NotFoundError(
                    Text("%(who)s has no rule for %(resource)s. Nothing was changed.", who=who, resource=resource),
                    "familychat admin grants shows the rules.",
                )
            self._record(by, "grant.revoke", who, subject, resource)

    def grants(self, by: User) -> list[tuple[str, Grant]]:
        """Every rule with the name of its subject."""
        names = self.names(by)
        return [(names[grant.subject], grant) for grant in self._grants.all()]

    def why(self, by: User, username: str, resource: str) -> list[Finding]:
        """Every step of the decision whether a person may use something now."""
        return self._permissions.why(self._accounts.get(by, username), resource)

    def by_rules(self, by: User, people: Sequence[User], resources: Sequence[str]) -> list[list[Finding]]:
        """What the rules alone say of each resource, for each of these people."""
        self._accounts.require_admin(by)
        return [[self._permissions.about_grants(one, resource) for resource in resources] for one in people]

    # -- quotas

    def set_quota(self, by: User, who: str, kind: LimitKind, amount: int | None) -> None:
        """Let a subject have so much a day; None: as much as they like, whatever their groups have."""
        if amount is not None and not 0 <= amount <= LARGEST_AMOUNT:
            raise InvalidInputError(
                Text("A quota can't be %(amount)s. Nothing was changed.", amount=amount),
                Text("Between 0 and %(most)s, or none.", most=f"{LARGEST_AMOUNT:,}"),
            )
        with self._database.transaction():
            subject = self._subject(by, who)
            self._store.put_quota(Quota(subject, kind, amount), self._now())
            self._record(by, "quota.set", who, subject, f"{'no limit of' if amount is None else amount} {kind}")

    def remove_quota(self, by: User, who: str, kind: LimitKind) -> None:
        """Raises :class:`NotFoundError` if there is none."""
        with self._database.transaction():
            subject = self._subject(by, who)
            if not self._store.remove_quota(subject, kind):
                raise NotFoundError(Text(_NO_QUOTA[kind], who=who))
            self._record(by, "quota.remove", who, subject, kind)

    def quotas(self, by: User) -> list[tuple[str, Quota]]:
        names = self.names(by)
        return [(names[quota.subject], quota) for quota in self._store.quotas()]

    # -- quiet hours

    def add_hours(self, by: User, who: str, days: Sequence[int], begins: str, ends: str) -> None:
        """Make it quiet on these weekdays; raises :class:`ConflictError` if it is quiet then already."""
        with self._database.transaction():
            subject = self._subject(by, who)
            there = [span for span in self._store.hours() if span.subject == subject]
            added = [QuietHours(subject, day, begins, ends) for day in days]
            clash = overlapping([*there, *added])
            if clash is not None:
                raise ConflictError(
                    Text("That overlaps with %(span)s. Nothing was changed.", span=told(clash[0])),
                    Text("familychat admin hours remove %(who)s takes the old ones away.", who=who),
                )
            self._store.put_hours(subject, added, self._now())
            self._record(by, "hours.add", who, subject, ", ".join(told(span) for span in added))

    def free_hours(self, by: User, who: str) -> None:
        """Let a subject have no quiet hours, whatever their groups have."""
        with self._database.transaction():
            subject = self._subject(by, who)
            self._store.put_hours(subject, [QuietHours(subject, None, None, None)], self._now())
            self._record(by, "hours.free", who, subject)

    def remove_hours(self, by: User, who: str, days: Sequence[int] | None = None) -> int:
        """Take quiet hours away, of these weekdays or all; raises :class:`NotFoundError` if there are none."""
        with self._database.transaction():
            subject = self._subject(by, who)
            count = self._store.remove_hours(subject, days)
            if not count:
                raise NotFoundError(Text("%(who)s has no such quiet hours. Nothing was changed.", who=who))
            self._record(by, "hours.remove", who, subject)
        return count

    def hours(self, by: User) -> list[tuple[str, QuietHours]]:
        names = self.names(by)
        return [(names[span.subject], span) for span in self._store.hours()]

    # -- exceptions for once

    def extend(self, by: User, username: str, kind: LimitKind, amount: int) -> int:
        """Give a person so much more for today; returns what is left for them now."""
        if not 0 < amount <= LARGEST_AMOUNT:
            raise InvalidInputError(
                Text("%(amount)s can't be added. Nothing was changed.", amount=amount), "Add at least 1."
            )
        with self._database.transaction():
            user = self._accounts.get(by, username)
            if not any(left.kind is kind for left in self._limits.standing(user).quotas):
                raise ConflictError(Text(_NO_QUOTA[kind], who=user.username))
            self._store.extend(user.id, kind, self._limits.quota_day(user), amount, self._now())
            self._record(by, "extension", user.username, Subject(user.id), f"{amount} {kind} more today")
        return next(left.left for left in self._limits.standing(user).quotas if left.kind is kind)

    def open_for(self, by: User, username: str, time: timedelta) -> datetime:
        """Let a person go on for so long in quiet time: from now on if it is quiet, else from when it begins.

        Returns until when. Raises :class:`ConflictError` if no quiet time is near.
        """
        if not timedelta(0) < time <= LONGEST_EXTENSION:
            raise InvalidInputError("That isn't a time to add. Nothing was changed.", "From 1 minute to 12 hours.")
        with self._database.transaction():
            user = self._accounts.get(by, username)
            standing = self._limits.standing(user)
            begins = self._clock() if standing.quiet_until is not None else standing.next_quiet
            if begins is None:
                raise ConflictError(Text("%(name)s has no quiet time today. Nothing was changed.", name=user.username))
            until = begins + time
            self._store.open_until(user.id, timestamp(until), self._now())
            self._record(by, "extension", user.username, Subject(user.id), f"open until {timestamp(until)}")
        return until


def told(span: QuietHours) -> Text:
    """``Monday 21:00-07:00``, or ``none``."""
    if span.weekday is None:
        return Text("none")
    return Text("%(day)s %(begins)s-%(ends)s", day=DAY_NAMES[span.weekday], begins=span.begins, ends=span.ends)


def _folded(names: Collection[str]) -> set[str]:
    return {name.casefold() for name in names}
