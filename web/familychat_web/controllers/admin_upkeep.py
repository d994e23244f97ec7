"""Admin pages: what was used, who did what, and who is signed in where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response

from familychat.errors import FamilychatError
from familychat.family.usage import span
from familychat.household import Household
from familychat.models import UsageTotal, User
from familychat.search_words import day_start
from familychat.store.audit import AuditChoice
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.errors import problem_of
from familychat_web.forms import reads
from familychat_web.noted import ACTIONS
from familychat_web.site import WebRequest

SESSIONS = "/admin/sessions"
A_PAGE = 50
"""Entries of the audit log."""
LAST_PAGE = 2000
MOST_BARS = 92
"""Days that are shown one by one."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart; ``share`` is of the longest, in percent."""

    total: UsageTotal
    share: float


def bars(totals: list[UsageTotal]) -> list[Bar]:
    """Bars for the turns of each."""
    most = max((one.turns for one in totals), default=0) or 1
    return [Bar(one, round(100 * one.turns / most, 1)) for one in totals]


def _end_session(doing: Doing) -> None:
    doing.home.sessions.end(doing.by, doing.text("session"))


ACTS: dict[str, Act] = {"end-session": _end_session}


class UpkeepController(Controller):
    path = "/admin"
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get("/usage", sync_to_thread=False)
    def usage(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
    ) -> Response[str]:
        """Turns and tokens by day, person, model and task."""
        today = datetime.now(home.limits.zone).date()
        refused = None
        try:
            first, last = span(today, days=None, since=since or None, until=until or None)
        except FamilychatError as error:
            refused = Refused("usage", problem_of(error), {"since": since, "until": until})
            first, last = span(today, days=None, since=None, until=None)
        reports = home.usage
        days = reports.household(user, "day", first, last)[-MOST_BARS:]
        return admin_page(
            request,
            "usage",
            home,
            refused=refused,
            since=str(first),
            until=str(last),
            days=bars(days),
            people=bars(reports.household(user, "person", first, last)),
            models=bars(reports.household(user, "model", first, last)),
            tasks=bars(reports.household(user, "task", first, last)),
        )

    @get("/audit", sync_to_thread=False)
    def audit(  # noqa: PLR0917 -- the parts of a form
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        who: FromQuery[str] = "",
        about: FromQuery[str] = "",
        action: FromQuery[str] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        number: FromQuery[int] = 1,
    ) -> Response[str]:
        """Who did what, when, and from where: the newest first, ``number`` being the page's."""
        asked = {"who": who, "about": about, "action": action, "since": since, "until": until}
        number = min(max(number, 1), LAST_PAGE)
        refused, entries = None, []
        try:
            chosen = AuditChoice(
                actor=who.strip() or None,
                target=about.strip() or None,
                action=action.strip() or None,
                since=day_start(since.strip() or None),
                until=day_start(until.strip() or None, after=True),
            )
            entries = home.accounts.audit(user, number * A_PAGE + 1, chosen)
        except FamilychatError as error:
            refused = Refused("audit", problem_of(error), asked)
        query = urlencode({name: value for name, value in asked.items() if value.strip()})
        return admin_page(
            request,
            "audit",
            home,
            refused=refused,
            asked=asked,
            actions=ACTIONS,
            entries=entries[(number - 1) * A_PAGE : number * A_PAGE],
            number=number,
            more=len(entries) > number * A_PAGE,
            query=f"{query}&" if query else "",
        )

    @get("/sessions", sync_to_thread=False)
    def sessions(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        """Who is signed in where, and who is locked out."""
        return _sessions(request, home, user)

    @post("/sessions", opt=reads(does=ACTS))
    async def end_session(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """End anybody's session."""
        result = await acted(await asked(request, home, user), ACTS, SESSIONS)
        return _sessions(request, home, user, result) if isinstance(result, Refused) else result


def _sessions(request: WebRequest, home: Household, by: User, refused: Refused | None = None) -> Response[str]:
    return admin_page(
        request, "sessions", home, refused=refused, sessions=home.sessions.all(by), locked=home.sessions.locked(by)
    )
