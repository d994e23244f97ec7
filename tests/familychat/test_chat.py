"""One turn, from question to stored answer, over scripted model servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from familychat.chat import NewConversation, first_words
from familychat.errors import (
    AnswerCutShortError,
    ConflictError,
    ContextTooLongError,
    FamilychatError,
    InvalidInputError,
    ModelNotFoundError,
    ModelServerError,
    NotAllowedError,
    NotFoundError,
    QuestionTooLongError,
    ServerUnreachableError,
)
from familychat.events import Completed, Delta, Event, Failed, Loading, Notice, Queued, Reasoning, Started, Stopped
from familychat.household import Household
from familychat.models import Effect, Message, Parameters, User
from familychat.running import RunningTurn
from familychat.testing import FakeLMStudio, FakeOpenAI, Script

pytestmark = pytest.mark.anyio

OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]
SLOW = Script(pieces=["word "] * 500, delay=0.01)


async def collect(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


async def words(running: RunningTurn, count: int) -> None:
    """Wait until so many pieces of the answer have come."""
    seen = 0
    async for event in running.follow():
        seen += isinstance(event, Delta)
        if seen == count:
            return


def shown(home: Household, user: User) -> list[Message]:
    return home.conversations.messages(user, home.conversations.newest(user)[0])


async def test_a_whole_turn(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=("Good ", "day"), reasoning=("Be polite",)))
    async with open_home(fake) as (home, owner):
        events = await collect(home.chat.send(owner, NewConversation(), " Hello\n"))
        question, answer = shown(home, owner)
    assert events[:-1] == [Started("tiny"), Reasoning("Be polite"), Delta("Good "), Delta("day")]
    assert events[-1] == Completed(answer)
    assert (question.content, answer.content, answer.reasoning) == ("Hello", "Good day", "Be polite")
    assert (answer.status, answer.model) == ("complete", "tiny")
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == (7, 3, False)
    assert usage.time_to_first_token_ms is not None
    assert usage.time_to_first_token_ms >= 0


async def test_usage_is_estimated_where_the_server_sends_none(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(usage=None))) as (home, owner):
        await collect(home.chat.send(owner, NewConversation(), "Hello"))
        usage = shown(home, owner)[1].usage
    assert usage.completion_tokens == 3
    assert usage.estimated


async def test_the_question_is_stored_before_the_model_is_asked(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(first_delay=5))) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        question, answer = shown(home, owner)
        assert (question.content, question.status, answer.status) == ("Hello", "complete", "streaming")
        await running.stop()


async def test_the_history_is_sent_and_thoughts_are_not(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=("One",), reasoning=("hm",)), Script(error="oh"), Script(pieces=("Two",)))
    async with open_home(fake) as (home, owner):
        first = home.chat.start(
            owner, NewConversation(system_prompt="Be brief", parameters=Parameters(0.1, 0.2, 30)), "1?"
        )
        await first.wait()
        conversation = first.conversation
        await home.chat.start(owner, conversation, "fails?").wait()
        await home.chat.start(owner, conversation, "2?").wait()
    sent = [(message["role"], message["content"]) for message in fake.chats[-1].body["messages"]]
    assert sent == [("system", "Be brief"), ("user", "1?"), ("assistant", "One"), ("user", "2?")]
    assert {name: fake.chats[-1].body[name] for name in ("temperature", "top_p", "max_tokens")} == {
        "temperature": 0.1,
        "top_p": 0.2,
        "max_tokens": 30,
    }


async def test_stop_closes_the_line_within_200_ms_and_keeps_what_came(open_home: OpenHome) -> None:
    fake = FakeOpenAI(SLOW)
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Go on for long")
        await words(running, 5)
        asked = time.monotonic()
        end = await running.stop()
        assert isinstance(end, Stopped)
        closed_at = fake.chats[0].closed_at
        assert closed_at is not None
        assert closed_at - asked < 0.2
        answer = shown(home, owner)[1]
        assert answer.status == "stopped"
        assert answer.content.startswith("word " * 5)
        assert not fake.chats[0].finished
        assert await running.stop() == end, "stopping twice is fine"


async def test_following_twice_and_leaving_change_nothing(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(pieces=["a", "b", "c"], delay=0.02))) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        await words(running, 1)  # this follower leaves
        one, two = await asyncio.gather(collect(running.follow()), collect(running.follow()))
        assert one == two == await collect(running.follow())
        assert await collect(running.follow(after=2)) == one[2:]
        assert isinstance(one[-1], Completed)
        assert home.chat.running(owner, running.conversation) is None


@pytest.mark.parametrize(
    ("script", "error", "status", "content"),
    [
        (Script(error="out of memory"), ModelServerError, "failed", ""),
        (Script(error="out of memory", error_after=2), ModelServerError, "partial", "Hello there"),
        (Script(end_after=2), AnswerCutShortError, "partial", "Hello there"),
        (Script(break_after=1), AnswerCutShortError, "partial", "Hello"),
        (Script(break_after=0), AnswerCutShortError, "failed", ""),
        (Script(pieces=(" ", "\n")), ModelServerError, "partial", " \n"),
    ],
)
async def test_failures_keep_what_came(
    open_home: OpenHome, script: Script, error: type[FamilychatError], status: str, content: str
) -> None:
    async with open_home(FakeOpenAI(script)) as (home, owner):
        end = await home.chat.start(owner, NewConversation(), "Hello").wait()
        question, answer = shown(home, owner)
    assert isinstance(end, Failed)
    assert isinstance(end.error, error)
    assert (question.content, answer.status, answer.content) == ("Hello", status, content)
    assert answer.error == end.error.message


async def test_retry_after_a_failure_makes_a_sibling(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(Script(error="oh"), Script(pieces=("Fine",)))) as (home, owner):
        failed = home.chat.start(owner, NewConversation(), "Hello")
        await failed.wait()
        retried = home.chat.retry(owner, failed.conversation)
        assert isinstance(await retried.wait(), Completed)
        question, answer = shown(home, owner)
        assert answer.content == "Fine"
        assert answer.parent_id == question.id == failed.answer.parent_id
        assert answer.id != failed.answer.id


async def test_retry_needs_a_question(open_home: OpenHome) -> None:
    async with open_home() as (home, owner):
        conversation = home.chat.start(owner, NewConversation(), "Hello").conversation
        home.database.execute("UPDATE conversations SET head_id = NULL")
        await home.chat.aclose()
        with pytest.raises(NotFoundError):
            home.chat.retry(owner, conversation)


async def test_a_second_question_waits_for_the_first_answer(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(SLOW)) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        with pytest.raises(ConflictError, match="still being written"):
            home.chat.start(owner, running.conversation, "Me too")
        assert len(shown(home, owner)) == 2


async def test_another_process_leaves_a_living_answer_alone(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(SLOW)) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        await words(running, 2)
        async with open_home() as (other, _owner):  # a second familychat on the same folder
            assert other.recovered == 0
            assert shown(other, owner)[1].status == "streaming"
            with pytest.raises(ConflictError, match="still being written"):
                other.chat.start(owner, running.conversation, "Me too")
        assert isinstance(await running.stop(), Stopped)


async def test_an_answer_without_end_is_ended(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=["x" * 100_000] * 50))
    async with open_home(fake) as (home, owner):
        end = await home.chat.start(owner, NewConversation(), "Hello").wait()
        assert isinstance(end, Failed)
        assert "didn't come to an end" in end.error.message
        answer = shown(home, owner)[1]
        assert (answer.status, len(answer.content)) == ("partial", 4_000_000)
        assert not fake.chats[0].finished


async def test_people_take_turns_at_the_model(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(delay=0.02))
    async with open_home(fake) as (home, owner):
        child = home.accounts.add(owner, "child", "quiet little river")
        turns = [home.chat.start(owner, NewConversation(), f"owner {number}") for number in range(3)]
        turns.append(home.chat.start(child, NewConversation(), "child 0"))
        seen = [await collect(turn.follow()) for turn in turns]
    asked = [request.body["messages"][-1]["content"] for request in fake.chats]
    assert asked == ["owner 0", "owner 1", "child 0", "owner 2"]
    assert [e.position for e in seen[3] if isinstance(e, Queued)] == [2, 1]


async def test_leaving_the_queue(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(delay=0.02))
    async with open_home(fake) as (home, owner):
        first = home.chat.start(owner, NewConversation(), "first")
        second = home.chat.start(owner, NewConversation(), "second")
        third = home.chat.start(owner, NewConversation(), "third")
        await asyncio.sleep(0.01)
        assert isinstance(await second.stop(), Stopped)
        assert isinstance(await first.wait(), Completed)
        assert isinstance(await third.wait(), Completed)
    assert [request.body["messages"][-1]["content"] for request in fake.chats] == ["first", "third"]


async def test_grants_are_checked_when_a_turn_is_sent(open_home: OpenHome) -> None:
    fake = FakeOpenAI(models=("maker/tiny", "other"))
    async with open_home(fake) as (home, owner):
        home.rules.grant(owner, "everyone", "model:maker/tiny", Effect.DENY)
        end = await home.chat.start(owner, NewConversation(), "Hello").wait()
        assert isinstance(end, Failed)
        assert isinstance(end.error, NotAllowedError)
        assert fake.chats == []
        end = await home.chat.start(owner, NewConversation(model="other"), "Hello").wait()
        assert isinstance(end, Completed)
        home.rules.revoke(owner, "everyone", "task:general")
        with pytest.raises(NotAllowedError, match="may not use the task general"):
            home.chat.start(owner, NewConversation(), "Hello")
        assert len(home.conversations.newest(owner)) == 2


async def test_somebody_switched_off_asks_nothing_more(open_home: OpenHome) -> None:
    async with open_home() as (home, owner):
        child = home.accounts.add(owner, "child", "quiet little river")
        home.accounts.disable(owner, "child")
        with pytest.raises(NotAllowedError, match="switched off"):
            home.chat.start(child, NewConversation(), "Hello")
        home.accounts.remove(owner, "child")
        with pytest.raises(NotFoundError):
            home.chat.start(child, NewConversation(), "Hello")


async def test_other_peoples_conversations_look_like_none(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(SLOW)) as (home, owner):
        child = home.accounts.add(owner, "child", "quiet little river")
        theirs = home.chat.start(child, NewConversation(), "Private")
        for attempt in (home.chat.start, lambda user, it, _text: home.chat.retry(user, it)):
            with pytest.raises(NotFoundError):
                attempt(owner, theirs.conversation, "Let me see")
        assert home.chat.running(owner, theirs.conversation) is None
        assert home.chat.running(child, theirs.conversation) is theirs


async def test_old_turns_are_left_out_whole_with_a_notice(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=("answer " * 40,)), context_length=512)
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(system_prompt=""), "question 0 " * 20)
        await running.wait()
        for number in range(1, 4):
            events = await collect(home.chat.send(owner, running.conversation, f"question {number} " * 20))
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert notices == ["The oldest 2 turns no longer fit into what tiny can read, so they aren't sent."]
    sent = fake.chats[-1].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[0]["content"].startswith("question 2")


async def test_a_question_that_is_too_long_is_never_sent(open_home: OpenHome) -> None:
    fake = FakeOpenAI(context_length=512)
    async with open_home(fake) as (home, owner):
        end = await home.chat.start(owner, NewConversation(), "word " * 5000).wait()
        assert isinstance(end, Failed)
        assert isinstance(end.error, QuestionTooLongError)
        assert "about 7,1" in end.error.message
        assert "tiny can read 384 at once" in end.error.message
        assert shown(home, owner)[0].content.startswith("word word")
    assert fake.chats == []


async def test_a_server_that_finds_it_too_long_gets_less(open_home: OpenHome) -> None:
    long = Script(pieces=("answer " * 100,))
    fake = FakeOpenAI(long, long, Script(error="exceeds the context size", status=400), Script(), context_length=2048)
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "question " * 60)
        await running.wait()
        await home.chat.start(owner, running.conversation, "question " * 60).wait()
        end = await home.chat.start(owner, running.conversation, "question " * 60).wait()
        assert isinstance(end, Completed)
        lengths = [len(request.body["messages"]) for request in fake.chats]
        assert lengths[-1] < lengths[-2]
        fake.scripts = [Script(error="exceeds the context size", status=400)]
        end = await home.chat.start(owner, NewConversation(), "question").wait()
        assert isinstance(end, Failed)
        assert isinstance(end.error, ContextTooLongError)


async def test_the_loaded_context_length_counts_and_loading_shows(open_home: OpenHome) -> None:
    fake = FakeLMStudio(load_seconds=0.05)
    fake.default_context = 1024
    async with open_home(fake, kind="lmstudio") as (home, owner):
        events = await collect(home.chat.send(owner, NewConversation(model="maker/large"), "Hello"))
        assert events[:3] == [Loading("Loading maker/large", fraction) for fraction in (None, 0.0, 0.5)]
        assert Started("maker/large") in events
        assert fake.loaded == {"maker/large": 1024}
        end = await home.chat.start(owner, NewConversation(), "word " * 2000).wait()
        assert isinstance(end, Failed)
        assert "maker/large can read 768 at once" in end.error.message, "the loaded one is preferred"


async def test_unknown_model_and_no_model(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(models=())) as (home, owner):
        for new in (NewConversation(model="nope"), NewConversation()):
            end = await home.chat.start(owner, new, "Hello").wait()
            assert isinstance(end, Failed)
            assert isinstance(end.error, ModelNotFoundError)


async def test_server_gone_before_an_answer(open_home: OpenHome) -> None:
    async with open_home() as (home, owner):
        from familychat.llm.discovery import ServerChoice
        from familychat.settings import Settings

        gone = Settings(data_dir=home.settings.data_dir, server_kind="openai", server_url="http://127.0.0.1:9")
        other = Household(gone, servers=ServerChoice(gone))
        end = await other.chat.start(owner, NewConversation(), "Hello").wait()
        assert isinstance(end, Failed)
        assert isinstance(end.error, ServerUnreachableError)
        await other.aclose()
        question, answer = shown(home, owner)
        assert (question.content, answer.status) == ("Hello", "failed")


@pytest.mark.parametrize("text", ["", " \n\t", "\ud800", "x" * 8_000_001])
async def test_questions_that_cannot_be_asked(open_home: OpenHome, text: str) -> None:
    async with open_home() as (home, owner):
        with pytest.raises(InvalidInputError):
            home.chat.start(owner, NewConversation(), text)
        assert home.conversations.newest(owner) == []


async def test_closing_the_house_stops_and_keeps(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(SLOW)) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        await words(running, 3)
    async with open_home() as (home, owner):
        answer = shown(home, owner)[1]
        assert answer.status == "stopped"
        assert answer.content.startswith("word word word")


async def test_a_full_disk_in_mid_answer_is_said_and_loses_nothing_stored(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(), Script(pieces=["0123456789" * 1000] * 200))
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        await running.wait()
        pages = home.database.rows("PRAGMA page_count")[0]["page_count"]
        home.database.rows(f"PRAGMA max_page_count = {pages + 4}")
        end = await home.chat.start(owner, running.conversation, "And now?").wait()
        assert isinstance(end, Failed)
        assert "disk is full" in end.error.message
        assert end.message is None
        assert [message.content for message in shown(home, owner)][:3] == ["Hello", "Hello there!", "And now?"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello\nthere", "Hello there"),
        ("word " * 40, "word " * 10 + "word…"),
        ("x" * 100, "x" * 59 + "…"),
        ("a\x1b[31mb\u202e", "a [31mb"),
    ],
)
def test_titles_from_questions(text: str, title: str) -> None:
    assert first_words(text) == title


# -- editing, answering again, going on


async def test_an_edited_question_stands_beside_the_old_one(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=("One",)), Script(pieces=("Two",)), Script(pieces=("Three",)))
    async with open_home(fake) as (home, owner):
        first = home.chat.start(owner, NewConversation(), "Hello")
        await first.wait()
        await home.chat.start(owner, first.conversation, "More").wait()
        edited = home.chat.edit(owner, first.conversation, first.question.id, "Good day")
        assert isinstance(await edited.wait(), Completed)
        question, answer = shown(home, owner)
        assert (question.content, question.version, question.versions) == ("Good day", 2, 2)
        assert answer.content == "Three"
        assert [m["content"] for m in fake.chats[-1].body["messages"]][1:] == ["Good day"]
        home.conversations.show_version(owner, first.conversation, question.id, 1)
        assert [m.content for m in shown(home, owner)] == ["Hello", "One", "More", "Two"]
        with pytest.raises(InvalidInputError):
            home.chat.edit(owner, first.conversation, shown(home, owner)[1].id, "Not mine")
        with pytest.raises(NotFoundError):
            home.chat.edit(owner, first.conversation, "nothing", "Hello")


async def test_an_earlier_answer_can_be_had_again(open_home: OpenHome) -> None:
    fake = FakeOpenAI(*(Script(pieces=(word,)) for word in ("One", "Two", "Three")))
    async with open_home(fake) as (home, owner):
        first = home.chat.start(owner, NewConversation(), "Hello")
        await first.wait()
        await home.chat.start(owner, first.conversation, "More").wait()
        again = home.chat.retry(owner, first.conversation, first.answer.id)
        await again.wait()
        assert [(m.content, m.version, m.versions) for m in shown(home, owner)] == [("Hello", 1, 1), ("Three", 2, 2)]


async def test_a_stopped_answer_goes_on_where_it_was(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=["Once ", "upon ", "a "] + ["."] * 500, delay=0.02), Script(pieces=("time.",)))
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "A story")
        await words(running, 3)
        stopped = await running.stop()
        assert stopped.message is not None
        begun = stopped.message.content
        went_on = home.chat.resume(owner, running.conversation)
        assert isinstance(await went_on.wait(), Completed)
        _, answer = shown(home, owner)
        assert answer.content == begun + "time."
        assert (answer.id, answer.versions) == (running.answer.id, 1)
        assert fake.chats[1].body["messages"][-1] == {"role": "assistant", "content": begun}


async def test_an_answer_that_cannot_go_on_keeps_what_it_had(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(pieces=("Once upon",)), Script(error="no"))
    async with open_home(fake) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "A story")
        await running.wait()
        assert isinstance(await home.chat.resume(owner, running.conversation).wait(), Failed)
        assert shown(home, owner)[1].content == "Once upon"
        empty = home.chat.start(owner, NewConversation(), "Hello")
        await empty.wait()
        with pytest.raises(ConflictError):
            home.chat.resume(owner, empty.conversation)


async def test_a_conversation_takes_up_another_task(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI()) as (home, owner):
        running = home.chat.start(owner, NewConversation(), "Hello")
        await running.wait()
        changed = home.conversations.change(owner, running.conversation, task="music")
        with pytest.raises(NotAllowedError):
            home.chat.start(owner, running.conversation, "What songs are there?")
        home.conversations.change(owner, changed, task="general")
        assert isinstance(await home.chat.start(owner, changed, "And now?").wait(), Completed)
