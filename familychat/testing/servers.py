"""Model servers that answer by script: any OpenAI-compatible one, LM Studio, and Ollama."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from familychat.testing.transport import PieceStream, StreamingTransport


@dataclass(frozen=True, slots=True)
class Script:
    """How an answer goes. ``error_after`` and the two ``..._after`` count pieces.

    ``raw`` replaces everything by exact bytes. ``usage`` None means that the server sends no counts.
    """

    pieces: Sequence[str] = ("Hello", " there", "!")
    reasoning: Sequence[str] = ()
    reasoning_field: str = "reasoning_content"
    first_delay: float = 0.0
    delay: float = 0.0
    usage: dict[str, int] | None = field(default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 3})
    finish_reason: str | None = "stop"
    done: bool = True
    error: str | None = None
    error_after: int | None = None
    end_after: int | None = None
    break_after: int | None = None
    status: int = 200
    raw: Sequence[bytes] | None = None
    whole: bool = False


@dataclass(slots=True)
class Request:
    """What a fake was asked. ``closed_at`` (monotonic seconds) is when its answer was read to the end or left."""

    method: str
    path: str
    body: Any
    headers: httpx.Headers
    sent: int = 0
    finished: bool = False
    closed_at: float | None = None


def _json(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


class FakeOpenAI:
    """Answers ``/v1/models`` and ``/v1/chat/completions``. Scripts are used in turn, the last one for ever."""

    def __init__(self, *scripts: Script, models: Sequence[str] = ("tiny",), context_length: int | None = None) -> None:
        self.scripts = list(scripts) or [Script()]
        self.models = list(models)
        self.context_length = context_length
        self.requests: list[Request] = []

    def transport(self) -> httpx.AsyncBaseTransport:
        """For the library's ``transport`` parameters."""
        return StreamingTransport(self.handle)

    @property
    def chats(self) -> list[Request]:
        """The requests for answers, without tries of one token."""
        return [r for r in self.requests if r.path == "/v1/chat/completions" and r.body.get("stream")]

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        content = await request.aread()
        body = json.loads(content) if content else None
        asked = Request(request.method, request.url.path, body, request.headers)
        self.requests.append(asked)
        return await self.route(asked)

    async def route(self, asked: Request) -> httpx.Response:
        """Find the answer; fakes of other servers add their own paths."""
        if asked.path == "/v1/models":
            rows: list[dict[str, Any]] = [{"id": name, "object": "model"} for name in self.models]
            if self.context_length:
                rows = [{**row, "max_model_len": self.context_length} for row in rows]
            return _json({"object": "list", "data": rows})
        if asked.path == "/v1/chat/completions":
            return self.chat(asked)
        return _json({"error": {"message": f"Unknown path {asked.path}"}}, 404)

    def chat(self, asked: Request) -> httpx.Response:
        """The next script's answer."""
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if script.error is not None and script.error_after is None:
            return _json({"error": {"message": script.error}}, script.status)
        if script.whole or not asked.body.get("stream"):
            message = {"role": "assistant", "content": "".join(script.pieces)}
            choice = {"index": 0, "message": message, "finish_reason": script.finish_reason}
            return _json({"choices": [choice], "usage": script.usage})

        def closed() -> None:
            asked.closed_at = time.monotonic()

        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=PieceStream(_answer(script, asked), closed))


async def _answer(script: Script, asked: Request) -> AsyncIterator[bytes]:
    await asyncio.sleep(script.first_delay)
    if script.raw is not None:
        for piece in script.raw:
            yield piece
        return
    for text in script.reasoning:
        yield _chunk({script.reasoning_field: text})
    async for piece in _pieces(script, asked):
        yield piece
    if asked.sent < len(script.pieces):
        return
    if script.finish_reason:
        yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": script.finish_reason}]})
    if script.usage is not None:
        yield _event({"choices": [], "usage": script.usage})
    if script.done:
        yield b"data: [DONE]\n\n"
    asked.finished = True


async def _pieces(script: Script, asked: Request) -> AsyncIterator[bytes]:
    for text in script.pieces:
        if asked.sent == script.error_after:
            yield _event({"error": {"message": script.error}})
            return
        if asked.sent == script.end_after:
            return
        if asked.sent == script.break_after:
            raise httpx.ReadError("the line broke")
        yield _chunk({"content": text})
        asked.sent += 1
        await asyncio.sleep(script.delay)


def _event(body: Any) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def _chunk(delta: dict[str, str]) -> bytes:
    return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


class FakeLMStudio(FakeOpenAI):
    """LM Studio with its native part; ``version`` "0.3" has only ``/api/v0``.

    Unknown paths answer 200 with an ``error``, as the real one does. ``loaded`` maps models to context lengths.
    """

    def __init__(
        self,
        *scripts: Script,
        models: Sequence[str] = ("maker/tiny", "maker/large"),
        loaded: dict[str, int] | None = None,
        version: str = "0.4",
        load_seconds: float = 0.0,
        download_fails: bool = False,
    ) -> None:
        super().__init__(*scripts, models=models)
        self.loaded = {} if loaded is None else dict(loaded)
        self.version = version
        self.load_seconds = load_seconds
        self.download_fails = download_fails
        self.default_context = 4096
        self._downloaded = 0

    async def route(self, asked: Request) -> httpx.Response:
        known: dict[str, Callable[[Request], Awaitable[httpx.Response]]] = {
            "/api/v0/models": self._models_v0,
            "/api/v1/models": self._models_v1,
            "/api/v1/models/load": self._load,
            "/api/v1/models/unload": self._unload,
            "/api/v1/chat": self._native_chat,
            "/api/v1/models/download": self._download,
            "/api/v1/models/download/status/job-1": self._status,
        }
        answer = known.get(asked.path)
        if answer is not None and (self.version != "0.3" or asked.path.startswith("/api/v0")):
            return await answer(asked)
        if asked.path == "/v1/chat/completions":
            await self._just_in_time(asked.body["model"])
        if asked.path in {"/v1/models", "/v1/chat/completions"}:
            return await super().route(asked)
        return _json({"error": f"Unexpected endpoint or method. ({asked.method} {asked.path})"})

    async def _just_in_time(self, model: str) -> None:
        if model not in self.loaded:
            await asyncio.sleep(self.load_seconds)
            self.loaded[model] = self.default_context

    async def _models_v0(self, _asked: Request) -> httpx.Response:
        rows = [
            {
                "id": name,
                "type": "llm",
                "state": "loaded" if name in self.loaded else "not-loaded",
                "max_context_length": 32768,
                **({"loaded_context_length": self.loaded[name]} if name in self.loaded else {}),
            }
            for name in self.models
        ]
        return _json({"object": "list", "data": [*rows, {"id": "embedder", "type": "embeddings"}]})

    async def _models_v1(self, _asked: Request) -> httpx.Response:
        rows = [
            {
                "type": "llm",
                "publisher": "maker",
                "key": name,
                "display_name": name,
                "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
                "size_bytes": 2_500_000_000,
                "params_string": "4B",
                "max_context_length": 32768,
                "loaded_instances": [{"id": f"{name}:1", "config": {"context_length": self.loaded[name]}}]
                if name in self.loaded
                else [],
            }
            for name in self.models
        ]
        return _json({"models": [*rows, {"type": "embedding", "key": "embedder", "loaded_instances": []}]})

    async def _load(self, asked: Request) -> httpx.Response:
        model = asked.body["model"]
        if model not in self.models:
            return _json({"error": {"message": f"Model {model} not found"}}, 404)
        await asyncio.sleep(self.load_seconds)
        self.loaded[model] = self.default_context
        return _json({"type": "llm", "instance_id": f"{model}:1", "load_time_seconds": 1.5, "status": "loaded"})

    async def _native_chat(self, asked: Request) -> httpx.Response:
        model = asked.body["model"]
        if model not in self.models:
            return _json({"error": {"message": f"Model {model} not found"}}, 404)

        async def told() -> AsyncIterator[bytes]:
            yield _event({"type": "chat.start", "model_instance_id": model})
            if model not in self.loaded and self.scripts[0].error is not None:
                yield _event({"type": "error", "error": {"message": self.scripts[0].error}})
                return
            if model not in self.loaded:
                yield _event({"type": "model_load.start"})
                for fraction in (0.0, 0.5):
                    yield _event({"type": "model_load.progress", "progress": fraction})
                    await asyncio.sleep(self.load_seconds / 2)
                self.loaded[model] = self.default_context
                yield _event({"type": "model_load.end", "load_time_seconds": self.load_seconds})
            yield _event({"type": "message.delta", "content": "Hello"})
            asked.finished = True

        def closed() -> None:
            asked.closed_at = time.monotonic()

        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=PieceStream(told(), closed))

    async def _unload(self, asked: Request) -> httpx.Response:
        instance = asked.body["instance_id"]
        self.loaded.pop(instance.removesuffix(":1"), None)
        return _json({"instance_id": instance})

    async def _download(self, asked: Request) -> httpx.Response:
        if asked.body["model"] in self.models:
            return _json({"status": "already_downloaded", "total_size_bytes": 100})
        return _json({"job_id": "job-1", "status": "downloading", "total_size_bytes": 100})

    async def _status(self, _asked: Request) -> httpx.Response:
        self._downloaded += 50
        status = "failed" if self.download_fails else "completed" if self._downloaded >= 100 else "downloading"  # noqa: PLR2004
        return _json({"status": status, "downloaded_bytes": self._downloaded, "bytes_per_second": 50})


class FakeOllama(FakeOpenAI):
    """Ollama with its own part; ``loaded`` maps models to context lengths."""

    def __init__(
        self, *scripts: Script, models: Sequence[str] = ("tiny:latest",), loaded: dict[str, int] | None = None
    ) -> None:
        super().__init__(*scripts, models=models)
        self.loaded = {} if loaded is None else dict(loaded)

    async def route(self, asked: Request) -> httpx.Response:
        known = {
            "/api/tags": self._tags,
            "/api/ps": self._running,
            "/api/generate": self._generate,
            "/api/pull": self._pull,
            "/api/delete": self._delete,
        }
        answer = known.get(asked.path)
        return answer(asked.body) if answer else await super().route(asked)

    def _tags(self, _body: Any) -> httpx.Response:
        details = {"parameter_size": "1B", "quantization_level": "Q4_0"}
        return _json({"models": [{"name": name, "size": 1_000, "details": details} for name in self.models]})

    def _running(self, _body: Any) -> httpx.Response:
        return _json({"models": [{"name": name, "context_length": n} for name, n in self.loaded.items()]})

    def _delete(self, body: Any) -> httpx.Response:
        if body["model"] not in self.models:
            return _json({"error": f"model '{body['model']}' not found"}, 404)
        self.models.remove(body["model"])
        return httpx.Response(200)

    def _generate(self, body: Any) -> httpx.Response:
        if body["model"] not in self.models:
            return _json({"error": f"model '{body['model']}' not found"}, 404)
        if body.get("keep_alive") == 0:
            self.loaded.pop(body["model"], None)
        else:
            self.loaded[body["model"]] = 4096
        return _json({"done": True})

    def _pull(self, body: Any) -> httpx.Response:
        if body["model"] == "no-such":
            steps: list[dict[str, Any]] = [{"status": "pulling manifest"}, {"error": "pull model manifest: not there"}]
        else:
            self.models.append(body["model"])
            steps = [
                {"status": "pulling manifest"},
                {"status": "pulling abc", "total": 100, "completed": 40},
                {"status": "pulling abc", "total": 100, "completed": 100},
                {"status": "success"},
            ]
        return httpx.Response(200, content=b"".join(json.dumps(step).encode() + b"\n" for step in steps))
