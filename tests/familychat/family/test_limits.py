"""Quotas and quiet hours in the life of a household."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from familychat.chat import NewConversation
from familychat.errors import NotAllowedError, QuietHoursError, QuotaReachedError
from familychat.events import Completed, Delta, Failed, Notice
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Effect, LimitKind, Role, Status, User
from familychat.settings import Settings
from familychat.testing import FakeOpenAI, ManualClock, Script

pytestmark = pytest.mark.anyio

# 20:30 in Berlin, on a Wednesday.
NOW = datetime(2026, 3, 4, 19, 30, tzinfo=UTC)
WEEK = range(7)
Home = Callable[..., AbstractAsyncContextManager[tuple[Household, User, User, ManualClock]]]


@pytest.fixture
def at_home(data_dir: Path) -> Home:
    """An open household in Berlin, its admin, a child, and its clock."""

    @asynccontextmanager
    async def opened(script: Script | None = None) -> AsyncIterator[tuple[Household, User, User, ManualClock]]:
        clock = ManualClock(NOW)
        settings = Settings(
            data_dir=data_dir, server_kind="openai", server_url="http://fake", time_zone="Europe/Berlin", titles="words"
        )
        home = Household(
            settings, servers=ServerChoice(settings, FakeOpenAI(script or Script()).transport()), clock=clock
        )
        people = home.accounts.people
        child = people.by_username("mia") or people.add("mia", "Mia", Role.MEMBER, "2026-01-01T00:00:00.000Z")
        try:
            yield home, people.all()[0], child, clock
        finally:
            await home.aclose()

    return opened


async def ask(home: Household, user: User) -> list[object]:
    return [event async for event in home.chat.send(user, NewConversation(), "Hello")]


async def test_a_days_questions(at_home: Home) -> None:
    async with at_home() as (home, owner, child, clock):
        home.rules.set_quota(owner, "mia", LimitKind.MESSAGES, 2)
        first = await ask(home, child)
        assert first[0] == Notice("1 question left for today.")
        assert (await ask(home, child))[0] == Notice("That was your last question for today.")
        with pytest.raises(QuotaReachedError, match=r"used your 2 questions for today\. There will be more tomorrow"):
            await ask(home, child)
        assert len(home.conversations.newest(child)) == 2, "what was refused left nothing"
        home.conversations.delete(child, home.conversations.newest(child)[0])
        home.conversations.empty_trash(child)
        with pytest.raises(QuotaReachedError):  # deleting gives nothing back
            await ask(home, child)
        await ask(home, owner)  # others have their own
        clock.now = datetime(2026, 3, 4, 23, 1, tzinfo=UTC)  # past midnight in Berlin
        assert isinstance((await ask(home, child))[-1], Completed)


async def test_every_way_of_asking_counts(at_home: Home) -> None:
    async with at_home() as (home, owner, child, _):
        home.rules.set_quota(owner, "everyone", LimitKind.MESSAGES, 3)
        await ask(home, child)
        chat = home.conversations.newest(child)[0]
        await home.chat.retry(child, chat).wait()
        question = home.conversations.messages(child, chat)[0]
        await home.chat.edit(child, chat, question.id, "Good day").wait()
        attempts: list[Callable[[], object]] = [
            lambda: home.chat.retry(child, chat),
            lambda: home.chat.edit(child, chat, question.id, "Good night"),
            lambda: home.chat.resume(child, chat),
            lambda: home.chat.start(child, chat, "And now?"),
        ]
        for attempt in attempts:
            with pytest.raises(QuotaReachedError):
                attempt()


async def test_a_days_tokens(at_home: Home) -> None:
    async with at_home(Script()) as (home, owner, child, _):
        home.rules.set_quota(owner, "mia", LimitKind.TOKENS, 20)
        await ask(home, child)
        await ask(home, child)
        with pytest.raises(QuotaReachedError, match="20 tokens"):
            await ask(home, child)
        assert home.rules.extend(owner, "mia", LimitKind.TOKENS, 15) == 15
        await ask(home, child)
        (left,) = home.limits.standing(child).quotas
        assert (left.amount, left.used, left.left) == (35, 30, 5)


async def test_a_question_that_fails_at_once_is_given_back(at_home: Home) -> None:
    async with at_home(Script(status=500, error="broken")) as (home, owner, child, _):
        home.rules.set_quota(owner, "mia", LimitKind.MESSAGES, 1)
        for _attempt in range(3):
            end = (await ask(home, child))[-1]
            assert isinstance(end, Failed)
        (left,) = home.limits.standing(child).quotas
        assert left.used == 0


async def test_a_clock_set_back_gives_nothing_twice(at_home: Home) -> None:
    async with at_home() as (home, owner, child, clock):
        home.rules.set_quota(owner, "mia", LimitKind.MESSAGES, 1)
        await ask(home, child)
        for back in (timedelta(hours=2), timedelta(days=1), timedelta(days=400)):
            clock.now = NOW - back
            with pytest.raises(QuotaReachedError):
                await ask(home, child)
        clock.now = NOW + timedelta(days=1)
        await ask(home, child)


async def test_two_processes_share_a_quota(at_home: Home) -> None:
    async with at_home(Script(first_delay=0.3)) as (home, owner, child, _), at_home() as (other, _, same, _):
        home.rules.set_quota(owner, "mia", LimitKind.MESSAGES, 1)
        running = home.chat.start(child, NewConversation(), "Hello")
        with pytest.raises(QuotaReachedError):  # counted when it is asked, not when it is answered
            other.chat.start(same, NewConversation(), "Hello")
        assert isinstance(await running.wait(), Completed)


async def test_bedtime(at_home: Home) -> None:
    async with at_home(Script(pieces=["word "] * 20, delay=0.02)) as (home, owner, child, clock):
        home.rules.add_hours(owner, "group:adults", WEEK, "21:00", "07:00")
        clock.now = NOW + timedelta(minutes=21)
        running = home.chat.start(child, NewConversation(), "Tell me a story")
        events = []
        async for event in running.follow():
            events.append(event)
            if isinstance(event, Delta):
                clock.now = NOW + timedelta(minutes=31)  # bedtime comes in mid-answer
        assert events[0] == Notice("Quiet time begins at 21:00, in 9 minutes.")
        assert isinstance(events[-1], Completed), "an answer under way is finished"
        with pytest.raises(QuietHoursError, match=r"It is quiet time now\. familychat opens again at 07:00") as caught:
            await ask(home, child)
        assert caught.value.until == datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
        assert home.conversations.messages(child, running.conversation)[1].content.startswith("word"), "still readable"
        assert home.rules.open_for(owner, "mia", timedelta(minutes=30)) == clock.now + timedelta(minutes=30)
        assert isinstance((await ask(home, child))[-1], Completed)
        clock.now += timedelta(minutes=30)
        with pytest.raises(QuietHoursError):
            await ask(home, child)


async def test_more_time_before_bedtime_begins_with_it(at_home: Home) -> None:
    async with at_home() as (home, owner, child, clock):
        home.rules.add_hours(owner, "mia", WEEK, "21:00", "07:00")
        assert home.rules.open_for(owner, "mia", timedelta(minutes=30)) == NOW + timedelta(minutes=60)
        clock.now = NOW + timedelta(minutes=59)
        assert isinstance((await ask(home, child))[-1], Completed)


async def test_what_is_taken_away_ends_an_answer_under_way(at_home: Home) -> None:
    async with at_home(Script(pieces=["word "] * 2000, delay=0.01)) as (home, owner, child, _):
        running = home.chat.start(child, NewConversation(), "Tell me a story")
        async for event in running.follow():
            if isinstance(event, Delta):
                break
        home.rules.grant(owner, "mia", "task:general", Effect.DENY)
        end = await asyncio.wait_for(running.wait(), 20)
        assert isinstance(end, Failed)
        assert isinstance(end.error, NotAllowedError)
        assert end.message is not None
        assert end.message.status is Status.PARTIAL
        chat = home.conversations.newest(child)[0]
        assert home.conversations.messages(child, chat)[1].content.startswith("word"), "it can still be read"
        with pytest.raises(NotAllowedError, match="may not use the task general"):
            home.chat.start(child, chat, "Go on")


async def test_a_grant_that_ends_closes_what_was_begun_with_it(at_home: Home) -> None:
    async with at_home() as (home, owner, child, clock):
        home.rules.grant(owner, "mia", "task:general", Effect.ALLOW, until=NOW + timedelta(hours=1))
        home.rules.revoke(owner, "everyone", "task:general")
        await ask(home, child)
        clock.move(hours=1)
        with pytest.raises(NotAllowedError, match="may not use the task general"):
            await ask(home, child)


async def test_what_is_used_is_counted_by_task_and_model(at_home: Home) -> None:
    async with at_home(Script()) as (home, _, child, _):
        await ask(home, child)
        rows = home.database.rows("SELECT * FROM usage WHERE turns > 0")
        assert [dict(row) for row in rows] == [
            {
                "user_id": child.id,
                "day": "2026-03-04",
                "task": "general",
                "model": "tiny",
                "turns": 1,
                "prompt_tokens": 7,
                "completion_tokens": 3,
            }
        ]
