"""Stopping what another process writes, and ending it by deleting its conversation."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from familychat.errors import NotFoundError
from familychat.household import Household
from familychat.models import Conversation, Message, Status, User
from familychat.testing import FakeOpenAI, Script
from familychat_cli.testing import Writer

pytestmark = pytest.mark.anyio

OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]
PATIENCE = 20.0
SOON = 5.0
"""Seconds; it is one and what a busy computer adds."""


def grown(home: Household, user: User, conversation_id: str) -> tuple[Conversation, Message]:
    """The conversation, and the answer of the other process once there is something of it."""
    conversation = home.conversations.get(user, conversation_id)
    until = time.monotonic() + PATIENCE
    while True:
        written = home.chat.written(user, conversation)
        assert written is not None
        if "word" in written.content:
            return conversation, written
        assert time.monotonic() < until
        time.sleep(0.05)


async def test_a_stop_reaches_the_process_that_writes(open_home: OpenHome) -> None:
    async with open_home() as (home, owner):
        with Writer(home.settings.data_dir, owner.username, "Tell me a story") as writer:
            conversation, written = grown(home, owner, writer.conversation)
            assert home.chat.running(owner, conversation) is None
            begun = time.monotonic()
            await home.chat.stop(owner, conversation)
            assert writer.end() == "Stopped"
            assert time.monotonic() - begun < SOON
        (_, answer) = home.conversations.messages(owner, conversation)
        assert (answer.status, answer.id) == (Status.STOPPED, written.id)
        assert answer.content.startswith(written.content), "what came is kept"
        assert home.chat.written(owner, conversation) is None
        await home.chat.stop(owner, conversation)  # nothing is written: that is fine


@pytest.mark.parametrize("for_good", [False, True])
async def test_deleting_a_conversation_ends_its_answer(open_home: OpenHome, for_good: bool) -> None:
    async with open_home() as (home, owner):
        with Writer(home.settings.data_dir, owner.username, "Tell me a story") as writer:
            conversation, _ = grown(home, owner, writer.conversation)
            home.conversations.delete(owner, conversation)
            if for_good:
                home.conversations.empty_trash(owner)
                assert writer.end() == "Failed"
                return
            assert writer.end() == "Stopped"
        home.conversations.restore(owner, conversation)
        assert home.conversations.messages(owner, conversation)[-1].status is Status.STOPPED


async def test_an_answer_whose_process_is_gone_isnt_being_written(open_home: OpenHome) -> None:
    async with open_home() as (home, owner):
        with Writer(home.settings.data_dir, owner.username, "Tell me a story") as writer:
            conversation, _ = grown(home, owner, writer.conversation)
            writer.kill()
            assert home.chat.written(owner, conversation) is None
        assert home.conversations.messages(owner, conversation)[-1].status is Status.PARTIAL


async def test_going_on_with_what_was_stopped_isnt_stopped_again(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(pieces=["more"] * 40, delay=0.05))) as (home, owner):
        with Writer(home.settings.data_dir, owner.username, "Tell me a story") as writer:
            conversation, _ = grown(home, owner, writer.conversation)
            await home.chat.stop(owner, conversation)
            writer.end()
        await home.chat.resume(owner, conversation).wait()
        answer = home.conversations.messages(owner, conversation)[-1]
        assert (answer.status, answer.content.count("more")) == (Status.COMPLETE, 40)


async def test_nobody_stops_what_is_somebody_elses(open_home: OpenHome) -> None:
    async with open_home() as (home, owner):
        child = home.accounts.add(owner, "child", "quiet little river")
        with Writer(home.settings.data_dir, owner.username, "Tell me a story") as writer:
            conversation, _ = grown(home, owner, writer.conversation)
            with pytest.raises(NotFoundError):
                await home.chat.stop(child, conversation)
            assert home.chat.written(owner, conversation) is not None
