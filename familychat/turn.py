"""What a task works with: one question of one person, and the model to put it to."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence

from familychat.context import ASSUMED_CONTEXT_LENGTH, Fitted, estimate_tokens, fit, turns_of
from familychat.errors import ContextTooLongError, ModelNotFoundError, QuestionTooLongError, ServerUnreachableError
from familychat.events import Delta, Event, Loading, Notice, Reasoning, Started
from familychat.llm.base import ChatRequest, Finish, ModelInfo, ModelServer, find_model, known_model
from familychat.llm.discovery import ServerChoice
from familychat.models import Conversation, Message, Usage, User

SHRINKS = 2
"""How often a prompt is shortened anew when the server finds it too long after all."""

RequireModel = Callable[[str], None]
"""Raises unless the person may use the model of this name."""


class Turn:
    """One turn, as a task sees it.

    ``history`` is the shown path before the question, oldest first. A task yields events and asks the model by
    :meth:`complete`; storing, stopping and the end of the turn are not its concern.
    """

    def __init__(
        self,
        *,
        user: User,
        conversation: Conversation,
        question: Message,
        history: Sequence[Message],
        servers: ServerChoice,
        require_model: RequireModel,
        default_model: str | None = None,
    ) -> None:
        self.user = user
        self.conversation = conversation
        self.question = question
        self.history = history
        self.model: str | None = None
        self._servers = servers
        self._require_model = require_model
        self._default_model = default_model
        self._finish: Finish | None = None
        self._pieces = 0
        self._prompt_estimate = 0
        self._asked_at = 0.0
        self._first_at: float | None = None
        self._last_at = 0.0

    async def complete(self, system: str) -> AsyncGenerator[Event, None]:
        """Put the question to the model, with ``system`` and as much of the history as fits, and stream the answer."""
        server = await self._servers.get()
        try:
            model = await self._choose(server)
        except ServerUnreachableError:
            await self._servers.forget()  # the next turn may find another
            raise
        self.model = model.name
        self._require_model(model.name)
        if model.loaded is False:
            async with contextlib.aclosing(server.prepare(model.name)) as steps:
                async for step in steps:
                    yield Loading(step.text, step.fraction)
            model = find_model(await server.list_models(), model.name) or model
        context_length = model.context_length or ASSUMED_CONTEXT_LENGTH
        for shrink in range(SHRINKS + 1):
            fitted = self._fit(system, context_length, model.name, shrink)
            if fitted.left_out:
                turns = "turn no longer fits" if fitted.left_out == 1 else f"{fitted.left_out} turns no longer fit"
                yield Notice(f"The oldest {turns} into what {model.name} can read, so it doesn't see them.")
            try:
                async with contextlib.aclosing(self._ask(server, model, fitted)) as events:
                    async for event in events:
                        yield event
            except ContextTooLongError:
                if self._pieces or shrink == SHRINKS or len(fitted.messages) <= 1 + bool(system):
                    raise
            else:
                return

    async def _choose(self, server: ModelServer) -> ModelInfo:
        """The conversation's model, else the household's, else the one that is loaded, else the first there is."""
        models = await server.list_models()
        wanted = self.conversation.model or self._default_model
        if wanted:
            return known_model(models, wanted, server.title)
        model = next((model for model in models if model.loaded), None) or next(iter(models), None)
        if model is None:
            raise ModelNotFoundError(
                f"{server.title} has no model yet.", "familychat models pull NAME fetches one; familychat doctor helps."
            )
        return model

    def _fit(self, system: str, context_length: int, model: str, shrink: int) -> Fitted:
        """What fits; half as much for each time that the server found it too long, at last the question alone."""
        max_tokens = self.conversation.parameters.max_tokens

        def fitted(history: Sequence[Message], length: int) -> Fitted:
            return fit(
                system, history, self.question.content, context_length=length, max_tokens=max_tokens, model=model
            )

        if not shrink:
            return fitted(self.history, context_length)
        try:
            return fitted(self.history, context_length >> shrink)
        except QuestionTooLongError:
            return Fitted(fitted((), context_length).messages, len(turns_of(self.history)))

    async def _ask(self, server: ModelServer, model: ModelInfo, fitted: Fitted) -> AsyncGenerator[Event, None]:
        self._prompt_estimate = sum(estimate_tokens(message.content) for message in fitted.messages)
        yield Started(model.name)
        request = ChatRequest(model.name, fitted.messages, self.conversation.parameters)
        self._asked_at = time.monotonic()
        async with contextlib.aclosing(server.stream_chat(request)) as parts:
            async for part in parts:
                if isinstance(part, Finish):
                    self._finish = part
                    continue
                if isinstance(part, (Delta, Reasoning)):
                    self._pieces += 1
                    self._last_at = time.monotonic()
                    if self._first_at is None:
                        self._first_at = self._last_at
                yield part
        if self._finish and self._finish.reason == "length":
            yield Notice("The answer reached its length limit. Ask it to go on, or raise max tokens.")

    def usage(self) -> Usage:
        """What the answer took so far; counted here where the server doesn't say."""
        finish = self._finish or Finish(None)
        completion = finish.completion_tokens
        prompt = finish.prompt_tokens
        first_ms = None if self._first_at is None else (self._first_at - self._asked_at) * 1000
        tokens = completion if completion is not None else self._pieces
        seconds = self._last_at - (self._first_at or 0.0)
        speed = (tokens - 1) / seconds if self._first_at is not None and tokens > 1 and seconds > 0 else None
        return Usage(
            prompt_tokens=prompt if prompt is not None else self._prompt_estimate or None,
            completion_tokens=tokens if self._asked_at else None,
            time_to_first_token_ms=None if first_ms is None else round(first_ms, 1),
            tokens_per_second=None if speed is None else round(speed, 1),
            estimated=bool(self._asked_at) and (completion is None or prompt is None),
        )
