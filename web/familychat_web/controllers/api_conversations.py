"""For programs: one's own conversations, searching them, and asking."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from familychat.chat import NewConversation
from familychat.errors import SignInError
from familychat.events import Failed
from familychat.household import Household
from familychat.models import Author, Conversation, Message, Status, Usage, User
from familychat.running import RunningTurn
from familychat.searching import Hit, Snippet
from familychat.store.conversations import ANY
from familychat.tasks.registry import DEFAULT_TASK
from familychat_web.controllers.messages import MOST_IN_A_QUESTION
from familychat_web.dependencies import off_loop
from familychat_web.describing import MAY_FAIL
from familychat_web.site import WebRequest, site_of
from familychat_web.visits import still_signed_in

AT_ONCE = 50
Limit = Annotated[int, QueryParameter(ge=1, le=200)]
ASKS = {MAY_FAIL: (502,)}


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation without its messages. Times are UTC."""

    id: str
    title: str
    task: str
    model: str | None
    folder: str | None
    pinned: bool
    archived: bool
    created_at: str
    last_message_at: str


@dataclass(frozen=True, slots=True)
class Threads:
    """Pinned ones first, then by last message, newest first; ``before`` asks for those that follow."""

    conversations: list[Thread]
    before: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A question or an answer: number ``version`` of ``versions`` in its place.

    ``details`` is what the task kept with it, such as the SQL and the rows of a music question.
    """

    id: str
    author: Author
    content: str
    reasoning: str
    status: Status
    model: str | None
    usage: Usage
    error: str | None
    created_at: str
    details: Mapping[str, Any]
    version: int
    versions: int


@dataclass(frozen=True, slots=True)
class Messages:
    """What is shown of a conversation, oldest first; ``before`` asks for what led to it."""

    messages: list[Said]
    before: str | None


@dataclass(frozen=True, slots=True)
class First:
    """A question that begins a conversation. Without a ``model``, the household's choice answers."""

    text: str
    task: str = DEFAULT_TASK
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """A question in a conversation."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A question and its answer, whose ``status`` says whether it came to its end."""

    conversation: Thread
    question: Said
    answer: Said


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation that a search found, by its best message (None: by its title)."""

    conversation: Thread
    message: str | None
    title: Snippet
    snippet: Snippet | None
    others: int


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found, best first; ``after`` asks for more. ``loosened``: nothing had all the words."""

    hits: list[Found]
    after: str | None
    loosened: bool


class ApiController(Controller):
    path = "/api"
    request_max_body_size = MOST_IN_A_QUESTION

    @get("/conversations", sync_to_thread=False)
    def conversations(
        self,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        *,
        limit: Limit = AT_ONCE,
        before: FromQuery[str] = "",
        folder: FromQuery[str] = "",
        archived: FromQuery[bool] = False,
    ) -> Threads:
        """The person's conversations; those in the trash aren't told."""
        last = home.conversations.get(user, before) if before else None
        chosen = replace(ANY, folder=folder or None, archived=archived)
        found = home.conversations.newest(user, limit + 1, before=last, chosen=chosen)
        told = [_thread(one) for one in found[:limit]]
        return Threads(told, told[-1].id if len(found) > limit else None)

    @get("/conversations/{conversation_id:str}", sync_to_thread=False)
    def conversation(self, conversation: NamedDependency[Conversation]) -> Thread:
        """One conversation."""
        return _thread(conversation)

    @get("/conversations/{conversation_id:str}/messages", sync_to_thread=False)
    def messages(
        self,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        limit: Limit = AT_ONCE,
        before: FromQuery[str] = "",
    ) -> Messages:
        """The newest messages of a conversation, or those before another."""
        found = home.conversations.messages(user, conversation, limit=limit + 1, before=before or None)
        told = [_said(one) for one in found[-limit:]]
        return Messages(told, told[0].id if len(found) > limit else None)

    @get("/search")
    async def search(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        *,
        q: FromQuery[str],
        limit: Limit = 20,
        after: FromQuery[str] = "",
    ) -> Hits:
        """What fits ``q``, in the person's own conversations."""
        page = await off_loop(request, home.search.find, user, q, limit=limit, after=after or None)
        return Hits([_found(hit) for hit in page.hits], page.after, page.loosened)

    @post("/conversations", opt=ASKS)
    async def ask_first(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User], data: JSONBody[First]
    ) -> Answered:
        """Begin a conversation with its first question, and wait for the answer. It goes on if nobody waits."""
        running = home.chat.start(user, NewConversation(data.task, data.model or None), data.text)
        return await _answered(request, home, user, running)

    @post("/conversations/{conversation_id:str}/messages", opt=ASKS)
    async def ask(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        data: JSONBody[Next],
    ) -> Answered:
        """Ask in a conversation, and wait for the answer. It goes on if nobody waits."""
        running = home.chat.start(user, conversation, data.text)
        return await _answered(request, home, user, running)


async def _answered(request: WebRequest, home: Household, user: User, running: RunningTurn) -> Answered:
    stopping = asyncio.create_task(site_of(request).stopping.wait())
    waiting = asyncio.create_task(running.wait())
    try:
        await asyncio.wait({stopping, waiting}, return_when=asyncio.FIRST_COMPLETED)
        end = await running.stop() if not waiting.done() else waiting.result()
    finally:
        stopping.cancel()
        waiting.cancel()
    if not still_signed_in(request):
        raise SignInError("You aren't signed in any more. The answer was kept.", "Sign in, then look at it.")
    if end.message is None and isinstance(end, Failed):
        raise end.error
    conversation = home.conversations.get(user, running.conversation.id)
    answer = home.conversations.message(user, conversation, running.answer.id)
    return Answered(_thread(conversation), _said(running.question), _said(answer))


def _thread(one: Conversation) -> Thread:
    return Thread(
        one.id,
        one.title,
        one.task,
        one.model,
        one.folder,
        one.pinned,
        one.archived_at is not None,
        one.created_at,
        one.last_message_at,
    )


def _said(one: Message) -> Said:
    return Said(
        one.id,
        one.author,
        one.content,
        one.reasoning,
        one.status,
        one.model,
        one.usage,
        one.error,
        one.created_at,
        one.details,
        one.version,
        one.versions,
    )


def _found(hit: Hit) -> Found:
    return Found(_thread(hit.conversation), hit.message_id, hit.title, hit.snippet, hit.others)
