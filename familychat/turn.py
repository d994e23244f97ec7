"""What a task works with: one question of one person, and the model to put it to."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from familychat.consulting import ModelAccess, RequireModel
from familychat.context import ASSUMED_CONTEXT_LENGTH, Fitted, estimate_tokens, fit, turns_of
from familychat.errors import ContextTooLongError, QuestionTooLongError
from familychat.events import Delta, Event, Notice, Reasoning, Started
from familychat.family.safety.prompts import with_band_prompt
from familychat.llm.base import ChatRequest, Finish, ModelInfo, ModelServer
from familychat.llm.discovery import ServerChoice
from familychat.models import LENGTH, Conversation, Message, Usage, User
from familychat.store.database import Database
from familychat.wording import Counted, Text

SHRINKS = 2
"""How often a prompt is shortened anew when the server finds it too long after all."""


class Turn:
    """One turn, as a task sees it.

    ``history`` is the shown path before the question, oldest first. A task yields events and asks the model by
    :meth:`complete`, or small things by ``access``; storing, stopping and the end of the turn are not its concern.
    What it puts into ``details`` (as JSON has it) is kept with the answer. ``begun`` is what there is of the answer
    already, when the model is to go on with it.
    """

    def __init__(
        self,
        *,
        user: User,
        conversation: Conversation,
        question: Message,
        history: Sequence[Message],
        servers: ServerChoice,
        database: Database,
        require_model: RequireModel,
        default_model: str | None = None,
        begun: str = "",
    ) -> None:
        self.user = user
        self.conversation = conversation
        self.question = question
        self.history = history
        self.begun = begun
        self.model: str | None = None
        self.database = database
        self.details: dict[str, Any] = {}
        self.access = ModelAccess(servers, require_model, wanted=conversation.model, default=default_model)
        self._servers = servers
        self._finish: Finish | None = None
        self._pieces = 0
        self._prompt_estimate = 0
        self._asked_at = 0.0
        self._first_at: float | None = None
        self._last_at = 0.0

    async def complete(self, system: str) -> AsyncGenerator[Event, None]:
        """Put the question to the model, with ``system`` and as much of the history as fits, and stream the answer.

        What the person's age band adds stands below ``system``, whoever wrote that.
        """
        system = with_band_prompt(system, self.database, self.user.band)
        model = await self.access.model()
        self.model = model.name
        async with contextlib.aclosing(self.access.prepare()) as steps:
            async for step in steps:
                yield step
        model, server = await self.access.model(), await self._servers.get()
        context_length = model.context_length or ASSUMED_CONTEXT_LENGTH
        for shrink in range(SHRINKS + 1):
            fitted = self._fit(system, context_length, model.name, shrink)
            if fitted.left_out:
                yield Notice(
                    Counted(
                        fitted.left_out,
                        "The oldest turn no longer fits into what %(model)s can read, so it isn't sent.",
                        "The oldest %(count)s turns no longer fit into what %(model)s can read, so they aren't sent.",
                        model=model.name,
                    )
                )
            try:
                async with contextlib.aclosing(self._ask(server, model, fitted)) as events:
                    async for event in events:
                        yield event
            except ContextTooLongError:
                if self._pieces or shrink == SHRINKS or len(fitted.messages) <= 1 + bool(system) + bool(self.begun):
                    raise
            else:
                return

    def _fit(self, system: str, context_length: int, model: str, shrink: int) -> Fitted:
        """What fits; half as much for each time that the server found it too long, at last the question alone."""
        max_tokens = self.conversation.parameters.max_tokens

        def fitted(history: Sequence[Message], length: int) -> Fitted:
            return fit(
                system,
                history,
                self.question.content,
                begun=self.begun,
                context_length=length,
                max_tokens=max_tokens,
                model=model,
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
        if self._finish and self._finish.reason == LENGTH:
            self.details["finish_reason"] = LENGTH
            yield Notice(Text("The answer reached its length limit. Ask it to go on, or raise max tokens."))

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
