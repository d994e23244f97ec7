"""One conversation: its page, its parts, its running answer as a stream, and taking it along."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Response, Stream

from familychat.errors import FamilychatError
from familychat.export.formats import FORMATS, format_named
from familychat.export.names import safe_name
from familychat.export.view import readable
from familychat.household import Household
from familychat.llm.base import ModelInfo
from familychat.models import Conversation, Message, Status, User
from familychat.tasks.base import opening_of, suggestions_of
from familychat.tasks.managing import ShelvedTask
from familychat_web.controllers.shell import conversations_pane
from familychat_web.dependencies import off_loop
from familychat_web.errors import Problem
from familychat_web.shown import AT_ONCE, MOST_AT_ONCE, Shown, shown
from familychat_web.site import WebRequest
from familychat_web.streams import over, place_of, told
from familychat_web.templating import language_of, page

SUGGESTIONS = 6
LONGEST_PREFILLED = 4000
"""Characters of a question that a link may suggest."""

_MEDIA_TYPES = {
    "md": "text/markdown",
    "txt": "text/plain",
    "html": "text/html",
    "json": "application/json",
    "csv": "text/csv",
    "pdf": "application/pdf",
}


@dataclass(frozen=True, slots=True)
class Pulse:
    """What other devices may have changed. ``answer`` is the one that can be followed now."""

    title: str
    head: str | None
    answer: str | None
    streaming: bool


class ConversationsController(Controller):
    @get("/new", sync_to_thread=False)
    def begin(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        task: FromQuery[str] = "",
        q: FromQuery[str] = "",
    ) -> Response[str]:
        """An empty conversation, with a task and a question to begin with."""
        return new_page(request, home, user, task=task, draft=q[:LONGEST_PREFILLED])

    @get("/c/{conversation_id:str}", sync_to_thread=False)
    def conversation(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        before: FromQuery[str] = "",
    ) -> Response[str]:
        """The newest messages, or those before another."""
        return conversation_page(request, home, user, conversation, before=before)

    @get("/c/{conversation_id:str}/shown", sync_to_thread=False)
    def messages(
        self,
        request: WebRequest,
        *,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        before: FromQuery[str] = "",
        count: FromQuery[int] = AT_ONCE,
    ) -> Response[str]:
        """A part of the page: its messages as they are now."""
        most = max(AT_ONCE, min(count, MOST_AT_ONCE))
        return page(request, "partials/messages.html", **_messages(home, user, conversation, before, most))

    @get("/c/{conversation_id:str}/messages/{message_id:str}", sync_to_thread=False)
    def message(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        message_id: FromPath[str],
    ) -> Response[str]:
        """A part of the page: one message."""
        return message_part(request, home, conversation, home.conversations.message(user, conversation, message_id))

    @get("/c/{conversation_id:str}/messages/{message_id:str}/text", sync_to_thread=False)
    def text(
        self,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        message_id: FromPath[str],
    ) -> Response[str]:
        """A message as the Markdown that it is, to be copied."""
        message = home.conversations.message(user, conversation, message_id)
        return Response(readable(message.content), media_type="text/plain")

    @get("/c/{conversation_id:str}/pulse", sync_to_thread=False)
    def pulse(
        self, home: NamedDependency[Household], user: NamedDependency[User], conversation: NamedDependency[Conversation]
    ) -> Response[dict[str, Any]]:
        """How it stands: a script asks every few seconds while somebody looks at the page."""
        running = home.chat.running(user, conversation)
        newest = home.conversations.messages(user, conversation, limit=1)
        streaming = bool(newest) and newest[0].status is Status.STREAMING
        answer = running.answer.id if running else None
        return Response(asdict(Pulse(conversation.title, conversation.head_id, answer, streaming)))

    @get("/c/{conversation_id:str}/events")
    async def events(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        after: FromQuery[int] = 0,
    ) -> Stream:
        """The running answer as it comes: after the event that ``Last-Event-ID`` names, or the first ``after`` ones."""
        running = home.chat.running(user, conversation)
        left = place_of(request.headers.get("last-event-id", ""))
        if running is None or (left is not None and left.answer != running.answer.id):
            return _stream(_only(over(left.answer if left else conversation.head_id)))
        words = language_of(request).gettext
        return _stream(told(request, running, left.number if left else after, words))

    @get("/c/{conversation_id:str}/export/{format_name:str}")
    async def export(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        format_name: FromPath[str],
    ) -> Stream:
        """The whole conversation as a file; raises as :func:`format_named`."""
        chosen = format_named(format_name)
        chosen.check()
        document = await off_loop(request, home.conversations.document, user, conversation)
        name = safe_name(conversation.title) + chosen.suffix
        headers = {"content-disposition": attachment(name)}
        return Stream(iter(chosen.pieces([document])), media_type=_MEDIA_TYPES[chosen.name], headers=headers)

    @get("/new/models")
    async def models(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        """A part of the page: the models that the person may choose. None while the model server can't be asked."""
        return page(request, "partials/models.html", models=await _models(home, user))


def new_page(
    request: WebRequest,
    home: Household,
    user: User,
    *,
    task: str = "",
    draft: str = "",
    problem: Problem | None = None,
) -> Response[str]:
    """The page of a conversation that isn't there yet; with a ``problem``, of one that couldn't be begun."""
    tasks = [one.known.task for one in usable_tasks(home, user)]
    preferred = home.preferences.of(user)
    chosen = next((one for name in (task, preferred.task, "general") for one in tasks if one.name == name), None)
    chosen = chosen or next(iter(tasks), None)
    return page(
        request,
        "conversation.html",
        status=problem.status if problem else 200,
        conversation=None,
        tasks=tasks,
        task=chosen,
        model=preferred.model,
        opening=opening_of(chosen) if chosen else "",
        suggestions=suggestions_of(chosen)[:SUGGESTIONS] if chosen else (),
        messages=[],
        earlier=None,
        before="",
        running=None,
        draft=draft,
        problem=problem,
        formats=FORMATS,
        **conversations_pane(home, user),
    )


def conversation_page(
    request: WebRequest,
    home: Household,
    user: User,
    conversation: Conversation,
    *,
    before: str = "",
    draft: str = "",
    problem: Problem | None = None,
) -> Response[str]:
    """The page of a conversation; with a ``problem``, after something in it couldn't be done."""
    running = home.chat.running(user, conversation)
    return page(
        request,
        "conversation.html",
        status=problem.status if problem else 200,
        headers=problem.headers if problem else None,
        before=before,
        running=running.answer.id if running else None,
        draft=draft,
        problem=problem,
        formats=FORMATS,
        **_messages(home, user, conversation, before, AT_ONCE),
        **conversations_pane(home, user),
    )


def message_part(request: WebRequest, home: Household, conversation: Conversation, message: Message) -> Response[str]:
    """One message, as the page has it."""
    return page(request, "partials/message.html", conversation=conversation, message=shown(message, home.limits.zone))


def _messages(home: Household, user: User, conversation: Conversation, before: str, count: int) -> dict[str, Any]:
    """What ``partials/messages.html`` shows; ``earlier`` is the message before which there are more."""
    path = home.conversations.messages(user, conversation, limit=count + 1, before=before or None)
    found: Sequence[Shown] = [shown(message, home.limits.zone) for message in path[-count:]]
    earlier = found[0].message.id if len(path) > count else None
    return {"conversation": conversation, "messages": found, "earlier": earlier}


def usable_tasks(home: Household, user: User) -> list[ShelvedTask]:
    """The tasks that the person may use now."""
    return [one for one in home.task_shelf.all(user) if one.on and one.allowed]


async def _models(home: Household, user: User) -> list[ModelInfo]:
    try:
        server = await home.servers.get()
        found = await server.list_models()
    except FamilychatError:
        return []
    return [one for one in found if home.permissions.may_use(user, f"model:{one.name}")]


def attachment(name: str) -> str:
    """The ``Content-Disposition`` of a file to be kept (RFC 6266), whatever letters its name has."""
    plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _stream(events: AsyncGenerator[bytes, None]) -> Stream:
    # A proxy that collects answers first would hold the words back.
    return Stream(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _only(event: bytes) -> AsyncGenerator[bytes, None]:
    yield event
