"""Admin pages: who may use what, why, and the groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response

from familychat.errors import FamilychatError, InvalidInputError, NotFoundError
from familychat.family.accounts import EVERYONE
from familychat.family.findings import Finding
from familychat.family.rules import GROUP_PREFIX
from familychat.household import Household
from familychat.models import Effect, Grant, User
from familychat.wording import Text
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.dependencies import off_loop
from familychat_web.forms import reads
from familychat_web.music_desk import libraries
from familychat_web.offering import models_there
from familychat_web.site import WebRequest

RULES, GROUPS = "/admin/rules", "/admin/groups"
PATIENCE = 2.0
"""Seconds that the page waits for the model server to say what it has."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: a subject, its own rules by resource, and, for a person, what all rules say."""

    who: str
    own: dict[str, Grant]
    says: dict[str, Finding] | None


def _grant(doing: Doing) -> str:
    effect = doing.one_of(Effect, "effect")
    day = doing.text("until")
    doing.home.rules.grant(
        doing.by, doing.text("who"), doing.text("what"), effect, until=_end_of(day, doing.home) if day else None
    )
    return _address_of(doing)


def _revoke(doing: Doing) -> str:
    doing.home.rules.revoke(doing.by, doing.text("who"), doing.text("what"))
    return _address_of(doing)


def _address_of(doing: Doing) -> str:
    return f"{RULES}/one?{urlencode({'who': doing.text('who'), 'what': doing.text('what')})}"


def _end_of(day: str, home: Household) -> datetime:
    """The end of a day in the household."""
    try:
        return datetime.combine(datetime.fromisoformat(day).date() + timedelta(days=1), time(), home.limits.zone)
    except (ValueError, OverflowError):
        raise InvalidInputError(
            Text("%(text)s isn't a day. Nothing was changed.", text=day[:40]), "Write it as 2026-01-31."
        ) from None


GRANTING: dict[str, Act] = {"grant": _grant, "revoke": _revoke}


def _members(change: str) -> Act:
    def act(doing: Doing) -> None:
        getattr(doing.home.rules, change)(doing.by, doing.text("group"), doing.text("person"))

    return act


def _add_group(doing: Doing) -> None:
    doing.home.rules.add_group(doing.by, doing.text("group"))


GROUPING: dict[str, Act] = {
    "add-group": _add_group,
    "remove-group": lambda doing: doing.home.rules.remove_group(doing.by, doing.text("group")),
    "join": _members("join"),
    "leave": _members("leave"),
}


class RulesController(Controller):
    path = "/admin"
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get("/rules")
    async def rules(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        """A table of people and groups by tasks, models and music."""
        return await _rules(request, home, user)

    @post("/rules", opt=reads(does=GRANTING))
    async def change_rules(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Allow or forbid something, or take a rule away."""
        doing = await asked(request, home, user)
        result = await acted(doing, GRANTING, RULES)
        if not isinstance(result, Refused):
            return result
        try:
            return _one(request, home, user, doing.text("who"), doing.text("what"), refused=result)
        except FamilychatError:  # there is no such person or thing, which is just what was refused
            return await _rules(request, home, user, result)

    @get("/rules/one", sync_to_thread=False)
    def one_rule(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        who: FromQuery[str] = "",
        what: FromQuery[str] = "",
    ) -> Response[str]:
        """Why somebody may use something or not, step by step, and the rule to change."""
        return _one(request, home, user, who, what)

    @get("/groups", sync_to_thread=False)
    def groups(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        return _groups(request, home, user)

    @post("/groups", opt=reads(does=GROUPING))
    async def change_groups(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Add or remove a group, or put people in or out."""
        result = await acted(await asked(request, home, user), GROUPING, GROUPS)
        return _groups(request, home, user, result) if isinstance(result, Refused) else result


async def _rules(request: WebRequest, home: Household, by: User, refused: Refused | None = None) -> Response[str]:
    models = await models_there(request, home, PATIENCE)
    resources, lines = await off_loop(request, _table, home, by, [one.name for one in models or ()])
    reached = models is not None
    return admin_page(request, "rules", home, refused=refused, resources=resources, lines=lines, reached=reached)


def _table(home: Household, by: User, models: Iterable[str]) -> tuple[list[str], list[Line]]:
    rules = home.rules.grants(by)
    music = [one.name for one in libraries(home).usable(by)]
    there = {
        *(f"task:{name}" for name in home.tasks.names()),
        *(f"model:{name}" for name in models),
        *(f"library:{name}" for name in music),
    }
    mentioned = [rule.resource for _, rule in rules]
    # A rule may be about something in other letters than it has itself.
    known = {one.casefold(): one for one in (*mentioned, *there)}
    resources = sorted(known.values(), key=_placed)
    people = home.accounts.all(by)
    says = home.rules.by_rules(by, people, resources)
    subjects = [EVERYONE, *(GROUP_PREFIX + group.name for group, _ in home.rules.groups(by))]
    own: dict[str, dict[str, Grant]] = {}
    for who, rule in rules:
        own.setdefault(who, {})[known[rule.resource.casefold()]] = rule
    lines = [Line(who, own.get(who, {}), None) for who in subjects]
    return resources, lines + [
        Line(one.username, own.get(one.username, {}), dict(zip(resources, found, strict=True)))
        for one, found in zip(people, says, strict=True)
    ]


def _placed(resource: str) -> tuple[int, bool, str]:
    """Tasks first, then models, then music; of each, what is about all comes first."""
    kind, _, name = resource.partition(":")
    return ["task", "model", "library"].index(kind), name != "*", name.casefold()


def _one(
    request: WebRequest, home: Household, by: User, /, who: str, what: str, *, refused: Refused | None = None
) -> Response[str]:
    people = {one.username for one in home.accounts.all(by)}
    names = home.rules.names(by).values()
    called = next((name for name in names if name.casefold() == who.strip().casefold()), None)
    if called is None:
        raise NotFoundError("There is nobody like that here.", "Choose somebody in the table.")
    own = next(
        (
            rule
            for name, rule in home.rules.grants(by)
            if name == called and rule.resource.casefold() == what.casefold()
        ),
        None,
    )
    steps = home.rules.why(by, called, what) if called in people else None
    return admin_page(request, "rule", home, refused=refused, who=called, what=what, own=own, steps=steps)


def _groups(request: WebRequest, home: Household, by: User, refused: Refused | None = None) -> Response[str]:
    people = [one.username for one in home.accounts.all(by)]
    return admin_page(request, "groups", home, refused=refused, groups=home.rules.groups(by), people=people)
