"""Ollama's own part: what is loaded, pulls line by line, names with tags."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from familychat.errors import ModelNotFoundError, ModelServerError
from familychat.llm.base import ModelInfo, find_model
from familychat.llm.ollama import DEFAULT_CONTEXT_LENGTH, OllamaServer
from familychat.settings import Settings
from familychat.testing import FakeOllama, serve
from familychat.testing.transport import PieceStream

pytestmark = pytest.mark.anyio

SETTINGS = Settings(data_dir=Path("/nowhere"))


@asynccontextmanager
async def ollama(fake: FakeOllama | str, settings: Settings = SETTINGS) -> AsyncIterator[OllamaServer]:
    address, transport = (fake, None) if isinstance(fake, str) else ("http://fake", fake.transport())
    server = OllamaServer(settings, address, transport)
    try:
        yield server
    finally:
        await server.aclose()


async def test_the_context_length_is_that_of_the_loaded_model() -> None:
    fake = FakeOllama(models=("maker/tiny:latest", "large:8b"), loaded={"large:8b": 16384})
    async with ollama(fake) as server:
        told = {model.name: (model.loaded, model.context_length) for model in await server.list_models()}
    assert told == {"maker/tiny:latest": (False, DEFAULT_CONTEXT_LENGTH), "large:8b": (True, 16384)}


async def test_the_setting_counts_only_where_the_server_says_nothing() -> None:
    settings = Settings(data_dir=Path("/nowhere"), server_context_length=32768)
    fake = FakeOllama(models=("tiny:latest", "large:8b"), loaded={"large:8b": 2048})
    async with ollama(fake, settings) as server:
        tiny, large = await server.list_models()
    assert tiny.context_length == 32768
    assert large.context_length == 2048, "what it was loaded with is known"


class Registry:
    """Sends a pull's lines as a test lets it, and notes when its reader leaves."""

    def __init__(self, *steps: dict[str, Any], breaks: bool = False) -> None:
        self.steps = steps
        self.breaks = breaks
        self.left_at: float | None = None

    async def handle(self, _request: httpx.Request) -> httpx.Response:
        headers = {"content-type": "application/x-ndjson"}
        return httpx.Response(200, headers=headers, stream=PieceStream(self._lines(), self._left))

    def _left(self) -> None:
        self.left_at = time.monotonic()

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        for step in self.steps:
            line = json.dumps(step).encode() + b"\n"
            yield line[:7]
            yield line[7:]
        if self.breaks:
            raise httpx.ReadError("the line broke")
        await asyncio.sleep(30)


async def test_progress_comes_while_the_pull_goes_on_and_leaving_ends_it() -> None:
    registry = Registry({"status": "pulling abc", "total": 100, "completed": 40})
    with serve(registry.handle) as address:
        async with ollama(address) as server:
            async with asyncio.timeout(2), aclosing(server.pull("maker/new:1b")) as told:
                async for step in told:
                    assert (step.text, step.done, step.total) == ("pulling abc", 40, 100)
                    break
            left = time.monotonic()
            while registry.left_at is None and time.monotonic() < left + 1:
                await asyncio.sleep(0.01)
    assert registry.left_at is not None
    assert registry.left_at - left < 0.2


async def test_a_pull_whose_line_breaks_is_no_success() -> None:
    registry = Registry({"status": "pulling abc", "total": 100, "completed": 40}, breaks=True)
    with serve(registry.handle) as address:
        async with ollama(address) as server:
            told = server.pull("new:1b")
            assert (await anext(told)).done == 40
            with pytest.raises(ModelServerError, match="broke"):
                await anext(told)


async def test_every_request_names_the_model_in_its_body() -> None:
    fake = FakeOllama(models=("maker/tiny:latest",))
    with serve(fake.handle) as address:
        async with ollama(address) as server:
            async for _step in server.load("maker/tiny:latest"):
                pass
            assert fake.loaded == {"maker/tiny:latest": 4096}
            await server.unload("maker/tiny:latest")
            await server.remove("maker/tiny:latest")
    assert [(r.method, r.path, r.body) for r in fake.requests] == [
        ("POST", "/api/generate", {"model": "maker/tiny:latest", "stream": False}),
        ("POST", "/api/generate", {"model": "maker/tiny:latest", "keep_alive": 0, "stream": False}),
        ("DELETE", "/api/delete", {"model": "maker/tiny:latest"}),
    ]


async def test_a_model_that_is_not_there() -> None:
    async with ollama(FakeOllama()) as server:
        for work in (server.unload("no-such"), server.remove("no-such")):
            with pytest.raises(ModelNotFoundError):
                await work
        with pytest.raises(ModelNotFoundError):
            async for _step in server.load("no-such"):
                pass


@pytest.mark.parametrize("body", [[], "x", None, {"models": ["a"]}, {"models": [{"x": 1}]}, {"models": {"a": 1}}])
async def test_odd_shapes_are_the_servers_fault_or_no_matter(body: Any) -> None:
    async def odd(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=body)

    server = OllamaServer(SETTINGS, "http://fake", httpx.MockTransport(odd))
    try:
        await server.list_models()
    except ModelServerError:
        pass
    finally:
        await server.aclose()


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        (("llama3", "llama3-large"), "LLAMA3", "llama3"),
        (("maker/tiny:latest", "maker/tiny:8b"), "maker/tiny:8b", "maker/tiny:8b"),
        (("tiny:latest", "tiny:8b"), "tiny", "tiny:latest"),  # as everywhere in Ollama
        (("tiny:1b", "tiny:8b"), "tiny", None),
        ((), "tiny", None),
    ],
)
def test_the_whole_name_comes_before_a_part_of_another(names: tuple[str, ...], wanted: str, found: str | None) -> None:
    model = find_model([ModelInfo(name) for name in names], wanted)
    assert (model.name if model else None) == found
