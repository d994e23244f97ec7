"""LM Studio: what its users report, and what it may send instead of what is documented."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from familychat.errors import ModelNotFoundError, ModelServerError, NotAllowedError, UnsupportedError
from familychat.events import Delta
from familychat.llm.base import ChatMessage, ChatRequest, ModelInfo, Progress
from familychat.llm.lmstudio import LMStudioServer
from familychat.settings import Settings
from familychat.testing import FakeLMStudio, Script, serve

pytestmark = pytest.mark.anyio

SETTINGS = Settings(data_dir=Path("/nowhere"))
Answer = Callable[[httpx.Request], Any]


@asynccontextmanager
async def lmstudio(there: FakeLMStudio | Answer) -> AsyncIterator[LMStudioServer]:
    """The client on a fake, or on a function from a request to its JSON."""

    async def answer(request: httpx.Request) -> httpx.Response:
        assert not isinstance(there, FakeLMStudio)
        return httpx.Response(200, json=there(request))

    transport = there.transport() if isinstance(there, FakeLMStudio) else httpx.MockTransport(answer)
    server = LMStudioServer(SETTINGS, "http://fake", transport)
    server.poll_seconds = 0.02
    try:
        yield server
    finally:
        await server.aclose()


async def steps(progress: AsyncIterator[Progress]) -> list[Progress]:
    return [step async for step in progress]


async def test_asking_loads_just_in_time() -> None:
    fake = FakeLMStudio(Script(pieces=("Good ", "day")))
    async with lmstudio(fake) as server:
        assert [model.loaded for model in await server.list_models()] == [False, False]
        request = ChatRequest("maker/large", [ChatMessage("user", "Hi")])
        async with aclosing(server.stream_chat(request)) as parts:
            assert "".join([part.text async for part in parts if isinstance(part, Delta)]) == "Good day"
        _tiny, large = await server.list_models()
    assert (large.loaded, large.context_length, large.instance_id) == (True, 4096, "maker/large:1")
    assert fake.chats[0].body["model"] == "maker/large"


async def test_only_models_for_talking_are_listed() -> None:
    for version in ("0.4", "0.3"):
        async with lmstudio(FakeLMStudio(version=version)) as server:
            assert {model.name for model in await server.list_models()} == {"maker/tiny", "maker/large"}


async def test_what_the_server_leaves_out_stays_unknown() -> None:
    rows = [
        {"key": "a", "loaded_instances": None, "quantization": None, "type": "llm"},
        {"key": "b", "loaded_instances": [{"id": "b:2", "config": None}]},
        {"type": "llm", "loaded_instances": []},
    ]
    async with lmstudio(lambda _request: {"models": rows}) as server:
        assert await server.list_models() == [
            ModelInfo("a", loaded=False),
            ModelInfo("b", loaded=True, instance_id="b:2"),
        ]


@pytest.mark.parametrize(
    "body",
    [
        {"models": ["a"]},
        {"models": [None]},
        {"models": [{"key": "a", "loaded_instances": "x"}]},
        {"models": [{"key": "a", "loaded_instances": [7]}]},
        {"models": [{"key": "a", "loaded_instances": [{"config": "x"}]}]},
        {"models": [{"key": "a", "quantization": "Q4"}]},
        {"data": ["a"]},
    ],
)
async def test_odd_shapes_are_the_servers_fault_or_no_matter(body: Any) -> None:
    async with lmstudio(lambda _request: body) as server:
        with suppress(ModelServerError):
            await server.list_models()


async def test_a_locked_server_says_so() -> None:
    async def locked(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"error": {"message": "Invalid token"}})

    with serve(locked) as address:
        server = LMStudioServer(SETTINGS, address)
        with pytest.raises(NotAllowedError, match="asks for a key"):
            await server.list_models()
        await server.aclose()


@pytest.mark.parametrize("called", ["maker/large", "maker/large:1", "LARGE"])
async def test_unloading_by_name_instance_or_part(called: str) -> None:
    fake = FakeLMStudio(loaded={"maker/large": 4096, "maker/tiny": 4096})
    async with lmstudio(fake) as server:
        await server.unload(called)
    assert fake.loaded == {"maker/tiny": 4096}


async def test_leaving_while_it_loads_takes_the_request_back() -> None:
    left: list[float] = []

    class Slow(FakeLMStudio):
        async def handle(self, request: httpx.Request) -> httpx.Response:
            try:
                return await super().handle(request)
            except asyncio.CancelledError:
                left.append(time.monotonic())
                raise

    async with lmstudio(Slow(load_seconds=30)) as server:
        waiting = server.load("maker/tiny")
        async for _step in waiting:
            break
        await asyncio.sleep(0.05)
        closed = time.monotonic()
        await waiting.aclose()
        await asyncio.sleep(0.05)
        assert left.pop() - closed < 0.2


async def test_leaving_while_it_loads_just_in_time() -> None:
    fake = FakeLMStudio(load_seconds=30)
    async with lmstudio(fake) as server:
        waiting = server.prepare("maker/tiny")
        async for step in waiting:
            if step.fraction is not None:
                break
        closed = time.monotonic()
        await waiting.aclose()
    closed_at = fake.requests[-1].closed_at
    assert closed_at is not None
    assert closed_at - closed < 0.2


async def test_a_load_that_fails_tells_why() -> None:
    async with lmstudio(FakeLMStudio(Script(error="Failed to load: out of memory", status=200))) as server:
        with pytest.raises(ModelServerError, match="out of memory"):
            await steps(server.prepare("maker/tiny"))


@pytest.mark.parametrize(
    ("states", "texts"),
    [
        (["paused", "completed"], ["Downloading maker/new", "Paused in LM Studio", "maker/new is here"]),
        (["completed"], ["Downloading maker/new", "maker/new is here"]),
    ],
)
async def test_a_download_tells_each_state(states: list[str], texts: list[str]) -> None:
    def download(request: httpx.Request) -> dict[str, Any]:
        if request.method == "POST":
            return {"job_id": "j", "status": "downloading", "total_size_bytes": 10}
        assert request.url.path == "/api/v1/models/download/status/j"
        return {"job_id": "j", "status": states.pop(0), "downloaded_bytes": 5}

    async with lmstudio(download) as server:
        assert [step.text for step in await steps(server.pull("maker/new"))] == texts
    assert states == []


async def test_a_download_whose_job_is_forgotten_fails() -> None:
    def download(request: httpx.Request) -> dict[str, Any]:
        return {"job_id": "j", "status": "downloading"} if request.method == "POST" else {"error": "no such job"}

    async with lmstudio(download) as server:
        with pytest.raises(ModelServerError, match="no such job"):
            await steps(server.pull("maker/new"))


async def test_old_versions_say_what_they_cannot() -> None:
    async with lmstudio(FakeLMStudio(version="0.3")) as server:
        with pytest.raises(UnsupportedError):
            await steps(server.pull("maker/new"))
        with pytest.raises(ModelNotFoundError):
            await server.unload("no-such")
