"""Messages at their edges: bounds of a path, what an end state overwrites, and who may be marked as cut off."""

from __future__ import annotations

import pytest

from familychat.errors import FamilychatError
from familychat.household import Household
from familychat.models import Author, Conversation, Message, Status, Usage, User
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat.store.writing import WritingStore


@pytest.fixture
def messages(household: Household) -> MessageStore:
    return MessageStore(household.database)


@pytest.fixture
def writing(household: Household) -> WritingStore:
    return WritingStore(household.database)


@pytest.fixture
def conversation(household: Household, owner: User) -> Conversation:
    return ConversationStore(household.database).add(owner.id, "2025", title="t", task="general")


def current(household: Household, conversation: Conversation) -> Conversation:
    return ConversationStore(household.database).get(conversation.owner_id, conversation.id)


def finish(messages: MessageStore, message: Message, status: Status, content: str) -> Message:
    return messages.finish(message.id, status, content=content, reasoning="", model=None, usage=Usage(), error=None)


def test_an_empty_conversation_has_an_empty_path(
    messages: MessageStore, writing: WritingStore, conversation: Conversation
) -> None:
    assert messages.path(conversation) == []
    assert messages.questions_of(conversation.owner_id, 9) == []
    assert writing.writers() == set()
    assert not writing.is_streaming(conversation)


@pytest.mark.parametrize(("limit", "expected"), [(0, []), (1, ["4"]), (3, ["2", "3", "4"]), (9, list("01234"))])
def test_a_limit_keeps_the_newest_in_order(
    household: Household, messages: MessageStore, conversation: Conversation, limit: int, expected: list[str]
) -> None:
    parent = None
    for number in range(5):
        parent = messages.add_question(conversation, str(number), parent, "2026").id
    path = messages.path(current(household, conversation), limit=limit)
    assert [message.content for message in path] == expected


def test_a_head_that_is_gone_is_an_empty_path(messages: MessageStore, conversation: Conversation) -> None:
    assert messages.path_to(conversation, "no such message") == []


def test_an_answer_begins_streaming_and_ends_once(
    household: Household, messages: MessageStore, writing: WritingStore, conversation: Conversation
) -> None:
    asked = messages.add_question(conversation, "?", None, "2026")
    begun = messages.add_answer(conversation, asked.id, "writer", "2026")
    assert (begun.status, begun.content, begun.author) == (Status.STREAMING, "", Author.ASSISTANT)
    assert writing.is_streaming(conversation)
    messages.checkpoint(begun.id, "half", "a thought")
    seen = messages.path(current(household, conversation))[-1]
    assert (seen.content, seen.reasoning, seen.status) == ("half", "a thought", Status.STREAMING)
    finish(messages, begun, Status.COMPLETE, "whole")
    assert not writing.is_streaming(conversation)
    assert writing.writers() == set()
    assert messages.path(current(household, conversation))[-1].content == "whole"


def test_writing_an_answer_leaves_the_order_of_the_list(
    household: Household, messages: MessageStore, conversation: Conversation
) -> None:
    asked = messages.add_question(conversation, "?", None, "2026")
    begun = messages.add_answer(conversation, asked.id, "writer", "2026")
    before = current(household, conversation)
    messages.checkpoint(begun.id, "half", "")
    finish(messages, begun, Status.COMPLETE, "whole")
    assert current(household, conversation) == before


@pytest.mark.parametrize("ended", [status for status in Status if status is not Status.STREAMING])
def test_only_a_streaming_answer_is_ever_cut_off(
    household: Household,
    messages: MessageStore,
    writing: WritingStore,
    conversation: Conversation,
    ended: Status,
) -> None:
    asked = messages.add_question(conversation, "?", None, "2026")
    done = finish(messages, messages.add_answer(conversation, asked.id, "dead", "2026"), ended, "done")
    assert writing.mark_cut_off("dead") == 0
    assert writing.mark_cut_off("nobody") == 0
    assert messages.path(current(household, conversation))[-1] == done


def test_half_a_character_is_refused_in_our_own_words(
    household: Household, messages: MessageStore, conversation: Conversation
) -> None:
    """A lone surrogate can't be stored: it is refused as an error of ours, and nothing of it stays."""
    with pytest.raises(FamilychatError):
        messages.add_question(conversation, "half a face: \ud83d", None, "2026")
    assert current(household, conversation) == conversation
