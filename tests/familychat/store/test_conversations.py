"""Conversations at their edges: very long ones, odd references, and the way out of the trash."""

from __future__ import annotations

import pytest

from familychat.errors import InvalidInputError, NotFoundError
from familychat.household import Household
from familychat.models import Conversation, Role, User
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore

LONG = 1200  # SQLite follows a chain of cascades for 1,000 rows at most


@pytest.fixture
def store(household: Household) -> ConversationStore:
    return ConversationStore(household.database)


def begin(store: ConversationStore, owner: User, title: str, at: str = "2026") -> Conversation:
    return store.add(owner.id, at, title=title, task="general")


def talk(household: Household, conversation: Conversation, messages: int) -> None:
    """A chain of messages, each an answer to the one before."""
    store, parent = MessageStore(household.database), None
    with household.database.transaction():
        for number in range(messages):
            parent = store.add_question(conversation, str(number), parent, "2026").id


def count(household: Household, table: str) -> int:
    return int(household.database.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_a_very_long_conversation_leaves_the_trash(household: Household, store: ConversationStore, owner: User) -> None:
    conversation = begin(store, owner, "a year of talk")
    talk(household, conversation, LONG)
    assert len(MessageStore(household.database).path(store.get(owner.id, conversation.id))) == LONG
    store.set_deleted(owner.id, conversation.id, "2026")
    assert store.empty_trash(owner.id) == 1
    assert count(household, "messages") == 0


def test_a_person_with_a_very_long_conversation_can_be_removed(
    household: Household, store: ConversationStore, owner: User
) -> None:
    guest = household.accounts.people.add("guest", "Guest", Role.MEMBER, "2026")
    talk(household, begin(store, guest, "a year of talk"), LONG)
    household.accounts.remove(owner, "guest")
    assert (count(household, "conversations"), count(household, "messages")) == (0, 0)


def test_emptying_the_trash_leaves_the_rest(household: Household, store: ConversationStore, owner: User) -> None:
    kept, gone = begin(store, owner, "kept"), begin(store, owner, "gone")
    talk(household, kept, 3)
    talk(household, gone, 3)
    store.set_deleted(owner.id, gone.id, "2026")
    store.empty_trash(owner.id)
    with pytest.raises(NotFoundError):
        store.get(owner.id, gone.id)
    assert len(MessageStore(household.database).path(store.get(owner.id, kept.id))) == 3
    assert count(household, "messages") == 3


def test_what_comes_back_from_the_trash_has_its_old_place(store: ConversationStore, owner: User) -> None:
    old, middle, new = (begin(store, owner, title, title) for title in ("2024", "2025", "2026"))
    store.set_deleted(owner.id, middle.id, "2027")
    assert store.newest(owner.id, 9) == [new, old]
    store.set_deleted(owner.id, middle.id, None)
    assert store.newest(owner.id, 9) == [new, middle, old]
    assert store.trash(owner.id) == []


def test_the_trash_shows_what_was_deleted_last_first(store: ConversationStore, owner: User) -> None:
    one, two = begin(store, owner, "one", "2024"), begin(store, owner, "two", "2025")
    store.set_deleted(owner.id, two.id, "2026")
    store.set_deleted(owner.id, one.id, "2027")
    assert [found.id for found in store.trash(owner.id)] == [one.id, two.id]


@pytest.mark.parametrize("nothing", ["", "   ", "\t\n"])
def test_an_empty_reference_means_none(store: ConversationStore, owner: User, nothing: str) -> None:
    """A script whose variable is unset must not delete the only conversation there is."""
    begin(store, owner, "the only one")
    with pytest.raises((NotFoundError, InvalidInputError)):
        store.find(owner.id, nothing)


def test_a_reference_longer_than_any_title(store: ConversationStore, owner: User) -> None:
    begin(store, owner, "short")
    with pytest.raises(NotFoundError):
        store.find(owner.id, "x" * 60_000)


def test_a_whole_title_goes_before_a_part_of_one(store: ConversationStore, owner: User) -> None:
    begin(store, owner, "apples and pears")
    exact = begin(store, owner, "apples")
    assert store.find(owner.id, "apples") == exact


def test_several_that_fit_are_named_by_id(store: ConversationStore, owner: User) -> None:
    both = [begin(store, owner, "apples"), begin(store, owner, "apples")]
    with pytest.raises(InvalidInputError) as caught:
        store.find(owner.id, "apples")
    for one in both:
        assert one.short_id in caught.value.hint
        assert store.find(owner.id, one.short_id) == one


@pytest.mark.parametrize("typed", ["äpfel", "ÄPFEL", "über ä"])
def test_letter_case_does_not_count_in_any_language(store: ConversationStore, owner: User, typed: str) -> None:
    found = begin(store, owner, "Über Äpfel")
    assert store.find(owner.id, typed) == found


def test_too_short_an_end_of_an_id_is_none(store: ConversationStore, owner: User) -> None:
    one = begin(store, owner, "~")
    assert store.find(owner.id, one.id[-4:]) == one
    with pytest.raises(NotFoundError):
        store.find(owner.id, one.id[-3:])


def test_a_new_message_moves_a_conversation_up_and_a_rename_does_not(
    household: Household, store: ConversationStore, owner: User
) -> None:
    old, new = begin(store, owner, "old", "2024"), begin(store, owner, "new", "2025")
    store.update(owner.id, old.id, title="renamed")
    assert [one.id for one in store.newest(owner.id, 9)] == [new.id, old.id]
    MessageStore(household.database).add_question(old, "still there?", None, "2026")
    assert [one.id for one in store.newest(owner.id, 9)] == [old.id, new.id]
