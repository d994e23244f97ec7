"""LM Studio: chat by its OpenAI-compatible part, models by its native part.

The native part is ``/api/v1`` since 0.4.0; older versions have only the listing of ``/api/v0``, and then models are
loaded by LM Studio itself on the first question.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Any

from familychat.errors import ModelServerError, UnsupportedError
from familychat.llm.base import ModelInfo, Progress, known_model, unsupported, while_waiting
from familychat.llm.http import call, events, expected_shape
from familychat.llm.openai import OpenAIServer
from familychat.wording import Text

POLL_SECONDS = 1.0
MAX_PARALLEL = 64
EMBEDDING_TYPES = {"embedding", "embeddings"}


class LMStudioServer(OpenAIServer):
    """LM Studio at an address."""

    kind = "lmstudio"
    title = "LM Studio"
    poll_seconds = POLL_SECONDS
    parallel = None

    async def list_models(self) -> list[ModelInfo]:
        """Models for talking, with their state: by ``/api/v1``, else ``/api/v0``, else ``/v1`` (state unknown)."""
        for listing in (self._list_v1, self._list_v0):
            try:
                with expected_shape(self.title):
                    return [model for model in await listing() if model.kind not in EMBEDDING_TYPES]
            except UnsupportedError:
                self.parallel = 1  # only the newest listing says more
                continue
        return await super().list_models()

    async def _rows(self, path: str, key: str) -> list[dict[str, Any]]:
        body = await call(self._client, self.title, "GET", path)
        rows = body.get(key) if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise UnsupportedError(Text("%(server)s has no %(path)s.", server=self.title, path=path))
        return rows

    async def _list_v1(self) -> list[ModelInfo]:
        models = []
        parallel = []
        for row in await self._rows("/api/v1/models", "models"):
            if not row.get("key"):
                continue
            instances = row.get("loaded_instances") or []
            first = instances[0] if instances else {}
            if row.get("type") not in EMBEDDING_TYPES:
                parallel += [(instance.get("config") or {}).get("parallel") for instance in instances]
            models.append(
                ModelInfo(
                    name=row["key"],
                    loaded=bool(instances),
                    context_length=(first.get("config") or {}).get("context_length"),
                    max_context_length=row.get("max_context_length"),
                    size_bytes=row.get("size_bytes"),
                    parameters=row.get("params_string"),
                    quantization=(row.get("quantization") or {}).get("name"),
                    instance_id=first.get("id"),
                    kind=row.get("type", "llm"),
                )
            )
        if parallel:  # with several models loaded, the smallest number is safe for all
            said = [number for number in parallel if isinstance(number, int) and 1 <= number <= MAX_PARALLEL]
            self.parallel = min(said, default=1)
        return models

    async def _list_v0(self) -> list[ModelInfo]:
        return [
            ModelInfo(
                name=row["id"],
                loaded=row.get("state") == "loaded",
                context_length=row.get("loaded_context_length"),
                max_context_length=row.get("max_context_length"),
                quantization=row.get("quantization"),
                instance_id=row["id"] if row.get("state") == "loaded" else None,
                kind=row.get("type", "llm"),
            )
            for row in await self._rows("/api/v0/models", "data")
            if row.get("id")
        ]

    def load(self, model: str) -> AsyncGenerator[Progress, None]:
        """Load a model until it is unloaded. The endpoint gives no percentage: the progress is the time passed."""
        return while_waiting(lambda: self._load(model), Text("Loading %(model)s", model=model), every=self.poll_seconds)

    async def _load(self, model: str) -> None:
        try:
            await call(self._client, self.title, "POST", "/api/v1/models/load", {"model": model})
        except UnsupportedError:
            raise unsupported(
                self.title,
                Text("%(server)s can't load models from here."),
                Text("Update it to 0.4, or just ask: it loads the model itself."),
            ) from None

    async def prepare(self, model: str) -> AsyncGenerator[Progress, None]:
        """Have LM Studio load the model just in time, by a question that is left as soon as the model is there.

        What it loads so, it also unloads by itself when another model needs the room; and once it is loaded, its
        context length is known. The native chat tells how far the loading is; versions without it load in silence.
        """
        yield Progress(Text("Loading %(model)s", model=model))
        try:
            async with aclosing(self._watch_loading(model)) as steps:
                async for step in steps:
                    yield step
        except UnsupportedError:
            body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}

            def ask() -> Awaitable[object]:
                return call(self._client, self.title, "POST", "/v1/chat/completions", body)

            async with aclosing(
                while_waiting(ask, Text("Loading %(model)s", model=model), every=self.poll_seconds)
            ) as waiting:
                async for step in waiting:
                    yield step

    async def _watch_loading(self, model: str) -> AsyncGenerator[Progress, None]:
        # ``store``: LM Studio keeps native chats unless told otherwise.
        body = {"model": model, "input": "Hi", "stream": True, "store": False}
        async with aclosing(events(self._client, self.title, "/api/v1/chat", body)) as told:
            async for event in told:
                kind = str(event.get("type", ""))
                if kind == "model_load.progress" and isinstance(event.get("progress"), (int, float)):
                    yield Progress(Text("Loading %(model)s", model=model), fraction=event["progress"])
                elif not kind.startswith(("chat.start", "model_load.start", "model_load.progress")):
                    return

    async def unload(self, model: str) -> None:
        found = known_model(await self.list_models(), model, self.title)
        if not found.loaded or not found.instance_id:
            raise ModelServerError(
                Text("%(model)s isn't loaded.", model=found.name), "familychat models ps shows what is."
            )
        await call(self._client, self.title, "POST", "/api/v1/models/unload", {"instance_id": found.instance_id})

    async def pull(self, model: str) -> AsyncGenerator[Progress, None]:
        """Have LM Studio download a model; ends when it is there, raises :class:`ModelServerError` if it fails."""
        with expected_shape(self.title):
            async for step in self._download(model):
                yield step

    async def _download(self, model: str) -> AsyncGenerator[Progress, None]:
        state = await call(self._client, self.title, "POST", "/api/v1/models/download", {"model": model})
        while state.get("status") not in {"completed", "already_downloaded"}:
            if state.get("status") == "failed" or not state.get("job_id"):
                raise ModelServerError(
                    Text("%(server)s could not download %(model)s.", server=self.title, model=model),
                    "Check the name, and LM Studio's own window.",
                )
            paused = state.get("status") == "paused"
            text = Text("Paused in LM Studio") if paused else Text("Downloading %(model)s", model=model)
            yield Progress(text, state.get("downloaded_bytes") or 0, state.get("total_size_bytes"))
            await asyncio.sleep(self.poll_seconds)
            path = f"/api/v1/models/download/status/{state['job_id']}"
            state = {**state, **await call(self._client, self.title, "GET", path)}
        total = state.get("total_size_bytes")
        yield Progress(Text("%(model)s is here", model=model), total, total)

    async def remove(self, model: str) -> None:  # noqa: ARG002
        raise unsupported(
            self.title,
            Text("%(server)s can't remove models from here."),
            Text("Remove it in LM Studio's own window, under My Models."),
        )
