"""Ollama: chat by its OpenAI-compatible part, models by its own (``/api/tags``, ``/api/ps``, ``/api/pull`` ...)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from familychat.errors import ModelServerError
from familychat.llm.base import ModelInfo, Progress, while_waiting
from familychat.llm.http import call, expected_shape, lines
from familychat.llm.openai import OpenAIServer
from familychat.wording import Text

DEFAULT_CONTEXT_LENGTH = 4096
"""What Ollama loads a model with unless told otherwise; it cuts longer prompts without a word."""


class OllamaServer(OpenAIServer):
    """Ollama at an address."""

    kind = "ollama"
    title = "Ollama"

    async def list_models(self) -> list[ModelInfo]:
        tags = await call(self._client, self.title, "GET", "/api/tags")
        running = await call(self._client, self.title, "GET", "/api/ps")
        with expected_shape(self.title):
            loaded = {row["name"]: row for row in running.get("models") or []}
            return [self._tag(row, loaded) for row in tags.get("models") or []]

    def _tag(self, row: dict[str, Any], loaded: dict[str, dict[str, Any]]) -> ModelInfo:
        name, details = row["name"], row.get("details") or {}
        context = loaded.get(name, {}).get("context_length")
        return ModelInfo(
            name=name,
            loaded=name in loaded,
            context_length=context or self._context_length or DEFAULT_CONTEXT_LENGTH,
            size_bytes=row.get("size"),
            parameters=details.get("parameter_size"),
            quantization=details.get("quantization_level"),
            instance_id=name if name in loaded else None,
        )

    def load(self, model: str) -> AsyncGenerator[Progress, None]:
        """Load a model: an empty prompt does that, and nothing else."""
        body = {"model": model, "stream": False}
        return while_waiting(
            lambda: call(self._client, self.title, "POST", "/api/generate", body),
            Text("Loading %(model)s", model=model),
        )

    def prepare(self, model: str) -> AsyncGenerator[Progress, None]:
        return self.load(model)

    async def unload(self, model: str) -> None:
        body = {"model": model, "keep_alive": 0, "stream": False}
        await call(self._client, self.title, "POST", "/api/generate", body)

    async def pull(self, model: str) -> AsyncGenerator[Progress, None]:
        with expected_shape(self.title):
            status = ""
            async for state in lines(self._client, self.title, "/api/pull", {"model": model}):
                status = str(state.get("status", ""))
                yield Progress(status, state.get("completed"), state.get("total"))
        if status != "success":
            raise ModelServerError(
                Text("%(server)s stopped before %(model)s was here.", server=self.title, model=model),
                "Try again; it goes on from there.",
            )

    async def remove(self, model: str) -> None:
        await call(self._client, self.title, "DELETE", "/api/delete", {"model": model})
