"""The real llama.cpp engine, in this process and over its loopback OpenAI-compatible port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from familychat.chat import NewConversation
from familychat.errors import ModelNotFoundError, ModelServerError, UnsupportedError
from familychat.events import Completed, Delta, End, Event, Failed, Loading, Stopped
from familychat.household import Household
from familychat.llm import practice_model
from familychat.llm.base import Progress
from familychat.llm.embedded import DEFAULTS, EmbeddedServer, start_engine
from familychat.models import Parameters
from familychat.settings import Settings
from familychat_cli.testing import TALKATIVE

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

STORY = "Tell me a very long story."


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TALKATIVE.items():
        monkeypatch.setitem(DEFAULTS, name, value)


async def collect(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


async def steps(progress: AsyncIterator[Progress]) -> list[Progress]:
    return [step async for step in progress]


async def until(home: Household, kind: type[Event], count: int, text: str) -> tuple[End, float]:
    """Start a turn, stop it after so many events of a kind; the turn's end, and the seconds Stop took."""
    sober = NewConversation(parameters=Parameters(temperature=0))  # the engine behind a port is not talkative
    running = home.chat.start(home.accounts.people.all()[0], sober, text)
    async for event in running.follow():
        if isinstance(event, kind) and (kind is not Loading or event.fraction is not None):  # type: ignore[union-attr]
            count -= 1
            if count == 0:
                break
    began = time.monotonic()
    end = await running.stop()
    return end, time.monotonic() - began


async def test_in_process(with_model: Path) -> None:
    home = Household(Settings(data_dir=with_model, server_kind="embedded"))
    owner = home.accounts.people.all()[0]
    parameters = Parameters(temperature=0, max_tokens=12)
    events = await collect(home.chat.send(owner, NewConversation(parameters=parameters), "Say hello."))
    end = events[-1]
    assert isinstance(end, Completed)
    assert isinstance(events[0], Loading)
    assert end.message.content == "".join(event.text for event in events if isinstance(event, Delta))
    assert end.message.usage.completion_tokens is not None
    assert 0 < end.message.usage.completion_tokens <= 12
    assert not end.message.usage.estimated
    conversation = home.conversations.newest(owner)[0]
    again = await home.chat.start(owner, conversation, "And now?").wait()
    assert isinstance(again, Completed)
    assert again.message.usage.prompt_tokens > end.message.usage.prompt_tokens  # type: ignore[operator]
    await home.aclose()


@pytest.mark.usefixtures("talkative")
async def test_stop_while_it_reads_and_while_it_writes(with_model: Path) -> None:
    home = Household(Settings(data_dir=with_model, server_kind="embedded"))
    end, seconds = await until(home, Delta, 3, STORY)
    assert isinstance(end, Stopped)
    assert end.message.content
    assert seconds < 0.2
    end, seconds = await until(home, Loading, 2, "Some words of a long story. " * 250)
    assert isinstance(end, Stopped)
    assert end.message.content == ""
    assert seconds < 0.2
    # The engine is free again soon: reading the whole question would have taken it several seconds.
    began = time.monotonic()
    owner = home.accounts.people.all()[0]
    short = NewConversation(parameters=Parameters(max_tokens=2))
    assert isinstance(await home.chat.start(owner, short, "Hi").wait(), Completed)
    assert time.monotonic() - began < 3
    await home.aclose()


async def test_over_its_loopback_port(practice_model_file: Path, data_dir: Path) -> None:
    engine = await asyncio.to_thread(
        start_engine, practice_model_file, "tiny", context_length=2048, threads=None, api_key="the key"
    )
    settings = Settings(
        data_dir=data_dir, server_kind="openai", server_url=engine.listening_address, server_api_key="the key"
    )
    home = Household(settings)
    owner = home.accounts.people.all()[0]
    end = await home.chat.start(owner, NewConversation(parameters=Parameters(max_tokens=8)), "Say hello.").wait()
    assert isinstance(end, Completed)
    assert end.message.model == "tiny"
    assert end.message.usage.prompt_tokens
    end, seconds = await until(home, Delta, 5, STORY)
    assert isinstance(end, Stopped)
    assert seconds < 0.2
    async with httpx.AsyncClient(
        base_url=engine.listening_address, headers={"Authorization": "Bearer the key"}
    ) as client:
        deadline = time.monotonic() + 2
        while (await client.get("/slots")).json()[0]["is_processing"]:
            assert time.monotonic() < deadline, "the model went on after Stop"
            await asyncio.sleep(0.02)
    await home.aclose()
    locked = Household(Settings(data_dir=data_dir, server_kind="openai", server_url=engine.listening_address))
    end = await locked.chat.start(owner, NewConversation(), "Say hello.").wait()
    assert isinstance(end, Failed)
    assert "asks for a key" in str(end.error)
    await locked.aclose()


@pytest.mark.usefixtures("talkative")
async def test_leaving_in_mid_answer_ends_cleanly(with_model: Path) -> None:
    home = Household(Settings(data_dir=with_model, server_kind="embedded"))
    running = home.chat.start(home.accounts.people.all()[0], NewConversation(), STORY)
    async for event in running.follow():
        if isinstance(event, Delta):
            break
    await home.aclose()
    assert isinstance(await running.wait(), Stopped)


async def test_what_it_can_and_cannot(with_model: Path, tmp_path: Path) -> None:
    server = EmbeddedServer(Settings(data_dir=with_model))
    (model,) = await server.list_models()
    assert (model.name, model.loaded, model.context_length) == (practice_model.NAME, False, 4096)
    assert await steps(server.load(model.name))
    assert (await server.list_models())[0].loaded
    for other in (server.load("other"), server.pull("other")):
        with pytest.raises(ModelServerError):
            await steps(other)
    with pytest.raises(UnsupportedError):
        await server.unload(model.name)
    with pytest.raises(ModelNotFoundError):
        await server.remove("other")
    await server.aclose()
    own = EmbeddedServer(Settings(data_dir=with_model, embedded_model=tmp_path / "mine.gguf"))
    assert await own.list_models() == []
    with pytest.raises(ModelNotFoundError, match="no model file"):
        await steps(own.load("mine"))
