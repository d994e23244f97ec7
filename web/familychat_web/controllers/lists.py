"""The list of conversations and the search, alone for scripts, or on a page of their own (``whole=1``) without one."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response

from familychat.errors import InvalidInputError
from familychat.household import Household
from familychat.models import User
from familychat.searching import Page
from familychat_web.controllers.shell import conversations_pane
from familychat_web.dependencies import off_loop
from familychat_web.describing import UNCHANGED
from familychat_web.listing import View, found_of, listing_of
from familychat_web.site import WebRequest
from familychat_web.templating import page

LONGEST_SEARCH = 500
"""Characters; more is cut off."""

HITS = 20


class ListsController(Controller):
    @get("/list", responses=UNCHANGED, sync_to_thread=False)
    def conversations(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        *,
        folder: FromQuery[str] = "",
        archived: FromQuery[bool] = False,
        after: FromQuery[str] = "",
        whole: FromQuery[bool] = False,
    ) -> Response[Any]:
        """A page of the list. Asked with the state that somebody has, it answers only if there is another."""
        listing = listing_of(home, user, View(folder, archived, after), home.clock())
        if whole:
            return page(request, "listing.html", listing=listing, **conversations_pane(home, user))
        headers = {"etag": f'"{listing.state}"'}
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return page(request, "partials/list.html", headers=headers, listing=listing)

    @get("/search")
    async def search(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        *,
        q: FromQuery[str] = "",
        after: FromQuery[str] = "",
        whole: FromQuery[bool] = False,
    ) -> Response[Any]:
        """What fits, best first. A search that says nothing yet finds nothing."""
        words = q.strip()[:LONGEST_SEARCH]
        problem, found = "", Page((), None)
        if words:
            try:
                found = await off_loop(request, home.search.find, user, words, limit=HITS, after=after or None)
            except InvalidInputError as error:
                problem = error.message
        values: dict[str, Any] = {
            "q": words,
            "hits": [found_of(hit) for hit in found.hits],
            "after": found.after,
            "loosened": found.loosened,
            "problem": problem,
            "first": not after,
        }
        if whole:
            return page(request, "search.html", **values, **conversations_pane(home, user))
        return page(request, "partials/hits.html", **values)
