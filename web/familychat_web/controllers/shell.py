"""The two panes: conversations on one side, and what is being done on the other."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response

from familychat.household import Household
from familychat.models import User
from familychat.tasks.base import suggestions_for
from familychat_web.dependencies import off_loop
from familychat_web.listing import deleted_one, first_listing
from familychat_web.site import WebRequest
from familychat_web.standing import standing_of
from familychat_web.templating import language_of, page

SUGGESTIONS = 3
"""Of each task."""


class ShellController(Controller):
    @get("/")
    async def welcome(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        undo: FromQuery[str] = "",
    ) -> Response[str]:
        """A welcome by name, and what the person may do; ``undo`` is a conversation that was just deleted."""
        tasks = home.task_shelf.usable(user)
        language = language_of(request).code
        suggestions = await off_loop(
            request, lambda: [suggestions_for(task, home.database, user, language)[:SUGGESTIONS] for task in tasks]
        )
        return page(
            request,
            "welcome.html",
            hour=home.clock().astimezone(home.limits.zone).hour,
            called=home.preferences.of(user).greeting or user.display_name,
            tasks=list(zip(tasks, suggestions, strict=True)),
            deleted=deleted_one(home, user, undo),
            **conversations_pane(home, user),
        )


def conversations_pane(home: Household, user: User) -> dict[str, Any]:
    """What ``partials/pane.html`` and ``partials/standing.html`` show: every page of the shell passes it on."""
    return {"pane": first_listing(home, user, home.clock()), "standing": standing_of(home, user)}
