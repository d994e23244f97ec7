"""Titles by the model: made when nobody waits, given up for whoever asks, and never over a person's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from familychat import titles
from familychat.chat import NewConversation
from familychat.events import Completed
from familychat.household import Household
from familychat.models import TitledBy, User
from familychat.testing import FakeOpenAI, Script
from familychat.titles import tidied

pytestmark = pytest.mark.anyio

OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]
ANSWER = Script(pieces=("Mix flour and eggs.",))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(titles, "PAUSE_SECONDS", 0.05)


async def test_a_title_comes_after_the_first_answer(open_home: OpenHome) -> None:
    fake = FakeOpenAI(ANSWER, Script(pieces=('**"Pancakes with eggs"**\n', "I hope this helps")))
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "How do I make pancakes?")
        assert isinstance(await running.wait(), Completed)
        await home.chat.titled()
        named = home.conversations.get(owner, running.conversation.id)
        assert (named.title, named.titled_by) == ("Pancakes with eggs", TitledBy.MODEL)
        assert named.last_message_at == running.conversation.last_message_at, "its place in the list stays"
        assert fake.chats[1].body["max_tokens"] <= 30
        await home.chat.start(owner, named, "And then?").wait()
        await home.chat.titled()
        assert len(fake.chats) == 3, "only the first exchange is asked about"


@pytest.mark.parametrize(
    "bad", [Script(pieces=("Something about weather and politics",)), Script(error="oh"), Script(pieces=())]
)
async def test_without_a_usable_title_the_first_words_stay(open_home: OpenHome, bad: Script) -> None:
    async with open_home(FakeOpenAI(ANSWER, bad)) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "How do I make pancakes?")
        await running.wait()
        await home.chat.titled()
        named = home.conversations.get(owner, running.conversation.id)
        assert (named.title, named.titled_by) == ("How do I make pancakes?", TitledBy.WORDS)


async def test_a_persons_title_stays(open_home: OpenHome) -> None:
    fake = FakeOpenAI(ANSWER, Script(pieces=("Pancakes",), first_delay=0.2))
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "How do I make pancakes?")
        await running.wait()
        await asyncio.sleep(0.15)
        home.conversations.rename(owner, running.conversation, "Sunday")
        await home.chat.titled()
        assert home.conversations.get(owner, running.conversation.id).title == "Sunday"


async def test_whoever_asks_comes_first(open_home: OpenHome) -> None:
    slow = Script(pieces=("Pancakes",), first_delay=30)
    fake = FakeOpenAI(ANSWER, slow, Script(pieces=("Yes.",)), Script(pieces=("Pancakes again",)))
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "How do I make pancakes?")
        await running.wait()
        while len(fake.chats) < 2:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        assert isinstance(await home.chat.start(owner, running.conversation, "Really?").wait(), Completed)
        assert time.monotonic() - began < 5, "the title let go of the model"
        assert fake.chats[1].closed_at is not None
        await home.chat.titled()
        assert home.conversations.get(owner, running.conversation.id).title == "Pancakes again"


async def test_no_title_where_none_is_wanted(open_home: OpenHome) -> None:
    fake = FakeOpenAI(ANSWER)
    async with open_home(fake, titles="words") as (home, owner):
        await home.chat.start(owner, NewConversation(), "How do I make pancakes?").wait()
        await asyncio.sleep(0.2)
        assert len(fake.chats) == 1


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        ("Pancakes for two", "Pancakes for two"),
        ("  \n\nTitle: “Pancakes for two”.\nbecause", "Pancakes for two"),
        ("# Pancakes", "Pancakes"),
        ("", None),
        ("\n \n", None),
        ("...", None),
        ("Something else entirely", None),
        ("pancakes " * 10, None),
        ("Pancakes" + "x" * 60, None),
        ("Pan\x1b[31mcakes pancakes", "Pan [31mcakes pancakes"),
        ("東京の天気", "東京の天気"),
    ],
)
def test_what_is_a_title(reply: str, title: str | None) -> None:
    assert tidied(reply, "How do I make pancakes? 東京は") == title
