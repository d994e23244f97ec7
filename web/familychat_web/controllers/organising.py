"""What a person does with one conversation in the list: rename, pin, archive, move, delete, and bring back.

Forms lead back to the page that they came from. Scripts, which ask for JSON, get an empty answer.
"""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from familychat.bulk import Action, act
from familychat.errors import ConflictError
from familychat.household import Household
from familychat.models import Conversation, User
from familychat_web.controllers.shell import conversations_pane
from familychat_web.errors import wants_json
from familychat_web.forms import fields, local_path, reads, see_other
from familychat_web.shown import address_of
from familychat_web.site import WebRequest
from familychat_web.templating import page

EMPTY = {204: ResponseSpec(None, description="For scripts: it is done.")}


class OrganisingController(Controller):
    path = "/c/{conversation_id:str}"
    opt = reads(optional=("next",))

    @get("/organise", sync_to_thread=False)
    def choices(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        whole: FromQuery[bool] = True,
    ) -> Response[str]:
        """All that can be done with it; without ``whole`` as a menu."""
        values: dict[str, Any] = {
            "conversation": conversation,
            "folders": list(home.conversations.folders(user)),
            "next": "",
        }
        if whole:
            return page(request, "organise.html", **values, **conversations_pane(home, user))
        return page(request, "partials/organise.html", **values)

    @post("/rename", opt=reads("title", optional=("next",)), responses=EMPTY)
    async def rename(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        (title,) = await fields(request)
        home.conversations.rename(user, conversation, title)
        return await done(request, f"/c/{conversation.id}")

    @post(["/pin", "/unpin", "/archive", "/unarchive"], responses=EMPTY)
    async def mark(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        """What the end of the path says."""
        action = Action(request.scope["path"].rpartition("/")[2])
        act(home, user, [conversation], action)
        return await done(request, f"/c/{conversation.id}")

    @post("/move", opt=reads("folder", optional=("next",)), responses=EMPTY)
    async def move(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        """Into the folder that is named; into none if it is empty."""
        (folder,) = await fields(request)
        home.conversations.move(user, conversation, folder.strip() or None)
        return await done(request, f"/c/{conversation.id}")

    @post("/delete", responses=EMPTY)
    async def delete(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        """To the trash; the start page then offers to bring it back."""
        home.conversations.delete(user, conversation)
        return await done(request, f"/?undo={conversation.id}")

    @post("/restore", responses=EMPTY)
    async def restore(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        home.conversations.restore(user, conversation)
        return await done(request, f"/c/{conversation.id}")

    @post("/reveal/{message_id:str}", sync_to_thread=False)
    def reveal(
        self,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        message_id: FromPath[str],
    ) -> Response[Any]:
        """Go to a message, and put the version that it is in on the shown path."""
        try:
            home.conversations.reveal(user, conversation, message_id)
        except ConflictError:  # an answer is being written: the conversation is shown as it is
            return see_other(f"/c/{conversation.id}")
        return see_other(address_of(home, user, conversation, message_id))


async def done(request: WebRequest, otherwise: str) -> Response[Any]:
    """After a change: nothing more for a script; a form goes to its field ``next``, or else to ``otherwise``."""
    if wants_json(request):
        return Response(b"", status_code=204)
    way = (await request.form()).get("next", "")
    return see_other(local_path(way) if isinstance(way, str) and way else otherwise)
