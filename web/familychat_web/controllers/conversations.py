"""One conversation: its page, its parts, its running answer as a stream, and taking it along."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from litestar.response import Response, Stream

from familychat.errors import NotFoundError
from familychat.export.formats import format_named, offered
from familychat.export.names import safe_name
from familychat.export.view import readable
from familychat.household import Household
from familychat.models import Conversation, Message, User
from familychat.tasks.base import Task, opening_of, suggestions_for
from familychat_web.controllers.shell import conversations_pane
from familychat_web.dependencies import off_loop
from familychat_web.describing import GIVES
from familychat_web.errors import Problem
from familychat_web.offering import models_known, models_now
from familychat_web.shown import AT_ONCE, MOST_AT_ONCE, NEWEST, Place, Stretch, shown, stretch_of
from familychat_web.site import WebRequest
from familychat_web.streams import over, overheard, place_of, told
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


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """The tasks that a person may use now, and the one that is chosen; None if there is none to use."""

    tasks: list[Task]
    first: Task | None


class ConversationsController(Controller):
    @get("/new")
    async def begin(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        task: FromQuery[str] = "",
        q: FromQuery[str] = "",
    ) -> Response[str]:
        """An empty conversation, with a task and a question to begin with."""
        choice, language = tasks_for(home, user, task), language_of(request).code
        suggestions: Sequence[str] = ()
        if choice.first is not None:
            suggestions = await off_loop(request, suggestions_for, choice.first, home.database, user, language)
        return new_page(request, home, user, choice, draft=q[:LONGEST_PREFILLED], suggestions=suggestions)

    @get("/c/{conversation_id:str}", sync_to_thread=False)
    def conversation(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        *,
        before: FromQuery[str] = "",
        after: FromQuery[str] = "",
        at: FromQuery[str] = "",
    ) -> Response[str]:
        """The newest messages, or those before, after or around another."""
        return conversation_page(request, home, user, conversation, place=Place(before, after, at))

    @get("/c/{conversation_id:str}/shown", sync_to_thread=False)
    def messages(
        self,
        request: WebRequest,
        *,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        before: FromQuery[str] = "",
        after: FromQuery[str] = "",
        count: FromQuery[int] = AT_ONCE,
    ) -> Response[str]:
        """A part of the page: its messages as they are now."""
        most = max(AT_ONCE, min(count, MOST_AT_ONCE))
        stretch = stretch_of(home, user, conversation, Place(before, after), most)
        return page(request, "partials/messages.html", conversation=conversation, stretch=stretch)

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

    @get("/c/{conversation_id:str}/messages/{message_id:str}/text", media_type=MediaType.TEXT, sync_to_thread=False)
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
    ) -> Pulse:
        """How it stands: a script asks every few seconds while somebody looks at the page."""
        written = home.chat.written(user, conversation)
        return Pulse(conversation.title, conversation.head_id, written.id if written else None)

    @get("/c/{conversation_id:str}/events", media_type="text/event-stream")
    async def events(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        after: FromQuery[int] = 0,
    ) -> Stream:
        """The running answer as it comes: after the event that ``Last-Event-ID`` names, or the first ``after`` ones."""
        written = home.chat.written(user, conversation)
        left = place_of(request.headers.get("last-event-id", ""))
        if written is None or (left is not None and left.answer != written.id):
            return _stream(_only(over(left.answer if left else conversation.head_id)))
        words, running = language_of(request).gettext, home.chat.running(user, conversation)
        if running is None:
            return _stream(overheard(request, partial(_written, home, user, conversation), words))
        return _stream(told(request, running, left.number if left else after, words))

    @get("/c/{conversation_id:str}/export/{format_name:str}", opt={GIVES: tuple(_MEDIA_TYPES.values())})
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
        return page(request, "partials/models.html", models=await models_now(request, home, user))


def new_page(
    request: WebRequest,
    home: Household,
    user: User,
    choice: TaskChoice,
    *,
    draft: str = "",
    suggestions: Sequence[str] = (),
    problem: Problem | None = None,
) -> Response[str]:
    """The page of a conversation that isn't there yet; with a ``problem``, of one that couldn't be begun."""
    chosen = choice.first
    return page(
        request,
        "conversation.html",
        status=problem.status if problem else 200,
        conversation=None,
        tasks=choice.tasks,
        task=chosen,
        model=home.preferences.of(user).model,
        models=models_known(request, home, user),
        opening=opening_of(chosen) if chosen else "",
        suggestions=suggestions[:SUGGESTIONS],
        stretch=Stretch([]),
        running=None,
        draft=draft,
        problem=problem,
        formats=offered(),
        **conversations_pane(home, user),
    )


def conversation_page(
    request: WebRequest,
    home: Household,
    user: User,
    conversation: Conversation,
    *,
    place: Place = NEWEST,
    draft: str = "",
    problem: Problem | None = None,
) -> Response[str]:
    """The page of a conversation; with a ``problem``, after something in it couldn't be done."""
    written = home.chat.written(user, conversation)
    return page(
        request,
        "conversation.html",
        status=problem.status if problem else 200,
        headers=problem.headers if problem else None,
        conversation=conversation,
        model=conversation.model or "",
        models=models_known(request, home, user),
        stretch=stretch_of(home, user, conversation, place, AT_ONCE),
        running=written.id if written else None,
        draft=draft,
        problem=problem,
        formats=offered(),
        **conversations_pane(home, user),
    )


def message_part(request: WebRequest, home: Household, conversation: Conversation, message: Message) -> Response[str]:
    """One message, as the page has it."""
    return page(request, "partials/message.html", conversation=conversation, message=shown(message, home.limits.zone))


def tasks_for(home: Household, user: User, name: str) -> TaskChoice:
    """What a new conversation can begin with: first the task of that name, else the person's own choice, else any."""
    tasks = home.task_shelf.usable(user)
    names = (name, home.preferences.of(user).task, "general")
    found = (one for wanted in names for one in tasks if one.name == wanted)
    return TaskChoice(tasks, next(found, next(iter(tasks), None)))


def _written(home: Household, user: User, conversation: Conversation) -> Message | None:
    """What another process is writing, while there is anything to write in."""
    with contextlib.suppress(NotFoundError):  # deleted for good meanwhile
        return home.chat.written(user, conversation)
    return None


def attachment(name: str) -> str:
    """The ``Content-Disposition`` of a file to be kept (RFC 6266), whatever letters its name has."""
    plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _stream(events: AsyncGenerator[bytes, None]) -> Stream:
    # A proxy that collects answers first would hold the words back.
    return Stream(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _only(event: bytes) -> AsyncGenerator[bytes, None]:
    yield event
