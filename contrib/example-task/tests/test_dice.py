"""Chance draws, the model tells, and what can't be drawn from is said so."""

from __future__ import annotations

import asyncio
import random
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from familychat.chat import NewConversation
from familychat.errors import InvalidInputError
from familychat.events import Completed, End, Failed
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Effect
from familychat.settings import Settings
from familychat.tasks.registry import GROUP, TaskRegistry
from familychat.testing import FakeOpenAI, Script
from familychat_dice import DiceTask, choices_in

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def entry_point() -> EntryPoint:
    """As the project declares it, so that the tests need no installation."""
    declared = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["entry-points"][GROUP]
    return EntryPoint("dice", declared["dice"], GROUP)


def ask(data_dir: Path, fake: FakeOpenAI, question: str) -> End:
    """One question to the task in a household of its own."""

    async def asked() -> End:
        settings = Settings(data_dir=data_dir, server_kind="openai", server_url="http://fake")
        servers = ServerChoice(settings, fake.transport())
        home = Household(settings, servers=servers, tasks=TaskRegistry((entry_point(),)))
        try:
            owner = home.accounts.people.all()[0]
            home.rules.grant(owner, "everyone", "task:dice", Effect.ALLOW)
            return await home.chat.start(owner, NewConversation(task="dice"), question).wait()
        finally:
            await home.aclose()

    return asyncio.run(asked())


def test_the_result_stands_first_and_the_model_is_told_it(tmp_path: Path) -> None:
    fake = FakeOpenAI(Script(pieces=("Hooray, ", "it is settled!")))
    end = ask(tmp_path / "data", fake, "Who washes up: cat, cat or cat?")
    assert isinstance(end, Completed)
    assert end.message.content == "**cat**\n\nHooray, it is settled!"
    assert end.message.details["dice"] == {"result": "cat", "wanted": "cat, cat, cat"}
    body = fake.chats[0].body
    assert "The result is: cat." in body["messages"][0]["content"]
    assert (body["temperature"], body["max_tokens"]) == (0.8, 200)


def test_a_question_without_choices_reaches_no_model(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    end = ask(tmp_path / "data", fake, "Hello")
    assert isinstance(end, Failed)
    assert "nothing to draw from" in str(end.error)
    assert not fake.chats


@pytest.mark.parametrize("text", ["2d6", "Roll 2D6 please", "damage: 2d6"])
def test_dice_are_rolled_within_their_sides(text: str) -> None:
    task = DiceTask(random.Random(1))
    for _ in range(50):
        drawn = task.draw(text)
        sums, total = drawn.result.split(" = ")
        rolled = [int(one) for one in sums.split(" + ")]
        assert len(rolled) == 2
        assert all(1 <= one <= 6 for one in rolled)
        assert sum(rolled) == int(total)


@pytest.mark.parametrize("text", ["0d6", "21d6", "1d1", "1d1001", "9999d99999"])
def test_dice_that_nobody_has(text: str) -> None:
    with pytest.raises(InvalidInputError, match="Nobody has such dice"):
        DiceTask().draw(text)


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("Pizza, soup or pancakes?", ["Pizza", "soup", "pancakes"]),
        ("Who goes first: Mum or Dad?", ["Mum", "Dad"]),
        ("tea; cocoa", ["tea", "cocoa"]),
        ("the orange or the oregano", ["the orange", "the oregano"]),
        ("Hello", ["Hello"]),
        (", or ,", []),
    ],
)
def test_choices(text: str, choices: list[str]) -> None:
    assert choices_in(text) == choices


def test_every_choice_comes_up() -> None:
    task = DiceTask(random.Random(1))
    assert {task.draw("tea or cocoa").result for _ in range(50)} == {"tea", "cocoa"}
