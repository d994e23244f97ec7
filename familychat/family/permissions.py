"""The one place that decides whether a person may use something, now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from familychat.clock import Clock, timestamp, to_the_minute, utc_now
from familychat.errors import InvalidInputError, NotAllowedError
from familychat.family.findings import Finding
from familychat.family.limits import Limits
from familychat.models import Effect, Grant, Subject, User
from familychat.store.database import Database
from familychat.store.grants import GrantStore
from familychat.store.groups import GroupStore
from familychat.store.people import PeopleStore
from familychat.store.task_states import TaskStateStore
from familychat.wording import Text

_RESOURCE = re.compile(r"(task|model|library):(\S(?:.*\S)?)")
MAX_RESOURCE = 300
_REFUSED = {
    "task": Text("You may not use the task %(name)s. Nothing was sent."),
    "model": Text("You may not use the model %(name)s. Nothing was sent."),
    "library": Text("You may not use the library %(name)s. Nothing was sent."),
}
_NOT_ALLOWED = {
    "task": Text("No rule allows the task %(name)s."),
    "model": Text("No rule allows the model %(name)s."),
    "library": Text("No rule allows the library %(name)s."),
}


def check_resource(resource: str) -> str:
    """Returns ``task:NAME``, ``model:NAME`` or ``library:NAME`` (``*``: any); raises :class:`InvalidInputError`."""
    if len(resource) > MAX_RESOURCE or not _RESOURCE.fullmatch(resource):
        raise InvalidInputError(
            Text("%(resource)s isn't something that can be granted.", resource=resource[:60]),
            "Write task:NAME, model:NAME or library:NAME.",
        )
    return resource


def require_admin(user: User) -> None:
    """Raises :class:`NotAllowedError` unless the person is an active admin."""
    if not (user.active and user.is_admin):
        raise NotAllowedError("Only an admin can do that.", "familychat login signs in as somebody else.")


def require_admin_now(people: PeopleStore, by: User) -> None:
    """As :func:`require_admin`, read anew: they may have been demoted, disabled or removed since they signed in."""
    require_admin(people.get(by.id) or replace(by, active=False))


class Permissions:
    """Decides by the rules that are stored, read anew each time."""

    def __init__(self, database: Database, limits: Limits | None = None, clock: Clock = utc_now) -> None:
        self._grants = GrantStore(database)
        self._groups = GroupStore(database)
        self._people = PeopleStore(database)
        self._tasks = TaskStateStore(database)
        self._limits = limits or Limits(database, clock)
        self._clock = clock

    def may_use(self, user: User, resource: str) -> bool:
        """Whether the person is active, a rule allows it and none forbids it; without a rule, not even an admin may."""
        return all(finding.is_fine for finding in self._about_use(user, resource))

    def require(self, user: User, resource: str) -> None:
        """Raises :class:`NotAllowedError` unless the person may use ``resource``."""
        _raise_first(self._about_use(user, resource))

    def require_turn(self, user: User, task: str) -> None:
        """Raises :class:`NotAllowedError` unless the person may ask something with ``task`` now.

        :class:`familychat.errors.QuietHoursError` in their quiet time, and
        :class:`familychat.errors.QuotaReachedError` once the day's quota is used, are kinds of it.
        """
        _raise_first(self._about_turn(user, task))

    def why(self, user: User, resource: str) -> list[Finding]:
        """Every step of the decision; for a task also whether anything can be asked right now."""
        kind, _, name = check_resource(resource).partition(":")
        steps = self._about_turn(user, name) if kind == "task" else self._about_use(user, resource)
        # They are read later, when the database may be closed.
        return [replace(step, told=step.text) for step in steps]

    def _about_use(self, user: User, resource: str) -> Iterator[Finding]:
        current = self._people.get(user.id)
        if current is None or not current.active:
            yield Finding(
                "The account is switched off.",
                NotAllowedError("Your account is switched off.", "Ask an admin of the household."),
            )
        else:
            yield Finding("The account is active.")
        kind, _, name = resource.partition(":")
        if kind == "task" and self._tasks.is_off(name):
            yield Finding(
                Text("The task %(name)s is switched off for everyone.", name=name),
                NotAllowedError(
                    Text("The task %(name)s is switched off. Nothing was sent.", name=name),
                    "Ask an admin of the household.",
                ),
            )
        yield self.about_grants(user, resource)

    def about_grants(self, user: User, resource: str) -> Finding:
        """What the rules alone say, whatever the account's and the task's state."""
        kind, _, name = resource.partition(":")
        rules = self._grants.touching(user.id, [resource, f"{kind}:*"], timestamp(self._clock()))
        against = [rule for rule in rules if rule.effect is Effect.DENY]
        refusal = Text(_REFUSED[kind], name=name)
        if against:
            hint = Text(
                "An admin can see why: familychat admin why %(name)s %(resource)s",
                name=user.username,
                resource=resource,
            )
            return Finding(partial(self._told, against[0]), NotAllowedError(refusal, hint))
        if rules:
            return Finding(partial(self._told, rules[0]))
        hint = Text(
            "An admin can allow it: familychat admin grant %(name)s %(resource)s",
            name=user.username,
            resource=resource,
        )
        return Finding(Text(_NOT_ALLOWED[kind], name=name), NotAllowedError(refusal, hint))

    def _told(self, rule: Grant) -> Text:
        who, allowed = self.name_of(rule.subject), rule.effect is Effect.ALLOW
        if rule.until is None:
            always = (
                Text("The rule for %(who)s allows %(resource)s.")
                if allowed
                else Text("The rule for %(who)s forbids %(resource)s, and what is forbidden wins.")
            )
            return Text(always, who=who, resource=rule.resource)
        for_now = (
            Text("The rule for %(who)s allows %(resource)s until %(until)s.")
            if allowed
            else Text("The rule for %(who)s forbids %(resource)s until %(until)s, and what is forbidden wins.")
        )
        until = to_the_minute(rule.until, self._limits.zone)
        return Text(for_now, who=who, resource=rule.resource, until=until)

    def name_of(self, subject: Subject) -> str:
        """``everyone``, ``the group NAME``, or a user name."""
        if subject.group_id is not None:
            names = (group.name for group in self._groups.all() if group.id == subject.group_id)
            return Text("the group %(name)s", name=next(names, "?"))
        person = self._people.get(subject.user_id) if subject.user_id is not None else None
        return person.username if person else Text("everyone")

    def _about_turn(self, user: User, task: str) -> Iterator[Finding]:
        yield from self._about_use(user, f"task:{task}")
        yield from self._limits.findings(user)


def _raise_first(findings: Iterator[Finding]) -> None:
    for finding in findings:
        if finding.error is not None:
            raise finding.error
