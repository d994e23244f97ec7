"""Chatting with tasks: plugins, those without code, and what their conversations begin with."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from familychat.chat import NewConversation
from familychat.errors import FamilychatError
from familychat.events import Completed, Delta, Event, Failed, Notice
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Effect, Parameters
from familychat.settings import Settings
from familychat.tasks.base import Task, TaskDefaults
from familychat.tasks.registry import GROUP, TaskRegistry
from familychat.testing import FakeOpenAI, Script
from familychat.turn import Turn

pytestmark = pytest.mark.anyio


class Echo:
    """A task that needs no model."""

    name = "echo"
    title = "Echo"
    description = "Says it again"

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        yield Notice("Listening")
        yield Delta(turn.question.content.upper())
        if turn.question.content == "break":
            raise RuntimeError


class Cautious(Echo):
    """A task that lets the model answer, with defaults of its own."""

    name = "cautious"
    continues = True
    defaults = TaskDefaults("second", Parameters(temperature=0.25, max_tokens=50))

    def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        return turn.complete("Be careful.")


def registry(*tasks: Task) -> TaskRegistry:
    found = TaskRegistry(tuple(EntryPoint(task.name, "tests:none", GROUP) for task in tasks))
    found._loaded |= {task.name: task for task in tasks}  # what loading their entry points would give
    return found


def home_with(data_dir: Path, fake: FakeOpenAI, tasks: TaskRegistry | None = None) -> Household:
    settings = Settings(data_dir=data_dir, server_kind="openai", server_url="http://fake")
    return Household(settings, servers=ServerChoice(settings, fake.transport()), tasks=tasks)


async def test_a_plugin_chats_once_it_is_granted(data_dir: Path) -> None:
    home = home_with(data_dir, FakeOpenAI(), registry(Echo()))
    owner = home.accounts.people.all()[0]
    with pytest.raises(FamilychatError, match="may not use the task echo"):
        home.chat.start(owner, NewConversation(task="echo"), "hello")
    home.rules.grant(owner, "everyone", "task:echo", Effect.ALLOW)
    end = await home.chat.start(owner, NewConversation(task="echo"), "hello").wait()
    assert isinstance(end, Completed)
    assert (end.message.content, end.message.model) == ("HELLO", None)
    broken = await home.chat.start(owner, NewConversation(task="echo"), "break").wait()
    assert isinstance(broken, Failed)
    assert "The task echo broke: RuntimeError" in str(broken.error)
    assert broken.message is not None
    assert (broken.message.status, broken.message.content) == ("partial", "BREAK")
    await home.aclose()


async def test_a_conversation_begins_with_the_tasks_defaults_where_nothing_was_chosen(data_dir: Path) -> None:
    fake = FakeOpenAI(models=("first", "second"))
    home = home_with(data_dir, fake, registry(Cautious()))
    owner = home.accounts.people.all()[0]
    home.rules.grant(owner, "everyone", "task:cautious", Effect.ALLOW)
    await home.chat.start(owner, NewConversation(task="cautious"), "hello").wait()
    chosen = NewConversation("cautious", "first", Parameters(temperature=1.5, top_p=0.5))
    await home.chat.start(owner, chosen, "hello").wait()
    asked = [(one.body["model"], one.body["temperature"], one.body["max_tokens"]) for one in fake.chats]
    assert asked == [("second", 0.25, 50), ("first", 1.5, 50)]
    kept = home.conversations.newest(owner)[0]
    assert (kept.model, kept.parameters) == ("first", Parameters(1.5, 0.5, 50))
    await home.aclose()


async def test_a_task_from_a_file_chats_and_goes_on(data_dir: Path) -> None:
    fake = FakeOpenAI(Script(finish_reason="length"), Script(pieces=(" Bye.",)))
    home = home_with(data_dir, fake)
    owner = home.accounts.people.all()[0]
    file = data_dir / "tasks" / "cooking.toml"
    file.parent.mkdir()
    file.write_text('name = "cooking"\ntitle = "T"\ndescription = "D"\nsystem_prompt = "Cook."\ntemperature = 0.5\n')
    home.rules.grant(owner, "everyone", "task:cooking", Effect.ALLOW)
    first = home.chat.start(owner, NewConversation(task="cooking"), "hello")
    await first.wait()
    await home.chat.resume(owner, first.conversation).wait()
    assert home.conversations.messages(owner, first.conversation)[-1].content == "Hello there! Bye."
    await home.chat.start(owner, NewConversation(task="cooking", system_prompt="Sing."), "hello").wait()
    assert [one.body["messages"][0]["content"] for one in fake.chats] == ["Cook.", "Cook.", "Sing."]
    assert {one.body["temperature"] for one in fake.chats} == {0.5}
    file.unlink()
    with pytest.raises(FamilychatError, match="There is no task cooking"):
        home.chat.start(owner, first.conversation, "still there?")
    assert len(home.conversations.messages(owner, first.conversation)) == 2
    await home.aclose()


async def test_everyone_may_use_what_is_shipped(data_dir: Path) -> None:
    fake = FakeOpenAI()
    home = home_with(data_dir, fake)
    owner = home.accounts.people.all()[0]
    for task in ("homework", "story"):
        await home.chat.start(owner, NewConversation(task=task), "hello").wait()
    prompts = [one.body["messages"][0]["content"] for one in fake.chats]
    assert prompts[0].startswith("You are a patient homework helper.")
    assert prompts[1].startswith("You tell bedtime stories")
    await home.aclose()
