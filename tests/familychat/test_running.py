"""A started turn runs on its own: whoever looks, leaves or breaks, it comes to one stored end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from familychat.chat import NewConversation
from familychat.errors import TaskError
from familychat.events import Completed, Delta, Event, Failed, Queued, Reasoning, Stopped
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Effect, Message, User
from familychat.running import RunningTurn
from familychat.settings import Settings
from familychat.store.writing import WritingStore
from familychat.tasks.registry import GROUP, TaskRegistry
from familychat.testing import FakeOpenAI, Script
from familychat.turn import Turn

pytestmark = pytest.mark.anyio

OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]
ENDS = (Completed, Stopped, Failed)


class ScriptedTask:
    """Says what it is asked to say: one event for each, then breaks if told so."""

    name = "scripted"
    title = "Scripted"
    description = "For tests"
    events: tuple[Event, ...] = ()
    trouble: BaseException | None = None

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        for event in self.events:
            yield event
        if self.trouble is not None:
            raise self.trouble


@asynccontextmanager
async def home_with(task: ScriptedTask, data_dir: Path) -> AsyncIterator[tuple[Household, User]]:
    tasks = TaskRegistry((EntryPoint("scripted", "tests:none", GROUP),))
    tasks._loaded["scripted"] = task  # what loading its entry point would give
    settings = Settings(data_dir=data_dir, server_kind="openai", server_url="http://fake")
    home = Household(settings, servers=ServerChoice(settings, FakeOpenAI().transport()), tasks=tasks)
    try:
        owner = home.accounts.people.all()[0]
        home.rules.grant(owner, "everyone", "task:scripted", Effect.ALLOW)
        yield home, owner
    finally:
        await home.aclose()


def shown(home: Household, user: User) -> list[Message]:
    return home.conversations.messages(user, home.conversations.newest(user)[0])


async def all_of(running: RunningTurn) -> list[Event]:
    async with asyncio.timeout(2):
        return [event async for event in running.follow()]


@pytest.mark.parametrize(
    ("events", "trouble", "status"),
    [
        ((Delta("Good"),), None, "complete"),
        ((Delta("Good"),), RuntimeError("broken"), "partial"),
        ((), RuntimeError("broken"), "failed"),
        ((), None, "failed"),
        ((Reasoning("hm"),), None, "failed"),
    ],
)
async def test_every_turn_has_one_end_and_it_comes_last(
    data_dir: Path, events: tuple[Event, ...], trouble: BaseException | None, status: str
) -> None:
    task = ScriptedTask()
    task.events, task.trouble = events, trouble
    async with home_with(task, data_dir) as (home, owner):
        seen = await all_of(home.chat.start(owner, NewConversation(task="scripted"), "Hello"))
        assert [isinstance(event, ENDS) for event in seen] == [False] * (len(seen) - 1) + [True]
        assert shown(home, owner)[1].status == status


@pytest.mark.parametrize("event", [Delta("\ud83d"), Reasoning("\ud83d")])
async def test_text_that_cannot_be_stored_ends_the_turn_and_frees_the_conversation(
    data_dir: Path, event: Event
) -> None:
    task = ScriptedTask()
    task.events = (Delta("Good day"), event)
    async with home_with(task, data_dir) as (home, owner):
        running = home.chat.start(owner, NewConversation(task="scripted"), "Hello")
        seen = await all_of(running)
        assert isinstance(seen[-1], Completed | Failed)
        if isinstance(seen[-1], Failed):
            assert isinstance(seen[-1].error, TaskError)
        answer = shown(home, owner)[1]
        assert answer.content.startswith("Good day")
        assert answer.status in {"complete", "partial"}
        task.events = (Delta("Fine"),)
        assert isinstance((await all_of(home.chat.start(owner, running.conversation, "Again")))[-1], Completed)


async def test_a_reader_that_leaves_does_not_stop_it(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(pieces=["a", "b", "c"], delay=0.02))) as (home, owner):
        async for event in home.chat.send(owner, NewConversation(), "Hello"):
            if isinstance(event, Delta):
                break
        running = home.chat.running(owner, home.conversations.newest(owner)[0])
        assert running is not None
        assert isinstance(await running.wait(), Completed)
        assert shown(home, owner)[1].content == "abc"


async def test_a_slow_reader_holds_nothing_up_and_misses_nothing(open_home: OpenHome) -> None:
    pieces = [f"{number} " for number in range(50)]
    async with open_home(FakeOpenAI(Script(pieces=pieces))) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        seen: list[Event] = []
        async for event in running.follow():
            seen.append(event)
            if len(seen) == 2:
                assert isinstance(await running.wait(), Completed), "it ends while nobody reads"
        assert [event.text for event in seen if isinstance(event, Delta)] == pieces
        assert seen == await all_of(running)


async def test_stopping_before_its_first_step(open_home: OpenHome) -> None:
    fake = FakeOpenAI()
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        running.request_stop()
        running.request_stop()
        end = await running.wait()
        assert isinstance(end, Stopped)
        assert await all_of(running) == [end]
        question, answer = shown(home, owner)
        assert (question.content, answer.content, answer.status) == ("Hello", "", "stopped")
    assert fake.requests == []


async def test_stopping_what_has_ended_changes_nothing(open_home: OpenHome) -> None:
    async with open_home() as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        end = await running.wait()
        assert await running.stop() is end
        assert shown(home, owner)[1].status == "complete"


async def test_after_a_stop_the_conversation_goes_on(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=["word "] * 500, delay=0.01), Script(pieces=("Fine",)))
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        async for event in running.follow():
            if isinstance(event, Delta):
                break
        await running.stop()
        seen = await all_of(home.chat.start(owner, running.conversation, "Go on"))
        assert isinstance(seen[-1], Completed)
        kept = shown(home, owner)[1].content
    assert {"role": "assistant", "content": kept} in fake.chats[1].body["messages"], "what had come is part of the talk"


async def test_a_growing_answer_is_saved_within_a_second(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=("Saved ", "early"), reasoning=("hm",), delay=5))
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        async for event in running.follow():
            if isinstance(event, Delta):
                break
        came = time.monotonic()
        while not (answer := shown(home, owner)[1]).content and time.monotonic() < came + 2:
            await asyncio.sleep(0.02)
        assert time.monotonic() - came < 1
        assert (answer.content, answer.reasoning, answer.status) == ("Saved ", "hm", "streaming")
        await running.stop()


async def test_a_place_in_the_queue_is_told_only_when_it_changes(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(delay=0.02))) as (home, owner):
        turns = [home.chat.start(owner, NewConversation(), f"question {number}") for number in range(4)]
        seen = [[e.position for e in await all_of(turn) if isinstance(e, Queued)] for turn in turns]
    assert seen == [[], [1], [2, 1], [3, 2, 1]]


async def test_the_turn_of_another_open_household_is_left_alone(open_home: OpenHome, data_dir: Path) -> None:
    async with open_home(FakeOpenAI(Script(pieces=["word "] * 500, delay=0.01))) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        async for event in running.follow():
            if isinstance(event, Delta):
                break
        settings = Settings(data_dir=data_dir, server_kind="openai", server_url="http://fake")
        other = Household(settings, servers=ServerChoice(settings, FakeOpenAI().transport()))
        assert other.recovered == 0
        assert other.chat.running(owner, running.conversation) is None
        assert WritingStore(other.database).is_streaming(running.conversation)
        await other.aclose()
        assert isinstance(await running.stop(), Stopped)
