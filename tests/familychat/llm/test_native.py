"""LM Studio's and Ollama's own parts, and finding a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from familychat.errors import FamilychatError, ModelNotFoundError, ModelServerError, UnsupportedError
from familychat.llm.base import ModelInfo, Progress, find_model
from familychat.llm.discovery import ServerChoice, build
from familychat.llm.lmstudio import LMStudioServer
from familychat.llm.ollama import OllamaServer
from familychat.settings import Settings
from familychat.testing import FakeLMStudio, FakeOllama, FakeOpenAI, serve

pytestmark = pytest.mark.anyio

SETTINGS = Settings(data_dir=Path("/nowhere"))


@asynccontextmanager
async def lmstudio(fake: FakeLMStudio) -> AsyncIterator[LMStudioServer]:
    server = LMStudioServer(SETTINGS, "http://fake", fake.transport())
    server.poll_seconds = 0.02
    try:
        yield server
    finally:
        await server.aclose()


@asynccontextmanager
async def ollama(fake: FakeOllama) -> AsyncIterator[OllamaServer]:
    server = OllamaServer(SETTINGS, "http://fake", fake.transport())
    try:
        yield server
    finally:
        await server.aclose()


async def steps(progress: AsyncIterator[Progress]) -> list[Progress]:
    return [step async for step in progress]


async def test_lmstudio_lists_state_and_the_loaded_context_length() -> None:
    async with lmstudio(FakeLMStudio(loaded={"maker/large": 8192})) as server:
        tiny, large = await server.list_models()
    assert (tiny.loaded, tiny.context_length, tiny.max_context_length) == (False, None, 32768)
    assert (large.loaded, large.context_length, large.instance_id) == (True, 8192, "maker/large:1")
    assert (large.size_bytes, large.parameters, large.quantization) == (2_500_000_000, "4B", "Q4_K_M")


async def test_lmstudio_before_0_4() -> None:
    async with lmstudio(FakeLMStudio(loaded={"maker/tiny": 2048}, version="0.3")) as server:
        tiny, large = await server.list_models()
        assert (tiny.loaded, tiny.context_length, large.loaded) == (True, 2048, False)
        with pytest.raises(UnsupportedError, match=r"Update it to 0\.4"):
            await steps(server.load("maker/large"))


async def test_lmstudio_that_has_neither_native_part() -> None:
    fake = FakeLMStudio()
    fake.version = "0.3"

    async def old(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/api/v0"):
            return httpx.Response(200, json={"error": "Unexpected endpoint or method."})
        return await fake.handle(request)

    with serve(old) as address:
        server = LMStudioServer(SETTINGS, address)
        assert [(m.name, m.loaded) for m in await server.list_models()] == [("maker/tiny", None), ("maker/large", None)]
        await server.aclose()


async def test_lmstudio_load_tells_the_time_and_unload_frees() -> None:
    fake = FakeLMStudio(load_seconds=0.1)
    async with lmstudio(fake) as server:
        told = await steps(server.load("maker/tiny"))
        assert len(told) > 2
        assert all(step.text.startswith("Loading maker/tiny") for step in told)
        assert fake.loaded == {"maker/tiny": 4096}
        await server.unload("maker/tiny")
        assert fake.loaded == {}
        with pytest.raises(ModelServerError, match="isn't loaded"):
            await server.unload("maker/tiny")
        with pytest.raises(ModelNotFoundError):
            await server.unload("no-such")
        with pytest.raises(ModelNotFoundError):
            await steps(server.load("no-such"))
        with pytest.raises(UnsupportedError, match="own window"):
            await server.remove("maker/tiny")


async def test_lmstudio_prepares_by_loading_just_in_time() -> None:
    fake = FakeLMStudio(load_seconds=0.05)
    async with lmstudio(fake) as server:
        told = await steps(server.prepare("maker/tiny"))
        assert [step.fraction for step in told] == [None, 0.0, 0.5]
        assert fake.loaded == {"maker/tiny": 4096}
        asked = fake.requests[-1]
        assert asked.path == "/api/v1/chat"
        assert asked.body["store"] is False, "LM Studio must not keep it"
        assert not asked.finished, "it is left before the model answers"
        with pytest.raises(ModelNotFoundError):
            await steps(server.prepare("no-such"))


async def test_lmstudio_before_0_4_prepares_in_silence() -> None:
    fake = FakeLMStudio(load_seconds=0.05, version="0.3")
    async with lmstudio(fake) as server:
        assert await steps(server.prepare("maker/tiny"))
    assert fake.requests[-1].path == "/v1/chat/completions"
    assert fake.requests[-1].body["max_tokens"] == 1
    assert fake.loaded == {"maker/tiny": 4096}


async def test_lmstudio_downloads_with_progress() -> None:
    async with lmstudio(FakeLMStudio()) as server:
        told = await steps(server.pull("maker/new"))
        assert [(step.done, step.total) for step in told] == [(0, 100), (50, 100), (100, 100)]
        assert [step.text for step in await steps(server.pull("maker/tiny"))] == ["maker/tiny is here"]
    async with lmstudio(FakeLMStudio(download_fails=True)) as server:
        with pytest.raises(ModelServerError, match="could not download"):
            await steps(server.pull("maker/new"))


async def test_ollama() -> None:
    fake = FakeOllama(loaded={"tiny:latest": 2048})
    async with ollama(fake) as server:
        assert await server.list_models() == [
            ModelInfo("tiny:latest", True, 2048, None, 1_000, "1B", "Q4_0", "tiny:latest")
        ]
        told = await steps(server.pull("new:1b"))
        assert [(step.text, step.done) for step in told][1:3] == [("pulling abc", 40), ("pulling abc", 100)]
        assert "new:1b" in fake.models
        await steps(server.load("new:1b"))
        assert fake.loaded["new:1b"] == 4096
        await server.unload("new:1b")
        assert "new:1b" not in fake.loaded
        await server.remove("new:1b")
        assert "new:1b" not in fake.models
        with pytest.raises(ModelNotFoundError):
            await server.remove("new:1b")
        with pytest.raises(ModelServerError, match="not there"):
            await steps(server.pull("no-such"))


def test_finding_a_model_by_a_part_of_its_name() -> None:
    models = [ModelInfo("maker/tiny"), ModelInfo("maker/large"), ModelInfo("large", instance_id="x:1")]
    names = {wanted: found.name if (found := find_model(models, wanted)) else None for wanted in ("TINY", "large", "m")}
    assert names == {"TINY": "maker/tiny", "large": "large", "m": None}
    assert find_model(models, "x:1") == models[2]


@pytest.mark.parametrize(
    ("settings", "there", "kind"),
    [
        ({}, ("lmstudio", "ollama"), "lmstudio"),
        ({}, ("ollama",), "ollama"),
        ({}, (), "embedded"),
        ({"server_url": "CONFIGURED"}, ("lmstudio",), "openai"),
        ({"server_kind": "ollama", "server_url": "CONFIGURED"}, ("lmstudio",), "ollama"),
        ({"server_kind": "embedded"}, ("lmstudio", "ollama"), "embedded"),
    ],
)
async def test_discovery_order(settings: dict[str, str], there: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    with serve(FakeLMStudio().handle) as one, serve(FakeOllama().handle) as two, serve(FakeOpenAI().handle) as three:
        values = {name: three if value == "CONFIGURED" else value for name, value in settings.items()}
        choice = ServerChoice(
            Settings(
                data_dir=tmp_path,
                lmstudio_url=one if "lmstudio" in there else nobody,
                ollama_url=two if "ollama" in there else nobody,
                **values,  # type: ignore[arg-type]
            )
        )
        server = await choice.get()
        assert server.kind == kind
        assert await choice.get() is server
        await choice.aclose()


def test_a_kind_that_needs_an_address() -> None:
    with pytest.raises(FamilychatError, match="No address is set"):
        build(SETTINGS, "openai")
