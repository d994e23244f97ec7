"""Conversations and messages as they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from familychat.errors import InvalidInputError, NotFoundError
from familychat.models import Author, Conversation, Parameters, Role, Status, Usage, User
from familychat.store.conversations import ConversationStore
from familychat.store.database import Database
from familychat.store.messages import MessageStore
from familychat.store.people import PeopleStore
from familychat.store.writing import WritingStore

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
REUSED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@pytest.fixture
def database(data_dir: Path) -> Iterator[Database]:
    with Database(data_dir / "familychat.db") as opened:
        yield opened


@pytest.fixture
def owner(database: Database) -> User:
    return PeopleStore(database).add("owner", "Owner", Role.ADMIN, "2026")


@pytest.fixture
def stranger(database: Database) -> User:
    return PeopleStore(database).add("stranger", "Stranger", Role.ADMIN, "2026")


def begin(database: Database, owner: User, title: str, at: str = "2026") -> Conversation:
    return ConversationStore(database).add(owner.id, at, title=title, task="general")


@REUSED
@given(title=TEXT, system=TEXT, model=TEXT, temperature=st.floats(0, 2), tokens=st.integers(1, 10**6))
def test_what_is_stored_comes_back(
    database: Database, title: str, system: str, model: str, temperature: float, tokens: int
) -> None:
    people = PeopleStore(database)
    owner = people.by_username("owner") or people.add("owner", "Owner", Role.ADMIN, "2026")
    store = ConversationStore(database)
    parameters = Parameters(temperature, None, tokens)
    added = store.add(
        owner.id, "2026", title=title, task="general", model=model, parameters=parameters, system_prompt=system
    )
    assert store.get(owner.id, added.id) == added


@REUSED
@given(question=TEXT, answer=TEXT, thought=TEXT, error=TEXT)
def test_messages_come_back_letter_by_letter(
    database: Database, question: str, answer: str, thought: str, error: str
) -> None:
    people = PeopleStore(database)
    owner = people.by_username("owner") or people.add("owner", "Owner", Role.ADMIN, "2026")
    conversations, messages = ConversationStore(database), MessageStore(database)
    conversation = begin(database, owner, "t")
    asked = messages.add_question(conversation, question, None, "2026")
    begun = messages.add_answer(conversation, asked.id, "writer", "2026")
    messages.checkpoint(begun.id, answer[:3], thought)
    usage = Usage(1, 2, 3.5, 4.5, estimated=True)
    ended = messages.finish(
        begun.id, Status.PARTIAL, content=answer, reasoning=thought, model="m", usage=usage, error=error
    )
    assert (ended.content, ended.reasoning, ended.usage, ended.error) == (answer, thought, usage, error)
    assert messages.path(conversations.get(owner.id, conversation.id)) == [asked, ended]


@REUSED
@given(times=st.lists(st.integers(0, 5), max_size=25), page=st.integers(1, 7))
def test_pages_hold_each_conversation_once_and_newest_first(database: Database, times: list[int], page: int) -> None:
    people, store = PeopleStore(database), ConversationStore(database)
    owner = people.add(f"owner{len(people.all())}", "Owner", Role.ADMIN, "2026")
    added = [begin(database, owner, "t", f"2026-0{time}") for time in times]
    seen: list[Conversation] = []
    while (found := store.newest(owner.id, page, before=seen[-1] if seen else None)) and len(seen) <= len(added):
        seen += found
    assert sorted(one.id for one in seen) == sorted(one.id for one in added)
    keys = [(one.last_message_at, one.id) for one in seen]
    assert keys == sorted(keys, reverse=True)


def test_listing_uses_its_index_and_rename_keeps_the_order(database: Database, owner: User) -> None:
    store = ConversationStore(database)
    old, new = begin(database, owner, "old", "2025"), begin(database, owner, "new", "2026")
    store.update(owner.id, old.id, title="renamed", temperature=0.5)
    assert [(one.id, one.title) for one in store.newest(owner.id, 9)] == [(new.id, "new"), (old.id, "renamed")]
    plan = database.rows(
        "EXPLAIN QUERY PLAN SELECT id FROM conversations WHERE owner_id = ? AND deleted_at IS NULL "
        "AND archived_at IS NULL ORDER BY pinned DESC, last_message_at DESC, id DESC LIMIT 50",
        [owner.id],
    )
    assert "conversations_newest" in plan[0]["detail"]
    assert len(plan) == 1, "no sorting on the way"
    with pytest.raises(TypeError):
        store.update(owner.id, old.id, created_at="x")


def test_finding(database: Database, owner: User, stranger: User) -> None:
    store = ConversationStore(database)
    one = begin(database, owner, "About 100% of apples")
    two = begin(database, owner, "About pears")
    theirs = begin(database, stranger, "About apples")
    assert store.find(owner.id, one.id).id == one.id
    assert store.find(owner.id, two.short_id.upper()).id == two.id
    assert store.find(owner.id, "apples").id == one.id
    assert store.find(owner.id, "100% OF").id == one.id
    assert store.find(owner.id, "About pears").id == two.id
    with pytest.raises(InvalidInputError, match="Several"):
        store.find(owner.id, "about")
    for nothing in ("1%a", "_", "plums", theirs.id, theirs.short_id, "' OR 1=1 --", "*", "x" * 500):
        with pytest.raises(NotFoundError):
            store.find(owner.id, nothing)
    with pytest.raises(NotFoundError):
        store.get(owner.id, theirs.id)
    with pytest.raises(NotFoundError):
        store.update(owner.id, theirs.id, title="mine")
    store.set_deleted(owner.id, theirs.id, "2026")
    assert store.get(stranger.id, theirs.id).deleted_at is None


def test_trash(database: Database, owner: User, stranger: User) -> None:
    store = ConversationStore(database)
    one, theirs = begin(database, owner, "one"), begin(database, stranger, "theirs")
    for person, it in ((owner, one), (stranger, theirs)):
        store.set_deleted(person.id, it.id, "2026")
    assert store.newest(owner.id, 9) == []
    assert [found.title for found in store.trash(owner.id)] == ["one"]
    assert store.find(owner.id, "one", deleted=True).id == one.id
    assert store.empty_trash(owner.id) == 1
    assert [found.title for found in store.trash(stranger.id)] == ["theirs"]


def test_branches_and_the_shown_path(database: Database, owner: User) -> None:
    conversations, messages = ConversationStore(database), MessageStore(database)
    conversation = begin(database, owner, "t")
    asked = messages.add_question(conversation, "1?", None, "2026")
    first = messages.add_answer(conversation, asked.id, "w", "2026")
    second = messages.add_answer(conversation, asked.id, "w", "2026")
    follow = messages.add_question(conversation, "2?", second.id, "2027")
    current = conversations.get(owner.id, conversation.id)
    assert (current.head_id, current.last_message_at) == (follow.id, "2027")
    assert [m.id for m in messages.path(current)] == [asked.id, second.id, follow.id]
    assert [m.id for m in messages.path(current, limit=2)] == [second.id, follow.id]
    assert [m.id for m in messages.path_to(current, first.id)] == [asked.id, first.id]
    other = begin(database, owner, "other")
    assert messages.path_to(other, first.id) == [], "not through another conversation"


def test_marking_what_a_dead_process_left(database: Database, owner: User) -> None:
    conversations, messages = ConversationStore(database), MessageStore(database)
    conversation = begin(database, owner, "t")
    asked = messages.add_question(conversation, "1?", None, "2026")
    dead = messages.add_answer(conversation, asked.id, "dead", "2026")
    alive = messages.add_answer(conversation, asked.id, "alive", "2026")
    messages.checkpoint(dead.id, "so far", "")
    writing = WritingStore(database)
    assert writing.writers() == {"dead", "alive"}
    assert writing.mark_cut_off("dead") == 1
    current = conversations.get(owner.id, conversation.id)
    found = messages.path_to(current, dead.id)[-1]
    assert (found.status, found.content, found.author) == (Status.PARTIAL, "so far", Author.ASSISTANT)
    assert messages.path_to(current, alive.id)[-1].status is Status.STREAMING


def test_own_questions_only(database: Database, owner: User, stranger: User) -> None:
    messages = MessageStore(database)
    for person in (owner, stranger):
        conversation = begin(database, person, "t")
        for number in range(3):
            messages.add_question(conversation, f"{person.username} {number}", None, "2026")
    assert messages.questions_of(owner.id, 2) == ["owner 2", "owner 1"]
