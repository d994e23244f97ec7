"""What a person chooses for themself, and what is known about them: all of it their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, tzinfo
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Response, Stream

from familychat.clock import to_the_minute
from familychat.errors import InvalidInputError
from familychat.export.formats import offered
from familychat.family.usage import span
from familychat.household import Household
from familychat.models import AuditEntry, User
from familychat.preferences import CHOICES
from familychat.store.conversations import EVERY
from familychat_web import looks
from familychat_web.controllers.shell import conversations_pane
from familychat_web.dependencies import off_loop
from familychat_web.errors import problem_of
from familychat_web.exporting import download
from familychat_web.forms import fields, reads, see_other
from familychat_web.noted import ACTIONS
from familychat_web.offering import models_known
from familychat_web.site import WebRequest, site_of
from familychat_web.templating import page
from familychat_web.visits import cookie, visit_of

ENTRIES = 100
"""Of the audit log, at most."""

KEPT = "/account?kept=1"

LOOK = tuple(looks.Look().parts())
BEGINNING = ("greeting", "task", "model")
"""Fields of forms."""


class PersonalController(Controller):
    path = "/account"

    @get(sync_to_thread=False)
    def settings(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        kept: FromQuery[bool] = False,
    ) -> Response[str]:
        """All that can be chosen; ``kept`` says that something just was."""
        return page(request, "settings.html", problem=None, kept=kept, **_settings(request, home, user))

    @post("/look", opt=reads(*LOOK))
    async def change_look(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """How the page looks, wherever the person signs in; before that, on this device."""
        given = dict(zip(LOOK, await fields(request), strict=True))
        look = looks.chosen(given, site_of(request).languages.codes)
        home.preferences.choose(user, look.parts())
        return see_other(KEPT, [cookie(request, looks.COOKIE, look.value(), looks.KEPT_FOR)])

    @post("/beginning", opt=reads(*BEGINNING))
    async def change_beginning(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """What the person is called, and what a new conversation begins with."""
        given = dict(zip(BEGINNING, await fields(request), strict=True))
        try:
            home.preferences.choose(user, given)
        except InvalidInputError as error:
            problem, values = problem_of(error), _settings(request, home, user, given)
            return page(request, "settings.html", status=problem.status, problem=problem, kept=False, **values)
        return see_other(KEPT)

    @post("/sessions/end", opt=reads("session"))
    async def end_session(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        (session,) = await fields(request)
        home.sessions.end_own(user, session)
        return see_other(KEPT)

    @post("/sessions/end-others", sync_to_thread=False)
    def end_other_sessions(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """End all of the person's sessions but this one."""
        this = home.sign_in.session_of(visit_of(request).token)
        home.sessions.end_others(user, besides=this.id if this else None)
        return see_other(KEPT)

    @get("/activity", sync_to_thread=False)
    def activity(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        """What the person used, who looked at it, and what the audit log says of them."""
        first, last = span(date.fromisoformat(home.limits.quota_day(user)), days=None, since=None, until=None)
        reports = home.usage
        zone = home.limits.zone
        return page(
            request,
            "activity.html",
            by_task=reports.own(user, "task", first, last),
            by_model=reports.own(user, "model", first, last),
            looked=_entries(home.supervisions.looks(user, ENTRIES), zone),
            entries=_entries(home.accounts.audit_about(user, ENTRIES), zone),
            actions=ACTIONS,
            **conversations_pane(home, user),
        )

    @get("/export/{format_name:str}", media_type="application/zip")
    async def export(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        format_name: FromPath[str],
    ) -> Stream:
        """All conversations of the person in a zip file."""
        everything = await off_loop(request, home.conversations.chosen, user, EVERY)
        return await download(request, home, user, everything, format_name)


def _settings(
    request: WebRequest, home: Household, user: User, typed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What ``settings.html`` shows; ``typed`` is what a refused form had."""
    preferred = home.preferences.of(user)
    zone, this = home.limits.zone, home.sign_in.session_of(visit_of(request).token)
    return {
        "choices": CHOICES,
        "languages": site_of(request).languages.codes,
        "preferred": preferred,
        "typed": typed or {name: getattr(preferred, name) for name in BEGINNING},
        "tasks": home.task_shelf.usable(user),
        "models": models_known(request, home, user),
        "formats": offered(),
        "sessions": [
            (one, to_the_minute(one.last_used_at or one.created_at, zone), this is not None and one.id == this.id)
            for one in home.sessions.own(user)
        ],
        **conversations_pane(home, user),
    }


def _entries(entries: list[AuditEntry], zone: tzinfo) -> list[tuple[str, AuditEntry]]:
    return [(to_the_minute(entry.at, zone), entry) for entry in entries]
