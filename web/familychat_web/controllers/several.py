"""Doing one thing with several conversations: those that are ticked, or all of a folder, the archive or a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response, Stream

from familychat.bulk import Action, act
from familychat.errors import FamilychatError, InvalidInputError
from familychat.export.formats import offered
from familychat.household import Household
from familychat.models import Conversation, User
from familychat_web.controllers.lists import LONGEST_SEARCH
from familychat_web.controllers.shell import conversations_pane
from familychat_web.dependencies import off_loop
from familychat_web.errors import Problem, problem_of
from familychat_web.exporting import download
from familychat_web.forms import fields, incomplete, reads, see_other
from familychat_web.listing import View
from familychat_web.site import WebRequest
from familychat_web.templating import page

SHOWN = 200
"""Conversations on the page; what is done with all of them is done with the others, too."""

MOST = 10_000
HITS_AT_ONCE = 200
CHOICE = ("one", "all", "q", "folder", "archived")
"""Fields of the form: the ids that are ticked, whether all are meant, and all of what."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where they come from: a search, if there are words for one, else the list, a folder or the archive."""

    q: str = ""
    folder: str = ""
    archived: bool = False

    def url(self, **more: str) -> str:
        said = {"q": self.q, "folder": self.folder, "archived": "1" if self.archived else "", **more}
        query = urlencode({name: value for name, value in said.items() if value})
        return f"/several?{query}" if query else "/several"


class SeveralController(Controller):
    path = "/several"

    @get()
    async def several(
        self,
        request: WebRequest,
        *,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        q: FromQuery[str] = "",
        folder: FromQuery[str] = "",
        archived: FromQuery[bool] = False,
        did: FromQuery[str] = "",
        count: FromQuery[int] = 0,
        at: FromQuery[str] = "",
    ) -> Response[str]:
        """What there is, to be ticked; ``did`` says what was just done with how many, ``at`` when they were deleted."""
        source = Source(q.strip()[:LONGEST_SEARCH], folder, archived)
        return await _several(request, home, user, source, did=did, count=count, at=at)

    @post(opt=reads("do", optional=(*CHOICE, "to"), does=Action))
    async def act_on_several(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Do it with all of them, or with none."""
        source = await _source(request)
        try:
            (wanted,) = await fields(request)
            if wanted not in set(Action):
                raise incomplete()
            chosen = await _chosen(request, home, user, source)
            to = (await request.form()).get("to", "")
            folder = to.strip() or None if isinstance(to, str) else None
            at = await off_loop(request, act, home, user, chosen, Action(wanted), folder)
        except FamilychatError as error:
            return await _several(request, home, user, source, problem=problem_of(error))
        return see_other(source.url(did=wanted, count=str(len(chosen)), at=at or ""))

    @post("/export", media_type="application/zip", opt=reads("format", optional=CHOICE))
    async def export(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Stream:
        """They, in a zip file."""
        (format_name,) = await fields(request)
        chosen = await _chosen(request, home, user, await _source(request))
        return await download(request, home, user, chosen, format_name)

    @post("/restore", opt=reads("at"))
    async def restore(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Bring back all that was deleted at one moment."""
        (at,) = await fields(request)
        with home.database.transaction():
            deleted = [one for one in home.conversations.trash(user) if one.deleted_at == at]
            for one in deleted:
                home.conversations.restore(user, one)
        return see_other(Source().url(did="restore", count=str(len(deleted))))


async def _source(request: WebRequest) -> Source:
    form = await request.form()
    q, folder, archived = (str(form.get(name, "")) for name in ("q", "folder", "archived"))
    return Source(q.strip()[:LONGEST_SEARCH], folder, bool(archived))


async def _chosen(request: WebRequest, home: Household, user: User, source: Source) -> list[Conversation]:
    """What is ticked, or all; raises :class:`InvalidInputError` if that is nothing."""
    form = await request.form()
    if form.get("all"):
        chosen = await off_loop(request, _all_of, home, user, source)
    else:
        chosen = [home.conversations.get(user, one) for one in form.getall("one", []) if isinstance(one, str)]
    if not chosen:
        raise InvalidInputError("Nothing is ticked. Nothing was changed.", "Tick the conversations that you mean.")
    return chosen


def _all_of(home: Household, user: User, source: Source) -> list[Conversation]:
    """All of them, in the order of the list, or of the search."""
    if not source.q:
        return home.conversations.newest(user, MOST, chosen=View(source.folder, source.archived).chosen)
    found: dict[str, Conversation] = {}
    after, more = None, True
    while more and len(found) < MOST:
        hits = home.search.find(user, source.q, limit=HITS_AT_ONCE, after=after)
        found |= {hit.conversation.id: hit.conversation for hit in hits.hits}
        after, more = hits.after, hits.after is not None
    return list(found.values())


async def _several(
    request: WebRequest,
    home: Household,
    user: User,
    source: Source,
    *,
    problem: Problem | None = None,
    did: str = "",
    count: int = 0,
    at: str = "",
) -> Response[str]:
    try:
        found = await off_loop(request, _all_of, home, user, source)
    except InvalidInputError as error:  # the search says nothing
        found, problem = [], problem or problem_of(error)
    return page(
        request,
        "several.html",
        status=problem.status if problem else 200,
        headers=problem.headers if problem else None,
        source=source,
        conversations=found[:SHOWN],
        total=len(found),
        folders=list(home.conversations.folders(user)),
        formats=offered(),
        problem=problem,
        did=did,
        count=count,
        at=at,
        **conversations_pane(home, user),
    )
