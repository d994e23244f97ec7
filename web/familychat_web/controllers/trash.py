"""The trash: what a person has deleted, and may bring back."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.household import Household
from familychat.models import User
from familychat_web.controllers.shell import conversations_pane
from familychat_web.forms import see_other
from familychat_web.site import WebRequest, site_of
from familychat_web.templating import page


class TrashController(Controller):
    path = "/trash"

    @get(sync_to_thread=False)
    def trash(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        deleted = home.conversations.trash(user)
        days = site_of(request).settings.trash_days
        return page(request, "trash.html", deleted=deleted, days=days, **conversations_pane(home, user))

    @post("/empty", sync_to_thread=False)
    def empty(self, home: NamedDependency[Household], user: NamedDependency[User]) -> Response[Any]:
        """Delete for good what is in it. The page asks before."""
        home.conversations.empty_trash(user)
        return see_other("/trash")
