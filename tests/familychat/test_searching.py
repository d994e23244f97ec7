"""Searching: what is found, in which order, with which marks, and that any text is a fine search."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from familychat.clock import timestamp
from familychat.errors import InvalidInputError
from familychat.household import Household
from familychat.models import Author, Conversation, Role, Status, Usage, User
from familychat.search_words import folded, parse, places
from familychat.searching import Hit, Page, marked
from familychat.store import search as search_store
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat.store.writing import WritingStore
from familychat.testing import ManualClock

AT = "2026-01-15T12:00:00.000Z"


@pytest.fixture
def child(household: Household) -> User:
    return household.accounts.people.add("child", "Child", Role.MEMBER, AT)


def tell(
    home: Household,
    user: User,
    title: str,
    *texts: str,
    at: str = AT,
    task: str = "general",
    model: str | None = None,
) -> Conversation:
    """A conversation in which questions and answers take turns."""
    conversation = ConversationStore(home.database).add(user.id, at, title=title, task=task)
    store = MessageStore(home.database)
    before = None
    for place, text in enumerate(texts):
        if place % 2 == 0:
            before = store.add_question(conversation, text, before, at).id
        else:
            answer = store.add_answer(conversation, before or "", "nobody", at)
            store.finish(answer.id, Status.COMPLETE, content=text, reasoning="", model=model, usage=Usage(), error=None)
            before = answer.id
    return conversation


def titles(page: Page) -> list[str]:
    return [hit.conversation.title for hit in page.hits]


def found(home: Household, user: User, text: str) -> set[str]:
    return set(titles(home.search.find(user, text, all_words=True)))


@pytest.fixture
def kitchen(household: Household, owner: User) -> Household:
    tell(household, owner, "Pancakes", "How do I make crêpes?", "Mix flour, milk and three eggs.", model="maker/tiny")
    tell(
        household,
        owner,
        "Breakfast",
        "What about eggs?",
        "Boil the eggs for six minutes.",
        at="2025-06-01T08:00:00.000Z",
    )
    tell(household, owner, "Zürich trip", "Wie komme ich nach Zürich?", "Mit dem Zug über Straßburg. 🚂", task="music")
    tell(
        household,
        owner,
        "東京",
        "今日は天気がいいですね",
        "そうですね。",
        "don't panic; it's 100% fine",
        'C++ * [a-z] "quoted"',
    )
    return household


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eggs", {"Pancakes", "Breakfast"}),
        ("EGGS", {"Pancakes", "Breakfast"}),
        ("crepes", {"Pancakes"}),
        ("crêpes", {"Pancakes"}),
        ("zurich", {"Zürich trip"}),
        ("flour eggs", {"Pancakes"}),
        ("eggs flour", {"Pancakes"}),
        ('"three eggs"', {"Pancakes"}),
        ('"eggs three"', set()),
        ("egg", set()),
        ("egg*", {"Pancakes", "Breakfast"}),
        ("bo*", {"Breakfast"}),
        ("eggs -flour", {"Breakfast"}),
        ('eggs -"six minutes"', {"Pancakes", "Breakfast"}),
        ("-eggs", {"Pancakes", "Zürich trip", "東京"}),
        ("title:pancakes", {"Pancakes"}),
        ("title:zürich zug", {"Zürich trip"}),
        ("title:pancakes minutes", set()),
        ("breakfast", {"Breakfast"}),
        ("task:music", {"Zürich trip"}),
        ("task:music eggs", set()),
        ("model:maker/tiny", {"Pancakes"}),
        ("role:me eggs", {"Breakfast"}),
        ("role:assistant eggs", {"Pancakes", "Breakfast"}),
        ("from:2026-01-01 eggs", {"Pancakes"}),
        ("until:2025-06 eggs", {"Breakfast"}),
        ("until:2025-05-31 eggs", set()),
        ("from:2025-06-01 until:2025-06-01", {"Breakfast"}),
        ("天気", {"東京"}),
        ("東京", {"東京"}),
        ("🚂", {"Zürich trip"}),
        ("-🚂 task:music", {"Zürich trip"}),
        ("*", {"東京"}),
        ("don't", {"東京"}),
        ("100%", {"東京"}),
        ("c++", {"東京"}),
        ("NOT", set()),
        ("AND OR NOT", set()),
        ("http://eggs", set()),
        ("NEAR(eggs flour)", set()),
        ("body:eggs", set()),
        ("eggs OR", set()),
        ("'; DROP TABLE messages; --", set()),
        ("^eggs", {"Pancakes", "Breakfast"}),
        ("{eggs}", {"Pancakes", "Breakfast"}),
        ('eggs"', {"Pancakes", "Breakfast"}),
    ],
)
def test_what_is_found(kitchen: Household, owner: User, text: str, expected: set[str]) -> None:
    assert found(kitchen, owner, text) == expected


def test_folders_and_the_trash(kitchen: Household, owner: User) -> None:
    chats = kitchen.conversations
    pancakes = chats.find(owner, "Pancakes")
    chats.move(owner, pancakes, "Food")
    assert found(kitchen, owner, "in:Food") == {"Pancakes"}
    assert found(kitchen, owner, 'in:"Food" eggs') == {"Pancakes"}
    chats.delete(owner, pancakes)
    assert found(kitchen, owner, "eggs") == {"Breakfast"}
    assert found(kitchen, owner, "pancakes") == set()
    chats.restore(owner, pancakes)
    chats.archive(owner, pancakes)
    assert found(kitchen, owner, "eggs") == {"Pancakes", "Breakfast"}, "the archive is searched, too"


def test_nobody_finds_what_is_somebody_elses(kitchen: Household, child: User) -> None:
    tell(kitchen, child, "Mine", "eggs for me")
    assert found(kitchen, child, "eggs") == {"Mine"}
    assert found(kitchen, child, "pancakes") == set()
    assert found(kitchen, child, "-nothing") == {"Mine"}
    assert found(kitchen, child, "天気") == set()


def test_the_index_follows_every_change(kitchen: Household, owner: User) -> None:
    chats = kitchen.conversations
    breakfast = chats.find(owner, "Breakfast")
    chats.rename(owner, breakfast, "Morning")
    assert found(kitchen, owner, "breakfast") == set()
    assert found(kitchen, owner, "morning") == {"Morning"}
    answer = chats.messages(owner, breakfast)[-1]
    store = MessageStore(kitchen.database)
    store.resume(answer, "somebody")
    assert found(kitchen, owner, "minutes") == set(), "a growing answer is not in it yet"
    store.checkpoint(answer.id, "Fry them", "")
    WritingStore(kitchen.database).mark_cut_off("somebody")
    assert found(kitchen, owner, "fry") == {"Morning"}
    assert found(kitchen, owner, "minutes") == set()
    chats.delete_message(owner, breakfast, answer.id)
    assert found(kitchen, owner, "fry") == set()
    chats.delete(owner, breakfast)
    chats.empty_trash(owner)
    assert found(kitchen, owner, "morning") == set()
    for name in ("search_" + owner.id.replace("-", ""),):
        kitchen.database.execute(f"INSERT INTO {name} ({name}) VALUES ('integrity-check')")


def test_a_removed_person_leaves_no_index(kitchen: Household, owner: User, child: User) -> None:
    tell(kitchen, child, "Mine", "eggs for me")
    kitchen.accounts.people.remove(child.id)
    left = kitchen.database.rows("SELECT name FROM sqlite_master WHERE name LIKE 'search_%'")
    assert {row["name"][:39] for row in left} == {"search_" + owner.id.replace("-", "")}
    assert kitchen.database.rows("SELECT 1 FROM messages WHERE content LIKE '%for me%'") == []


def test_some_words_are_better_than_nothing(kitchen: Household, owner: User) -> None:
    page = kitchen.search.find(owner, "eggs zürich")
    assert page.loosened
    assert set(titles(page)) == {"Pancakes", "Breakfast", "Zürich trip"}
    assert kitchen.search.find(owner, "eggs zürich", all_words=True).hits == ()
    assert not kitchen.search.find(owner, "eggs flour").loosened


def test_recent_and_titled_ones_come_first(household: Household, owner: User, clock: ManualClock) -> None:
    now = timestamp(clock())
    tell(household, owner, "one", "a long story about a dragon in a cave far away", at="2020-01-01T00:00:00.000Z")
    tell(household, owner, "two", "a long story about a dragon in a cave far away", at=now)
    tell(household, owner, "three", "a dragon dragon dragon", at="2020-01-01T00:00:00.000Z")
    assert titles(household.search.find(owner, "dragon")) == ["three", "two", "one"]
    tell(household, owner, "Dragon", "something else", at="2020-01-01T00:00:00.000Z")
    page = household.search.find(owner, "dragon")
    assert titles(page)[0] == "Dragon"
    assert page.hits[0].message_id is None
    assert page.hits[0].title.marks == ((0, 6),)


def test_a_conversation_is_one_hit(household: Household, owner: User) -> None:
    tell(household, owner, "much", "apples", "apples and apples", "pears", "apples again")
    (hit,) = household.search.find(owner, "apples").hits
    assert hit.others == 2
    assert hit.snippet is not None
    assert hit.author in set(Author)


def test_pages_follow_each_other(household: Household, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        tell(household, owner, f"talk {number}", "plums")
    for bound in (500, 7):
        monkeypatch.setattr(search_store, "CANDIDATES", bound)
        monkeypatch.setattr("familychat.searching.CANDIDATES", bound)
        seen: list[Hit] = []
        after = None
        for _ in range(25):
            page = household.search.find(owner, "plums", limit=10, after=after)
            seen += page.hits
            after = page.after
            if after is None:
                break
        assert len(seen) == 25
        assert len({hit.conversation.id for hit in seen}) == 25
    assert titles(household.search.find(owner, "plums", after="nonsense")), "an odd page is the first one"


def test_snippets_show_the_place() -> None:
    text = "word " * 200 + "the Crêpes are\nready " + "word " * 200
    terms = parse("crepes", date(2026, 1, 1)).terms
    snippet = marked(text, terms)
    assert len(snippet.text) <= 162
    assert snippet.text.startswith("…word")
    assert "\n" not in snippet.text
    ((start, end),) = snippet.marks
    assert snippet.text[start:end] == "Crêpes"
    assert marked("short", terms).text == "short"
    assert marked("all about crepes", terms, 16).text == "all about crepes", "a text that fits is shown whole"


@given(st.text(max_size=60))
def test_folding_keeps_every_place(text: str) -> None:
    assert len(folded(text)) == len(text)


def test_places_are_whole_words() -> None:
    terms = parse('cat "big dog" ca*', date(2026, 1, 1)).terms
    text = "concat cat, big  DOG cats"
    assert [text[start:end] for start, end in places(text, terms)] == ["cat", "big  DOG", "ca"]


@pytest.mark.parametrize("text", ["", "   ", '"', '""', "-", "title:", "x" * 1001, "a " * 33])
def test_searches_that_say_nothing_or_too_much(household: Household, owner: User, text: str) -> None:
    if text in {"-", "title:"}:  # words like any other
        assert household.search.find(owner, text).hits == ()
        return
    with pytest.raises(InvalidInputError):
        household.search.find(owner, text)


@pytest.mark.parametrize(
    "text", ["from:soon", "from:2026-13", "until:2026-02-30", "from:0000", "from:99999", "role:cook"]
)
def test_fields_that_say_nothing(household: Household, owner: User, text: str) -> None:
    with pytest.raises(InvalidInputError):
        household.search.find(owner, text)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=80), st.text(alphabet="\"*()^:-+ ANDORNOTNEAR{}'\\\0éß日🚂x", max_size=40)))
def test_any_text_is_a_search(kitchen: Household, owner: User, text: str) -> None:
    try:
        page = kitchen.search.find(owner, text)
    except InvalidInputError:
        return
    for hit in page.hits:
        for start, end in hit.snippet.marks if hit.snippet else ():
            assert hit.snippet is not None
            assert 0 <= start < end <= len(hit.snippet.text)
