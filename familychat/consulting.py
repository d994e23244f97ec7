"""A model that is asked small things on the way to an answer, with the grants that hold for every turn."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from familychat.errors import ModelNotFoundError, ModelServerError, ServerUnreachableError
from familychat.events import Delta, Loading
from familychat.llm.base import ChatMessage, ChatRequest, ModelInfo, find_model, known_model
from familychat.llm.discovery import ServerChoice
from familychat.models import Parameters
from familychat.wording import Text

RequireModel = Callable[[str], None]
"""Raises unless the person may use the model of this name."""


class ModelAccess:
    """The household's model server as one person may use it.

    ``wanted`` is the model they chose, ``default`` the household's; without either it is the one that is loaded, else
    the first there is.
    """

    def __init__(
        self, servers: ServerChoice, require_model: RequireModel, *, wanted: str | None, default: str | None
    ) -> None:
        self._servers = servers
        self._require_model = require_model
        self._wanted = wanted or default
        self._model: ModelInfo | None = None

    async def model(self) -> ModelInfo:
        """The model to ask. Raises :class:`ModelServerError` if there is none, and what ``require_model`` raises."""
        if self._model is None:
            server = await self._servers.get()
            try:
                models = await server.list_models()
            except ServerUnreachableError:
                await self._servers.forget()  # the next turn may find another
                raise
            self._model = self._choose(models, server.title)
            self._require_model(self._model.name)
        return self._model

    def _choose(self, models: Sequence[ModelInfo], title: str) -> ModelInfo:
        if self._wanted:
            return known_model(models, self._wanted, title)
        model = next((model for model in models if model.loaded), None) or next(iter(models), None)
        if model is None:
            raise ModelNotFoundError(
                Text("%(server)s has no model yet.", server=title),
                "familychat models pull NAME fetches one; familychat doctor helps.",
            )
        return model

    async def prepare(self) -> AsyncGenerator[Loading, None]:
        """Have the model loaded, if its server says that it isn't; the model is described anew afterwards."""
        model = await self.model()
        if model.loaded is not False:
            return
        server = await self._servers.get()
        async with contextlib.aclosing(server.prepare(model.name)) as steps:
            async for step in steps:
                yield Loading(step.text, step.fraction)
        self._model = find_model(await server.list_models(), model.name) or model

    async def ask(
        self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any] | None = None, max_tokens: int = 300
    ) -> str:
        """The whole answer to a small question, always the same for the same words where the server can.

        A server that can't hold an answer to a schema is asked again without. Raises :class:`ModelServerError`.
        """
        model = await self.model()
        parameters = Parameters(temperature=0.0, max_tokens=max_tokens)
        try:
            return await self._whole(ChatRequest(model.name, messages, parameters, schema))
        except ServerUnreachableError:
            raise
        except ModelServerError:
            if schema is None:
                raise
            return await self._whole(ChatRequest(model.name, messages, parameters))

    async def _whole(self, request: ChatRequest) -> str:
        server = await self._servers.get()
        text: list[str] = []
        async with contextlib.aclosing(server.stream_chat(request)) as parts:
            text += [part.text async for part in parts if isinstance(part, Delta)]
        return "".join(text)
