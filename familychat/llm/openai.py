"""Any server that speaks OpenAI's chat completions, streamed as server-sent events.

Protocol: ``POST /v1/chat/completions`` with ``stream``, ``GET /v1/models``.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx

from familychat.errors import AnswerCutShortError, ModelServerError
from familychat.events import Delta, Reasoning
from familychat.llm.base import ChatRequest, Finish, ModelInfo, Part, Progress, unsupported
from familychat.llm.http import (
    call,
    complaint,
    expected_shape,
    new_client,
    refuse_failure,
    server_error,
    server_errors,
    sse_bodies,
)
from familychat.llm.thinking import ThinkSplitter
from familychat.settings import Settings
from familychat.wording import Text

MAX_COUNT = 2**53
"""The largest whole number that JSON carries safely (RFC 8259, section 6)."""


def chat_body(request: ChatRequest) -> dict[str, Any]:
    """The JSON of a chat request; what isn't set is left to the server."""
    parameters = request.parameters
    optional: dict[str, Any] = {
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "max_tokens": parameters.max_tokens,
    }
    if request.schema is not None:
        shape = {"name": "answer", "strict": True, "schema": dict(request.schema)}
        optional["response_format"] = {"type": "json_schema", "json_schema": shape}
    return {
        "model": request.model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in optional.items() if value is not None},
    }


class ChunkReader:
    """Reads one answer's chunks in OpenAI's shape; knows at the end whether it was a whole one."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._splitter = ThinkSplitter()
        self._reason: str | None = None
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None
        self._done = False

    def feed(self, chunk: Any) -> Iterator[Delta | Reasoning]:
        """The pieces in one decoded chunk. Raises :class:`ModelServerError` if it holds an ``error``."""
        text = complaint(chunk)
        if text:
            raise server_error(self._title, 200, text)
        if not isinstance(chunk, dict):
            raise ModelServerError(
                Text("%(server)s sent something unexpected.", server=self._title), "Is it a model server?"
            )
        usage = chunk.get("usage")
        if usage:
            self._prompt_tokens = _count(usage.get("prompt_tokens"))
            self._completion_tokens = _count(usage.get("completion_tokens"))
        for choice in chunk.get("choices") or ():
            # A server that doesn't stream answers with one whole message.
            delta = choice.get("delta") or choice.get("message") or {}
            reasoning = delta.get("reasoning_content") or delta.get("reasoning")
            if reasoning:
                yield Reasoning(self._text(reasoning))
            content = delta.get("content")
            if content:
                yield from self._splitter.feed(self._text(content))
            self._reason = choice.get("finish_reason") or self._reason

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ModelServerError(
                Text("%(server)s sent something that isn't text.", server=self._title), "Is it a model server?"
            )
        return value

    def done(self) -> None:
        """The server said so itself."""
        self._done = True

    def finish(self) -> Iterator[Part]:
        """What was held back, then the Finish. Raises :class:`AnswerCutShortError` if the stream just ended."""
        yield from self._splitter.finish()
        if not self._done and self._reason is None:
            raise AnswerCutShortError(
                Text("%(server)s ended the answer too early. What had come was kept.", server=self._title),
                "Ask again with /retry.",
            )
        yield Finish(self._reason, self._prompt_tokens, self._completion_tokens)


def _count(value: Any) -> int | None:
    """A token count, or None for what can't be one."""
    return value if isinstance(value, int) and 0 <= value < MAX_COUNT else None


class OpenAIServer:
    """A server at an address. Models can be listed and talked to; managing them is not part of the protocol."""

    kind = "openai"
    title: str = Text("The model server")
    parallel: int | None = 1

    def __init__(self, settings: Settings, address: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.address = address
        self._context_length = settings.server_context_length
        self._client = new_client(settings, address, transport)

    async def list_models(self) -> list[ModelInfo]:
        body = await call(self._client, self.title, "GET", "/v1/models")
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise ModelServerError(
                Text("%(server)s at %(address)s doesn't list its models.", server=self.title, address=self.address),
                "Is it really a model server?",
            )
        return [self._model(row) for row in rows if isinstance(row, dict) and row.get("id")]

    def _model(self, row: dict[str, Any]) -> ModelInfo:
        meta = row.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        # vLLM says max_model_len; llama.cpp says meta.n_ctx.
        context = row.get("max_model_len") or meta.get("n_ctx") or self._context_length
        return ModelInfo(name=row["id"], context_length=context, size_bytes=meta.get("size"))

    async def stream_chat(self, request: ChatRequest) -> AsyncGenerator[Part, None]:
        reader = ChunkReader(self.title)
        with server_errors(self.title, self.address):
            async with self._client.stream("POST", "/v1/chat/completions", json=chat_body(request)) as response:
                await refuse_failure(self.title, response)
                with server_errors(self.title, self.address, began=True), expected_shape(self.title):
                    async with contextlib.aclosing(sse_bodies(self.title, response)) as chunks:
                        async for chunk in chunks:
                            if chunk is None:
                                reader.done()
                                break
                            for part in reader.feed(chunk):
                                yield part
        for last in reader.finish():
            yield last

    async def prepare(self, model: str) -> AsyncGenerator[Progress, None]:
        """Nothing to do: the protocol knows no loading."""
        return
        yield Progress(model)  # makes this an iterator

    def load(self, model: str) -> AsyncGenerator[Progress, None]:  # noqa: ARG002
        raise unsupported(self.title, Text("%(server)s can't load models from here."))

    async def unload(self, model: str) -> None:  # noqa: ARG002
        raise unsupported(self.title, Text("%(server)s can't unload models from here."))

    def pull(self, model: str) -> AsyncGenerator[Progress, None]:  # noqa: ARG002
        raise unsupported(self.title, Text("%(server)s can't download models from here."))

    async def remove(self, model: str) -> None:  # noqa: ARG002
        raise unsupported(self.title, Text("%(server)s can't remove models from here."))

    async def aclose(self) -> None:
        await self._client.aclose()
