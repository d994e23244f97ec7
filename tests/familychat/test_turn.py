"""What a turn asks of a server, over real ports where the line itself matters."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from familychat.chat import NewConversation
from familychat.errors import (
    ConflictError,
    ModelServerError,
    NotAllowedError,
    QuestionTooLongError,
    ServerUnreachableError,
)
from familychat.events import Completed, Delta, End, Event, Failed, Loading, Notice, Started, Stopped
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Effect, User
from familychat.running import RunningTurn
from familychat.settings import Settings
from familychat.testing import FakeLMStudio, FakeOllama, FakeOpenAI, Script, serve

pytestmark = pytest.mark.anyio

OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]
SLOW = Script(pieces=["word "] * 500, delay=0.01)


@asynccontextmanager
async def home_at(data_dir: Path, **values: Any) -> AsyncIterator[tuple[Household, User]]:
    """A household that reaches its server over the network."""
    settings = Settings(data_dir=data_dir, **values)
    home = Household(settings, servers=ServerChoice(settings))
    try:
        yield home, home.accounts.people.all()[0]
    finally:
        await home.aclose()


async def until(running: RunningTurn, kind: type[Event], count: int = 1) -> None:
    """Wait until so many events of a kind have come."""
    async for event in running.follow():
        count -= isinstance(event, kind)
        if count == 0:
            return


async def end_of(running: RunningTurn) -> End:
    """The turn's end; it must come soon."""
    async with asyncio.timeout(5):
        return await running.wait()


@pytest.mark.parametrize(("script", "kind", "count"), [(SLOW, Delta, 3), (Script(first_delay=30), Started, 1)])
async def test_stop_closes_the_line_over_a_real_port(
    data_dir: Path, script: Script, kind: type[Event], count: int
) -> None:
    fake = FakeOpenAI(script)
    with serve(fake.handle) as address:
        async with home_at(data_dir, server_kind="openai", server_url=address) as (home, owner):
            running = home.chat.start(owner, NewConversation(), "Go on for long")
            await until(running, kind, count)
            while not fake.chats:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)  # the answer's head is on its way
            asked = time.monotonic()
            assert isinstance(await running.stop(), Stopped)
            assert time.monotonic() - asked < 0.2
            while fake.chats[0].closed_at is None and time.monotonic() < asked + 2:
                await asyncio.sleep(0.005)
    closed_at = fake.chats[0].closed_at
    assert closed_at is not None
    assert closed_at - asked < 0.2
    assert not fake.chats[0].finished


async def test_stop_while_the_model_loads_takes_the_request_back(open_home: OpenHome) -> None:
    fake = FakeLMStudio(load_seconds=30)
    async with open_home(fake, kind="lmstudio") as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        await until(running, Loading)
        await asyncio.sleep(0.05)
        asked = time.monotonic()
        end = await running.stop()
        assert isinstance(end, Stopped)
        assert (end.message.content, end.message.status) == ("", "stopped")
        await asyncio.sleep(0.05)
    closed_at = fake.requests[-1].closed_at
    assert closed_at is not None
    assert closed_at - asked < 0.2
    assert fake.loaded == {}


async def test_a_denied_model_is_not_even_loaded(open_home: OpenHome) -> None:
    fake = FakeLMStudio()
    async with open_home(fake, kind="lmstudio") as (home, owner):
        home.rules.grant(owner, "everyone", "model:maker/large", Effect.DENY)
        end = await end_of(home.chat.start(owner, NewConversation(model="LARGE"), "Hello"))
    assert isinstance(end, Failed)
    assert isinstance(end.error, NotAllowedError)
    assert {request.method for request in fake.requests} == {"GET"}
    assert fake.loaded == {}


@pytest.mark.parametrize(("kind", "body"), [("lmstudio", FakeLMStudio), ("ollama", FakeOllama), ("openai", FakeOpenAI)])
async def test_a_question_too_long_posts_nothing(open_home: OpenHome, kind: str, body: type[FakeOpenAI]) -> None:
    model = "maker/tiny:latest"
    fake = body(models=(model,)) if body is FakeOpenAI else body(models=(model,), loaded={model: 512})  # type: ignore[call-arg]
    fake.context_length = 512
    async with open_home(fake, kind=kind) as (home, owner):
        end = await end_of(home.chat.start(owner, NewConversation(), "word " * 5000))
    assert isinstance(end, Failed)
    assert isinstance(end.error, QuestionTooLongError)
    assert f"{model} can read 384 at once. Nothing was sent." in end.error.message
    assert {request.method for request in fake.requests} == {"GET"}


async def test_the_servers_own_word_on_its_context_length_counts(open_home: OpenHome) -> None:
    fake = FakeOpenAI(context_length=512)
    async with open_home(fake, server_context_length=100_000) as (home, owner):
        end = await end_of(home.chat.start(owner, NewConversation(), "word " * 1000))
    assert isinstance(end, Failed), "the setting is for servers that don't say"
    assert isinstance(end.error, QuestionTooLongError)
    assert fake.chats == []


async def test_a_question_above_half_of_what_fits_is_tried_alone(open_home: OpenHome) -> None:
    answer = Script(pieces=("word " * 300,))
    fake = FakeOpenAI(answer, Script(error="exceeds the context size", status=400), Script(), context_length=2048)
    async with open_home(fake) as (home, owner):
        first = home.chat.start(owner, NewConversation(system_prompt=""), "Tell me much")
        await end_of(first)
        end = await end_of(home.chat.start(owner, first.conversation, "word " * 600))
    assert isinstance(end, Completed), end
    assert [len(request.body["messages"]) for request in fake.chats] == [1, 3, 1]


async def test_models_of_conversation_household_and_server(open_home: OpenHome) -> None:
    fake = FakeLMStudio(models=("maker/a", "maker/b", "maker/c"), loaded={"maker/c": 4096})
    async with open_home(fake, kind="lmstudio") as (home, owner):
        await end_of(home.chat.start(owner, NewConversation(), "1"))
    async with open_home(fake, kind="lmstudio", model="maker/b") as (home, owner):
        await end_of(home.chat.start(owner, NewConversation(), "2"))
        await end_of(home.chat.start(owner, NewConversation(model="maker/a"), "3"))
    assert [request.body["model"] for request in fake.chats] == ["maker/c", "maker/b", "maker/a"]


async def test_reaching_the_length_limit_is_said_and_kept(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(finish_reason="length"), Script(pieces=(" Bye.",)))) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        assert isinstance(await end_of(running), Completed)
        notices = [event.text async for event in running.follow() if isinstance(event, Notice)]
        assert len(notices) == 1
        assert "length limit" in notices[0]
        answer = home.conversations.messages(owner, running.conversation)[-1]
        assert (answer.reached_length_limit, answer.can_go_on) == (True, True)
        await end_of(home.chat.resume(owner, running.conversation))
        whole = home.conversations.messages(owner, running.conversation)[-1]
    assert whole.content == answer.content + " Bye."
    assert (whole.reached_length_limit, whole.can_go_on) == (False, False)


async def test_thoughts_without_an_answer_are_kept_with_a_failure(open_home: OpenHome) -> None:
    script = Script(pieces=(), reasoning=("Let me ", "see"), finish_reason="length")
    async with open_home(FakeOpenAI(script)) as (home, owner):
        end = await end_of(home.chat.start(owner, NewConversation(), "Hello"))
    assert isinstance(end, Failed)
    assert end.message is not None
    assert (end.message.status, end.message.content, end.message.reasoning) == ("failed", "", "Let me see")


async def test_what_a_broken_off_answer_took_is_estimated(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(break_after=2))) as (home, owner):
        end = await end_of(home.chat.start(owner, NewConversation(), "Hello"))
    assert isinstance(end, Failed)
    assert end.message is not None
    usage = end.message.usage
    assert (usage.completion_tokens, usage.estimated) == (2, True)
    assert usage.prompt_tokens


async def test_a_server_that_went_is_replaced_by_another(data_dir: Path) -> None:
    gone = contextlib.ExitStack()
    with serve(FakeOllama(Script(pieces=("From Ollama",))).handle) as two, gone:
        one = gone.enter_context(serve(FakeLMStudio(Script(pieces=("From LM Studio",))).handle))
        async with home_at(data_dir, lmstudio_url=one, ollama_url=two) as (home, owner):
            ends = [await end_of(home.chat.start(owner, NewConversation(), "Hello"))]
            gone.close()
            ends += [await end_of(home.chat.start(owner, NewConversation(), "Hello")) for _ in range(2)]
    assert isinstance(ends[1], Failed), "this one finds out"
    assert isinstance(ends[1].error, ServerUnreachableError)
    told = [end.message.content for end in (ends[0], ends[2]) if isinstance(end, Completed)]
    assert told == ["From LM Studio", "From Ollama"]


async def test_retry_waits_and_forgets_the_answer_beside_it(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=("One",), delay=0.05), Script(pieces=("Two",)))
    async with open_home(fake) as (home, owner):
        first = home.chat.start(owner, NewConversation(system_prompt=""), "Hello")
        with pytest.raises(ConflictError):
            home.chat.retry(owner, first.conversation)
        await end_of(first)
        second = home.chat.retry(owner, first.conversation)
        assert isinstance(await end_of(second), Completed)
        assert second.answer.parent_id == first.answer.parent_id
    assert fake.chats[0].body["messages"] == fake.chats[1].body["messages"] == [{"role": "user", "content": "Hello"}]


def chunk(**values: Any) -> bytes:
    return b"data: " + json.dumps(values).encode() + b"\n\n"


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": [1]},
        {"choices": {"a": 1}},
        {"choices": [{"delta": "x"}]},
        {"choices": [{"delta": {"content": ["a"]}}]},
        {"choices": [{"delta": {"content": 5}}]},
        {"choices": [{"delta": {"reasoning": {"a": 1}}}]},
        {"choices": [], "usage": "x"},
        {"choices": [], "usage": {"prompt_tokens": "7", "completion_tokens": "3"}},
        {"choices": [], "usage": {"prompt_tokens": 2**70, "completion_tokens": 3}},
        {"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": None}},
    ],
    ids=str,
)
async def test_whatever_a_server_sends_a_turn_ends_and_frees_its_conversation(
    open_home: OpenHome, odd: dict[str, Any]
) -> None:
    good = chunk(choices=[{"delta": {"content": "Good day"}}])
    finish = chunk(choices=[{"delta": {}, "finish_reason": "stop"}])
    async with open_home(FakeOpenAI(Script(raw=[good, chunk(**odd), finish]), Script())) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        async with asyncio.timeout(2):
            events = [event async for event in running.follow()]
        end = events[-1]
        assert isinstance(end, Completed | Failed)
        if isinstance(end, Failed):
            assert isinstance(end.error, ModelServerError), f"not the server's fault: {end.error}"
        assert end.message is not None
        assert end.message.content.startswith("Good day")
        assert isinstance(await end_of(home.chat.start(owner, running.conversation, "And now?")), Completed)
