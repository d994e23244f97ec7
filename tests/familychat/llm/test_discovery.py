"""Finding a server among what may answer at the usual ports."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from familychat.errors import FamilychatError
from familychat.llm.discovery import ServerChoice, answers
from familychat.settings import Settings
from familychat.testing import FakeLMStudio, FakeOllama, serve

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9"


async def kind_found(choice: ServerChoice) -> str:
    try:
        return (await choice.get()).kind
    finally:
        await choice.aclose()


async def test_a_locked_server_is_there(tmp_path: Path) -> None:
    async def locked(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"error": "key, please"})

    with serve(locked) as address:
        settings = Settings(data_dir=tmp_path, lmstudio_url=address, ollama_url=NOBODY)
        assert await kind_found(ServerChoice(settings)) == "lmstudio"


async def test_it_is_looked_for_anew_after_it_was_forgotten(tmp_path: Path) -> None:
    with serve(FakeOllama().handle) as two:
        with serve(FakeLMStudio().handle) as one:
            choice = ServerChoice(Settings(data_dir=tmp_path, lmstudio_url=one, ollama_url=two))
            assert (await choice.get()).kind == "lmstudio"
        assert (await choice.get()).kind == "lmstudio", "nobody has said that it is gone"
        await choice.forget()
        assert (await choice.get()).kind == "ollama"
        await choice.aclose()


async def test_a_port_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    async def silent(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError

    with serve(silent) as one, serve(FakeOllama().handle) as two:
        settings = Settings(data_dir=tmp_path, lmstudio_url=one, ollama_url=two, server_read_timeout=0.2)
        began = time.monotonic()
        assert await kind_found(ServerChoice(settings)) == "ollama"
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("body", ["<p>Welcome</p>", "[]", "7", '{"models": ["a"]}', '{"data": ["a"]}', '{"models": 7}'])
async def test_another_program_at_the_port_breaks_nothing(body: str, tmp_path: Path) -> None:
    async def other(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=body)

    with serve(other) as one, serve(FakeOllama().handle) as two:
        settings = Settings(data_dir=tmp_path, lmstudio_url=one, ollama_url=two)
        assert await kind_found(ServerChoice(settings)) in {"ollama", "lmstudio"}


async def test_the_probe_tells_why_not(tmp_path: Path) -> None:
    async def failing(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(500, json={"error": "out of memory"})

    settings: dict[str, Any] = {"data_dir": tmp_path}
    with serve(failing) as address, serve(FakeLMStudio().handle) as fine:
        assert await answers(Settings(**settings, lmstudio_url=fine), "lmstudio") is None
        trouble = await answers(Settings(**settings, lmstudio_url=address), "lmstudio")
        nobody = await answers(Settings(**settings, lmstudio_url=NOBODY), "lmstudio")
    assert isinstance(trouble, FamilychatError)
    assert "out of memory" in trouble.message
    assert isinstance(nobody, FamilychatError)
    assert f"doesn't answer at {NOBODY}" in nobody.message
