"""Conversations: organising them, their versions, and taking them along as documents."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from familychat.clock import timestamp
from familychat.documents import ConversationDocument, MessageDocument, checked
from familychat.errors import ConflictError, InvalidInputError, NotFoundError
from familychat.household import Household
from familychat.models import Author, Conversation, Message, Role, Status, TitledBy, User
from familychat.store.conversations import Chosen, ConversationStore
from familychat.store.messages import MessageStore
from familychat.testing import ManualClock

AT = "2026-01-31T18:05:00.123Z"


def begin(home: Household, user: User, title: str = "Pasta", at: str = AT) -> Conversation:
    return ConversationStore(home.database).add(user.id, at, title=title, task="general")


def say(home: Household, user: User, conversation: Conversation, text: str, parent: str | None) -> Message:
    """One exchange; returns the answer."""
    store = MessageStore(home.database)
    asked = store.add_question(conversation, text, parent, AT)
    answer = store.add_answer(conversation, asked.id, "nobody", AT)
    return store.finish(
        answer.id, Status.COMPLETE, content=f"About {text}", reasoning="", model="m", usage=answer.usage, error=None
    )


def path(home: Household, user: User, conversation: Conversation) -> list[str]:
    return [message.content for message in home.conversations.messages(user, conversation)]


@pytest.fixture
def child(household: Household) -> User:
    return household.accounts.people.add("child", "Child", Role.MEMBER, AT)


# -- organising


def test_pins_come_first_and_the_archive_is_apart(household: Household, owner: User) -> None:
    old, _, gone = (begin(household, owner, name, f"202{n}-01-01") for n, name in enumerate(("old", "new", "gone")))
    chats = household.conversations
    assert chats.pin(owner, old).pinned
    assert chats.archive(owner, gone).archived_at
    assert [one.title for one in chats.newest(owner)] == ["old", "new"]
    assert [one.title for one in chats.newest(owner, before=chats.get(owner, old.id))] == ["new"]
    assert [one.title for one in chats.newest(owner, chosen=Chosen(archived=True))] == ["gone"]
    chats.pin(owner, old, pinned=False)
    chats.archive(owner, gone, archived=False)
    assert [one.title for one in chats.newest(owner)] == ["gone", "new", "old"]
    assert chats.last_spoken(owner) == chats.get(owner, gone.id)


def test_folders_come_and_go(household: Household, owner: User, child: User) -> None:
    chats = household.conversations
    one, two = begin(household, owner), begin(household, owner, "Soup")
    chats.move(owner, one, "  The  kitchen ")
    assert chats.folders(owner) == {"The kitchen": 1}
    assert chats.folders(child) == {}
    assert [c.title for c in chats.chosen(owner, Chosen(folder="The kitchen"))] == ["Pasta"]
    assert [c.title for c in chats.chosen(owner, Chosen(title="SOUP"))] == ["Soup"]
    chats.move(owner, one, None)
    assert chats.folders(owner) == {}
    for bad in ("  ", "x" * 61, "a\x1bb"):
        with pytest.raises(InvalidInputError):
            chats.move(owner, two, bad)


def test_nobody_organises_what_is_somebody_elses(household: Household, owner: User, child: User) -> None:
    chats = household.conversations
    mine = begin(household, owner)
    answer = say(household, owner, mine, "eggs", None)
    attempts: list[Callable[[], object]] = [
        lambda: chats.pin(child, mine),
        lambda: chats.archive(child, mine),
        lambda: chats.move(child, mine, "x"),
        lambda: chats.rename(child, mine, "x"),
        lambda: chats.document(child, mine),
        lambda: chats.fork(child, mine),
        lambda: chats.delete_message(child, mine, answer.id),
        lambda: chats.show_version(child, mine, answer.id, 1),
    ]
    for attempt in attempts:
        with pytest.raises(NotFoundError):
            attempt()
    assert chats.get(owner, mine.id) == ConversationStore(household.database).get(owner.id, mine.id)
    assert path(household, owner, mine) == ["eggs", "About eggs"]


def test_a_persons_own_title_is_marked(household: Household, owner: User) -> None:
    one = begin(household, owner)
    assert one.titled_by is TitledBy.WORDS
    assert household.conversations.rename(owner, one, "Dinner").titled_by is TitledBy.PERSON


# -- how long things are kept


def test_the_trash_empties_itself(household: Household, owner: User, clock: ManualClock) -> None:
    one = begin(household, owner)
    household.conversations.delete(owner, one)
    clock.move(days=29)
    assert household.conversations.tidy(30) == 0
    clock.move(days=2)
    assert household.conversations.tidy(0) == 0
    assert household.conversations.tidy(30) == 1
    with pytest.raises(NotFoundError):
        household.conversations.get(owner, one.id)


def test_retention_spares_what_is_pinned_and_what_is_others(
    household: Household, owner: User, child: User, clock: ManualClock
) -> None:
    now = timestamp(clock())
    chats = household.conversations
    pinned, old = begin(household, owner, "pinned", now), begin(household, owner, "old", now)
    theirs = begin(household, child, "theirs", now)
    chats.pin(owner, pinned)
    chats.set_retention(owner, 10)
    assert (chats.retention(owner), chats.retention(child)) == (10, None)
    clock.move(days=9)
    assert chats.outlived(owner) == []
    assert [one.id for one in chats.outlived(owner, 5)] == [old.id]
    clock.move(days=2)
    assert [one.id for one in chats.outlived(owner)] == [old.id]
    chats.tidy(30)
    assert [one.id for one in chats.trash(owner)] == [old.id], "to the trash first, so that it can come back"
    assert [one.id for one in chats.newest(child)] == [theirs.id]
    chats.set_retention(owner, None)
    assert chats.outlived(owner) == []
    for bad in (0, -1, 40_000):
        with pytest.raises(InvalidInputError):
            chats.set_retention(owner, bad)


# -- versions


def test_versions_are_counted_shown_and_remembered(household: Household, owner: User) -> None:
    chat = begin(household, owner)
    first = say(household, owner, chat, "eggs", None)
    say(household, owner, chat, "boiled", first.id)
    edited = say(household, owner, chat, "cake", None)
    say(household, owner, chat, "with icing", edited.id)
    chats = household.conversations
    shown = chats.messages(owner, chat)
    assert [(m.content, m.version, m.versions) for m in shown][:2] == [("cake", 2, 2), ("About cake", 1, 1)]
    chats.show_version(owner, chat, shown[0].id, 1)
    assert path(household, owner, chat) == ["eggs", "About eggs", "boiled", "About boiled"]
    back = chats.show_version(owner, chat, chats.messages(owner, chat)[0].id, 2)
    assert path(household, owner, chat) == ["cake", "About cake", "with icing", "About with icing"]
    assert back.last_message_at == chats.get(owner, chat.id).last_message_at
    for version in (0, 3, -1):
        with pytest.raises(NotFoundError):
            chats.show_version(owner, chat, shown[0].id, version)


def test_a_deleted_message_leaves_the_rest_in_place(household: Household, owner: User) -> None:
    chat = begin(household, owner)
    first = say(household, owner, chat, "eggs", None)
    second = say(household, owner, chat, "boiled", first.id)
    chats = household.conversations
    chats.delete_message(owner, chat, first.id)
    assert path(household, owner, chat) == ["eggs", "boiled", "About boiled"]
    chats.delete_message(owner, chat, second.id)
    assert path(household, owner, chat) == ["eggs", "boiled"]
    for message in chats.messages(owner, chat):
        chats.delete_message(owner, chat, message.id)
    assert path(household, owner, chat) == []
    assert chats.get(owner, chat.id).head_id is None


def test_deleting_a_version_shows_another(household: Household, owner: User) -> None:
    chat = begin(household, owner)
    first = say(household, owner, chat, "eggs", None)
    store = MessageStore(household.database)
    again = store.add_answer(chat, first.parent_id or "", "nobody", AT)
    store.finish(
        again.id, Status.STOPPED, content="Or", reasoning="", model=None, usage=again.usage, error=None, details=None
    )
    assert path(household, owner, chat) == ["eggs", "Or"]
    household.conversations.delete_message(owner, chat, again.id)
    assert path(household, owner, chat) == ["eggs", "About eggs"]


def test_nothing_is_rearranged_while_an_answer_is_written(household: Household, owner: User) -> None:
    chat = begin(household, owner)
    store = MessageStore(household.database)
    asked = store.add_question(chat, "eggs", None, AT)
    (lease,) = (household.settings.data_dir / "running").glob("*.lock")
    store.add_answer(chat, asked.id, lease.stem, AT)
    with pytest.raises(ConflictError):
        household.conversations.delete_message(owner, chat, asked.id)
    with pytest.raises(ConflictError):
        household.conversations.show_version(owner, chat, asked.id, 1)


def test_a_fork_goes_on_by_itself(household: Household, owner: User) -> None:
    chat = begin(household, owner)
    first = say(household, owner, chat, "eggs", None)
    say(household, owner, chat, "boiled", first.id)
    fork = household.conversations.fork(owner, chat, first.id)
    assert path(household, owner, fork) == ["eggs", "About eggs"]
    say(household, owner, fork, "fried", fork.head_id)
    assert path(household, owner, fork)[-1] == "About fried"
    assert path(household, owner, chat)[-1] == "About boiled"
    whole = household.conversations.fork(owner, chat)
    assert path(household, owner, whole) == path(household, owner, chat)
    assert not {m.id for m in household.conversations.messages(owner, whole)} & {
        m.id for m in household.conversations.messages(owner, chat)
    }


# -- documents


def test_a_document_comes_back_as_it_was(household: Household, owner: User, child: User) -> None:
    chats = household.conversations
    chat = begin(household, owner)
    first = say(household, owner, chat, "eggs", None)
    say(household, owner, chat, "boiled", first.id)
    say(household, owner, chat, "cake", None)
    chats.pin(owner, chats.move(owner, chat, "Kitchen"))
    document = chats.document(owner, chat)
    assert chats.bring_in(owner, document) is None, "it is here already"
    copy = chats.bring_in(child, document)
    assert copy is not None
    assert copy.id != chat.id, "whose it was stays unknown"
    assert path(household, child, copy) == path(household, owner, chat)
    chats.delete(owner, chat)
    assert chats.bring_in(owner, document) is None, "it is in the trash"
    chats.empty_trash(owner)
    again = chats.bring_in(owner, document)
    assert again is not None
    assert msgspec.json.encode(chats.document(owner, again)) == msgspec.json.encode(document)


def document(*messages: tuple[str, str | None], **values: object) -> ConversationDocument:
    made = [
        MessageDocument(id=i, parent=p, author=Author.USER, content="x", status=Status.COMPLETE, created_at=AT)
        for i, p in messages
    ]
    head = messages[-1][0] if messages else None
    whole = ConversationDocument(
        id="c", title="t", task="general", created_at=AT, last_message_at=AT, messages=made, head=head
    )
    return msgspec.structs.replace(whole, **values)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (document(("a", "b"), ("b", "a")), "circle"),
        (document(("a", "a")), "circle"),
        (document(("a", None), ("a", None)), "Two of its messages"),
        (document(("a", "missing")), "missing"),
        (document(("a", None), head="b"), "shown last"),
        (document(("", None)), "usable id"),
        (document(("a" * 65, None)), "usable id"),
        (document(("a", None), id=""), "usable id"),
        (document(("a", None), title="x" * 501), "title"),
        (document(("a", None), task="x" * 201), "too long"),
        (document(("a", None), created_at="yesterday"), "a time"),
        (document(("a", None), created_at="2026-01-31T18:05:00.123"), "a time"),
        (document(("a", None), last_message_at="2026-01-31T18:05:00Z"), "a time"),
    ],
)
def test_documents_that_dont_hold_together(
    household: Household, owner: User, broken: ConversationDocument, why: str
) -> None:
    with pytest.raises(InvalidInputError, match=why):
        household.conversations.bring_in(owner, broken)
    assert household.conversations.newest(owner) == []


def test_what_comes_together_is_told_apart(household: Household, owner: User) -> None:
    first = document(("a", None), ("b", "a"), id="one", origin="elsewhere:1")
    moved = document(("z", None), id="two", origin="elsewhere:1")
    broken = document(("y", "missing"), id="three")
    same_message = document(("b", None), id="four")
    outcomes = household.conversations.bring_in_all(owner, [first, first, moved, broken, same_message])
    ids = [outcome.id if isinstance(outcome, Conversation) else type(outcome) for outcome in outcomes]
    assert ids[:4] == ["one", type(None), type(None), InvalidInputError]
    assert isinstance(outcomes[4], Conversation)
    assert outcomes[4].id not in {"one", "four"}, "it took a message's id that the first one has"
    assert len(household.conversations.newest(owner)) == 2
    assert sorted(len(path(household, owner, each)) for each in household.conversations.newest(owner)) == [1, 2]
    assert sum(1 + hit.others for hit in household.search.find(owner, "x").hits) == 3


def test_nothing_comes_in_of_nothing(household: Household, owner: User) -> None:
    assert household.conversations.bring_in_all(owner, []) == []


def test_children_before_their_parents_are_put_right() -> None:
    mixed = document(("c", "b"), ("b", "a"), ("a", None), ("d", None))
    assert [message.id for message in checked(mixed).messages] == ["a", "b", "c", "d"]


def test_times_before_1970_are_times(household: Household, owner: User) -> None:
    old = document(("a", None), created_at="1931-05-01T00:00:00.000Z", last_message_at="1931-05-01T00:00:00.000Z")
    assert household.conversations.bring_in(owner, old) is not None
    assert household.conversations.newest(owner)[0].created_at.startswith("1931")


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_text_survives_the_round_trip(household: Household, owner: User, data: st.DataObject) -> None:
    chats = household.conversations
    for left in chats.newest(owner, 1000):
        chats.delete(owner, left)
    chats.empty_trash(owner)
    ids = data.draw(st.lists(st.uuids().map(str), min_size=1, max_size=8, unique=True))
    messages = []
    for at, name in enumerate(ids):
        parent = data.draw(st.sampled_from([None, *ids[:at]]))
        messages.append(
            MessageDocument(
                id=name,
                parent=parent,
                author=data.draw(st.sampled_from(Author)),
                content=data.draw(ANY_TEXT),
                status=Status.COMPLETE,
                created_at=AT,
                reasoning=data.draw(ANY_TEXT),
                model=data.draw(st.none() | ANY_TEXT),
                error=data.draw(st.none() | ANY_TEXT),
                details=data.draw(st.dictionaries(ANY_TEXT, ANY_TEXT | st.integers(-(2**31), 2**31), max_size=3)),
            )
        )
    whole = document(
        id=data.draw(st.uuids().map(str)), title=data.draw(ANY_TEXT), system_prompt=data.draw(st.none() | ANY_TEXT)
    )
    whole = msgspec.structs.replace(whole, messages=messages, head=ids[-1])
    brought = chats.bring_in(owner, whole)
    assert brought is not None
    written = msgspec.json.encode(chats.document(owner, brought))
    assert written == msgspec.json.encode(checked(whole))
    chats.delete(owner, brought)
    chats.empty_trash(owner)
    back = chats.bring_in(owner, msgspec.json.decode(written, type=ConversationDocument))
    assert back is not None
    assert msgspec.json.encode(chats.document(owner, back)) == written
