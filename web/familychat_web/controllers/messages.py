"""What a person does in a conversation: ask, stop, ask again, and choose what is shown.

Forms lead back to the conversation. Scripts, which ask for JSON, are told which answer is being written.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Response

from familychat.chat import NewConversation, check_parameters
from familychat.errors import FamilychatError, InvalidInputError
from familychat.household import Household
from familychat.models import Conversation, Parameters, User
from familychat.running import RunningTurn
from familychat.wording import Text
from familychat_web.controllers.conversations import conversation_page, message_part, new_page, tasks_for
from familychat_web.errors import problem_of, wants_json
from familychat_web.forms import fields, reads, see_other
from familychat_web.site import WebRequest

MOST_IN_A_QUESTION = 4_000_000
"""Bytes of a form with a question, in which many letters take several."""

LONGEST_NUMBER = 10
"""Digits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A turn that was begun, in which conversation, and its two messages as the page shows them."""

    conversation: str
    title: str
    question: str
    answer: str
    html: str


@dataclass(frozen=True, slots=True)
class Done:
    """Something was changed; the conversation is the one to go to."""

    conversation: str


BEGUN = {200: ResponseSpec(Asked, generate_examples=False, description="For scripts: the turn has begun.")}
DONE = {200: ResponseSpec(Done, generate_examples=False, description="For scripts: it is done.")}


class AskingController(Controller):
    request_max_body_size = MOST_IN_A_QUESTION

    @post("/c/new/ask", opt=reads("text", "task", "model"), responses=BEGUN)
    async def ask_first(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Begin a conversation with its first question."""
        text, task, model = await fields(request)
        try:
            running = home.chat.start(user, NewConversation(task, model or None), text)
        except FamilychatError as error:
            if wants_json(request):
                raise
            return new_page(request, home, user, tasks_for(home, user, task), draft=text, problem=problem_of(error))
        return _begun(request, home, running)

    @post("/c/{conversation_id:str}/ask", opt=reads("text"), responses=BEGUN)
    async def ask(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        (text,) = await fields(request)
        try:
            running = home.chat.start(user, conversation, text)
        except FamilychatError as error:
            if wants_json(request):
                raise
            return conversation_page(request, home, user, conversation, draft=text, problem=problem_of(error))
        return _begun(request, home, running)

    @post("/c/{conversation_id:str}/messages/{message_id:str}/edit", opt=reads("text"), responses=BEGUN)
    async def edit(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        message_id: FromPath[str],
    ) -> Response[Any]:
        """Ask an earlier question in other words."""
        (text,) = await fields(request)
        return _begun(request, home, home.chat.edit(user, conversation, message_id, text))


class TurnsController(Controller):
    path = "/c/{conversation_id:str}"

    @post("/stop", responses=DONE)
    async def stop(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        """Stop the answer that is being written; if none is, that is fine."""
        await home.chat.stop(user, conversation)
        return _done(request, conversation.id)

    @post("/settings", opt=reads("model", "system_prompt", "temperature", "max_tokens"), responses=DONE)
    async def change_settings(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        """How the next answers are asked for; what is left empty is the household's and the model server's choice."""
        model, instructions, temperature, most = await fields(request)
        tokens = _number(most)
        parameters = check_parameters(
            Parameters(_number(temperature), conversation.parameters.top_p, None if tokens is None else int(tokens))
        )
        chosen = {"model": model.strip() or None, "system_prompt": instructions.strip() or None}
        home.conversations.change(user, conversation, **chosen, **asdict(parameters))
        return _done(request, conversation.id)

    @post("/retry", opt=reads(optional=("message",)), responses=BEGUN)
    async def retry(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        """Another answer to the question that is named, or that has the answer that is named; else to the last one."""
        message = (await request.form()).get("message", "")
        about = message if isinstance(message, str) and message else None
        return _begun(request, home, home.chat.retry(user, conversation, about))

    @post("/continue", responses=BEGUN)
    async def go_on(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        """Let the model go on with the last answer."""
        return _begun(request, home, home.chat.resume(user, conversation))

    @post("/fork", responses=DONE, sync_to_thread=False)
    def fork_all(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
    ) -> Response[Any]:
        """A conversation of its own with what is shown."""
        return _done(request, home.conversations.fork(user, conversation).id)

    @post("/messages/{message_id:str}/fork", responses=DONE, sync_to_thread=False)
    def fork(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        message_id: FromPath[str],
    ) -> Response[Any]:
        """A conversation of its own with what is shown down to a message."""
        return _done(request, home.conversations.fork(user, conversation, message_id).id)

    @post("/messages/{message_id:str}/delete", responses=DONE, sync_to_thread=False)
    def delete(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        message_id: FromPath[str],
    ) -> Response[Any]:
        """Delete one message for good."""
        home.conversations.delete_message(user, conversation, message_id)
        return _done(request, conversation.id)

    @post("/messages/{message_id:str}/version/{version:str}", responses=DONE, sync_to_thread=False)
    def show_version(
        self,
        request: WebRequest,
        *,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        conversation: NamedDependency[Conversation],
        message_id: FromPath[str],
        version: FromPath[str],
    ) -> Response[Any]:
        """Show another version of a message, with what followed it."""
        number = int(version) if version.isascii() and version.isdecimal() and len(version) < LONGEST_NUMBER else 0
        home.conversations.show_version(user, conversation, message_id, number)
        return _done(request, conversation.id)


def _number(text: str) -> float | None:
    """Raises :class:`InvalidInputError` for what isn't a number."""
    try:
        number = float(text.replace(",", ".")) if text.strip() else None
    except ValueError:
        number = math.nan
    if number is not None and not math.isfinite(number):
        raise InvalidInputError(
            Text("%(text)s isn't a number. Nothing was changed.", text=text[:40]), "Write one such as 0.7."
        )
    return number


def _begun(request: WebRequest, home: Household, running: RunningTurn) -> Response[Any]:
    conversation, question, answer = running.conversation, running.question, running.answer
    if not wants_json(request):
        return see_other(f"/c/{conversation.id}#message-{answer.id}")
    html = "".join(message_part(request, home, conversation, one).content for one in (question, answer))
    return Response(asdict(Asked(conversation.id, conversation.title, question.id, answer.id, html)), status_code=200)


def _done(request: WebRequest, conversation_id: str) -> Response[Any]:
    if wants_json(request):
        return Response(asdict(Done(conversation_id)), status_code=200)
    return see_other(f"/c/{conversation_id}")
