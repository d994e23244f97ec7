"""Tasks come through entry points; a broken one is named and harms nobody else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from familychat.chat import NewConversation
from familychat.errors import FamilychatError, TaskError
from familychat.events import Completed, Delta, Event, Failed, Notice
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Effect
from familychat.settings import Settings
from familychat.tasks.registry import GROUP, TaskRegistry
from familychat.testing import FakeOpenAI
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


class Misnamed(Echo):
    name = "other"


def entry(name: str, target: str) -> EntryPoint:
    return EntryPoint(name, target, GROUP)


def registry() -> TaskRegistry:
    found = TaskRegistry(
        (entry("general", "familychat.tasks.general:GeneralTask"), entry("gone", "no_such_module:Task"))
    )
    found._loaded["echo"] = Echo()  # what importing this file under its entry point would give
    found._entries["echo"] = entry("echo", "tests:Echo")
    return found


def test_general_is_installed_through_the_same_door() -> None:
    assert "general" in TaskRegistry().names()
    assert TaskRegistry().get("general").title == "General"


def test_broken_and_missing_tasks_are_named() -> None:
    with pytest.raises(TaskError, match=r"The task gone \(from no_such_module:Task\) is broken"):
        registry().get("gone")
    with pytest.raises(TaskError, match="There is no task nope"):
        registry().get("nope")
    with pytest.raises(TaskError, match="isn't a task of that name"):
        TaskRegistry((entry("path", "pathlib:Path"),)).get("path")


async def test_a_plugin_chats_once_it_is_granted(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, server_kind="openai", server_url="http://fake")
    home = Household(settings, servers=ServerChoice(settings, FakeOpenAI().transport()), tasks=registry())
    owner = home.accounts.people.all()[0]
    with pytest.raises(FamilychatError, match="may not use the task echo"):
        home.chat.start(owner, NewConversation(task="echo"), "hello")
    home.accounts.grant(owner, "everyone", "task:echo", Effect.ALLOW)
    end = await home.chat.start(owner, NewConversation(task="echo"), "hello").wait()
    assert isinstance(end, Completed)
    assert (end.message.content, end.message.model) == ("HELLO", None)
    broken = await home.chat.start(owner, NewConversation(task="echo"), "break").wait()
    assert isinstance(broken, Failed)
    assert "The task echo broke: RuntimeError" in str(broken.error)
    assert broken.message is not None
    assert (broken.message.status, broken.message.content) == ("partial", "BREAK")
    await home.aclose()
