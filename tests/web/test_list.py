"""The left pane: the list with its groups and pages, organising, the trash, and searching."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from familychat.household import Household
from familychat.models import (
    Author,
    Band,
    Conversation,
    LimitKind,
    QuietHours,
    Quota,
    Status,
    Subject,
    SupervisionLevel,
    Usage,
    User,
)
from familychat.store.conversations import ConversationStore
from familychat.store.limits import LimitStore
from familychat.store.messages import MessageStore
from familychat.testing import ManualClock
from familychat_web.listing import PAGE
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
AT = "2026-01-31T12:00:00.000Z"
clock = ManualClock()  # Saturday, 2026-01-31, 19:00 in Berlin


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with family_page(
        Path(tmp_path_factory.mktemp("family")) / "data",
        "child",
        "cousin",
        password=PASSWORD,
        household=lambda settings: Household(settings, clock=clock),
        time_zone="Europe/Berlin",
    ) as running:
        yield running


@pytest.fixture
def person(family: Running, child: Browser) -> Iterator[User]:
    """The child, who has no conversations before and after."""
    found = family.home.accounts.people.by_username("child")
    assert found is not None
    yield found
    family.home.database.execute("DELETE FROM conversations WHERE owner_id = ?", [found.id])


def begun(family: Running, person: User, title: str, at: str = AT) -> Conversation:
    return ConversationStore(family.home.database).add(person.id, at, title=title, task="general")


def told(family: Running, person: User, title: str, question: str, answer: str) -> Conversation:
    conversation = begun(family, person, title)
    store = MessageStore(family.home.database)
    asked = store.add_question(conversation, question, None, AT)
    answered = store.add_answer(conversation, asked.id, "nobody", AT)
    store.finish(answered.id, Status.COMPLETE, content=answer, reasoning="", model=None, usage=Usage(), error=None)
    return conversation


def rows(response: httpx.Response) -> list[str]:
    """The headings and the titles, in their order."""
    found = re.findall(r"<h2>([^<]*)</h2>|<a class=\"chat-link\"[^>]*>([^<]*)</a>", response.text)
    return [html.unescape((heading and f"# {heading}") or title) for heading, title in found]


def test_pinned_first_then_by_the_households_days(family: Running, child: Browser, person: User) -> None:
    for title, at in [
        ("An hour ago", "2026-01-31T17:00:00.000Z"),
        ("Just after midnight", "2026-01-30T23:30:00.000Z"),
        ("Just before midnight", "2026-01-30T22:30:00.000Z"),
        ("On Monday", "2026-01-26T09:00:00.000Z"),
        ("On Sunday", "2026-01-25T09:00:00.000Z"),
        ("At Christmas", "2025-12-24T18:00:00.000Z"),
        ("Long ago", "0001-01-01T00:00:00.000Z"),
    ]:
        begun(family, person, title, at)
    kept = begun(family, person, "A recipe", "2024-03-01T00:00:00.000Z")
    family.home.conversations.pin(person, kept)
    assert rows(child.get("/list")) == [
        "# Pinned", "A recipe",
        "# Today", "An hour ago", "Just after midnight",
        "# Yesterday", "Just before midnight",
        "# This week", "On Monday",
        "# January", "On Sunday",
        "# December 2025", "At Christmas",
        "# January 1", "Long ago",
    ]  # fmt: skip
    clock.move(hours=6)
    try:
        assert rows(child.get("/list"))[2:5] == ["# Yesterday", "An hour ago", "Just after midnight"]
    finally:
        clock.move(hours=-6)


def test_every_page_has_it_and_it_asks_nobody_elses(family: Running, child: Browser, person: User) -> None:
    begun(family, person, "Secret plans")
    for path in ("/", "/account", "/trash", "/list?whole=1"):
        assert "Secret plans" in child.get(path).text
    assert "Secret plans" not in family.signed_in("mum", PASSWORD).get("/list").text


def test_pages_follow_each_other_without_gaps(family: Running, child: Browser, person: User) -> None:
    titles = [f"Talk {number:03}" for number in range(2 * PAGE + 5)]
    for number, title in enumerate(titles):
        begun(family, person, title, f"2026-01-31T12:{number // 60:02}:{number % 60:02}.000Z")
    seen, address, pages = [], "/list", 0
    while address:
        response = child.get(address)
        seen += rows(response)
        pages += 1
        older = re.search(r'data-older="([^"]+)"', response.text)
        address = html.unescape(older[1]) if older else ""
    assert seen == ["# Today", *reversed(titles)], "the heading isn't repeated"
    assert pages == 3
    foreign = family.signed_in("cousin", PASSWORD).get("/list", params={"after": address_of(family, person)})
    assert foreign.status_code == 404


def address_of(family: Running, person: User) -> str:
    return family.home.conversations.newest(person, 1)[0].id


def test_it_is_sent_again_only_if_it_changed(family: Running, child: Browser, person: User) -> None:
    one = begun(family, person, "Before")

    def asked(state: str) -> httpx.Response:
        return child.get("/list", headers={"if-none-match": state})

    state = child.get("/list").headers["etag"]
    assert asked(state).status_code == 304
    for change in (
        lambda: family.home.conversations.rename(person, one, "After"),
        lambda: family.home.conversations.move(person, one, "School"),
        lambda: family.home.conversations.pin(person, one),
        lambda: begun(family, person, "Another"),
        lambda: family.home.conversations.delete(person, one),
    ):
        change()
        response = asked(state)
        assert response.status_code == 200
        assert response.headers["etag"] != state
        state = response.headers["etag"]
    assert asked(state).status_code == 304


def test_renaming_pinning_archiving_and_moving(family: Running, child: Browser, person: User) -> None:
    older = begun(family, person, "Older", "2026-01-31T10:00:00.000Z")
    begun(family, person, "Newer", "2026-01-31T11:00:00.000Z")
    there = f"/c/{older.id}"
    child.get("/")
    assert child.post(f"{there}/rename", title="  Better  <b>", next="/trash").headers["location"] == "/trash"
    assert rows(child.get("/list")) == ["# Today", "Newer", "Better <b>"], "renaming never reorders"
    assert child.post(f"{there}/rename", title=" ").status_code == 422
    child.post(f"{there}/pin")
    assert rows(child.get("/list"))[:2] == ["# Pinned", "Better <b>"]
    child.post(f"{there}/unpin")
    child.post(f"{there}/move", folder="School & home")
    response = child.get("/list")
    (folder,) = re.findall(r'data-list="(/list\?folder=[^"]+)"', response.text)
    assert rows(child.get(html.unescape(folder))) == ["# Today", "Better <b>"]
    child.post(f"{there}/move", folder="")
    assert "School" not in child.get("/list").text
    child.post(f"{there}/archive")
    assert rows(child.get("/list")) == ["# Today", "Newer"]
    assert rows(child.get("/list?archived=1")) == ["# Today", "Better <b>"]
    child.post(f"{there}/unarchive")
    assert len(rows(child.get("/list"))) == 3


def test_the_menu_has_what_fits(family: Running, child: Browser, person: User) -> None:
    one = begun(family, person, "Mine")
    menu = child.get(f"/c/{one.id}/organise?whole=0").text
    assert "<html" not in menu
    assert (">Pin<" in menu, ">Unpin<" in menu, ">Archive it<" in menu) == (True, False, True)
    family.home.conversations.pin(person, one)
    family.home.conversations.archive(person, one)
    whole = child.get(f"/c/{one.id}/organise").text
    assert "<html" in whole
    assert (">Unpin<" in whole, ">Take out of the archive<" in whole) == (True, True)


def test_scripts_get_an_empty_answer_or_problem_details(family: Running, child: Browser, person: User) -> None:
    one = begun(family, person, "Mine")
    child.get("/")
    headers = {"accept": "application/json", "x-csrf-token": child.csrf, "origin": family.address}
    done = child.client.post(f"/c/{one.id}/rename", data={"title": "Ours"}, headers=headers)
    assert (done.status_code, done.content) == (204, b"")
    refused = child.client.post(f"/c/{one.id}/rename", data={"title": ""}, headers=headers)
    assert (refused.status_code, refused.json()["detail"]) == (422, "A title can't be empty.")


def test_deleting_can_be_undone_and_the_trash_emptied(family: Running, child: Browser, person: User) -> None:
    one, other = begun(family, person, "One"), begun(family, person, "Other")
    child.get("/")
    after = child.post(f"/c/{one.id}/delete").headers["location"]
    assert after == f"/?undo={one.id}"
    assert f'action="/c/{one.id}/restore"' in child.get(after).text
    assert "/restore" not in family.signed_in("cousin", PASSWORD).get(after).text
    assert rows(child.get("/list")) == ["# Today", "Other"]
    assert child.post(f"/c/{one.id}/restore").headers["location"] == f"/c/{one.id}"
    assert "/restore" not in child.get(after).text, "nothing is left to undo"
    for conversation in (one, other):
        child.post(f"/c/{conversation.id}/delete")
    trash = child.get("/trash").text
    assert "Delete 2 conversations for good?" in trash
    child.post(f"/c/{one.id}/restore", next="/trash")
    assert child.post("/trash/empty").headers["location"] == "/trash"
    assert "The trash is empty." in child.get("/trash").text
    assert [left.id for left in family.home.conversations.newest(person)] == [one.id]


def test_searching_marks_what_was_found(family: Running, child: Browser, person: User) -> None:
    told(family, person, "Dinner", "What is <i>saffron</i> good for?", "Saffron & rice.")
    told(family, person, "Saffron walks", "Where to?", "Nowhere.")
    text = child.get("/search", params={"q": "saffron"}).text
    assert "&lt;i&gt;<mark>saffron</mark>&lt;/i&gt;" in text or "<mark>Saffron</mark> &amp; rice." in text
    assert "<mark>Saffron</mark> walks" in text
    assert "<i>" not in text
    assert "2 conversations were found." in text
    whole = child.get("/search", params={"q": "saffron", "whole": "1"}).text
    assert 'value="saffron"' in whole
    assert "<mark>Saffron</mark> walks" in whole
    assert "Nothing was found." in child.get("/search", params={"q": "zebra"}).text
    assert "Nothing has all of these words." in child.get("/search", params={"q": "saffron zebra"}).text
    assert "found" not in child.get("/search", params={"q": "  "}).text
    assert "<mark>" not in family.signed_in("cousin", PASSWORD).get("/search", params={"q": "saffron"}).text


@pytest.mark.parametrize("q", ['"', "-", "in:", "*", "a" * 5000, "\x00", "%", "<script>"])
def test_any_text_is_a_search(child: Browser, q: str) -> None:
    assert child.get("/search", params={"q": q}).status_code == 200


def test_more_hits_follow(family: Running, child: Browser, person: User) -> None:
    for number in range(25):
        told(family, person, f"Talk {number}", "About the marmot?", "Yes.")
    first = child.get("/search", params={"q": "marmot"})
    more = re.search(r'data-older="([^"]+)"', first.text)
    assert more is not None
    second = child.get(html.unescape(more[1]))
    assert [len(re.findall("/reveal/", page.text)) for page in (first, second)] == [20, 5]
    assert "data-older" not in second.text


def test_a_hit_leads_to_its_message_in_whichever_version(family: Running, child: Browser, person: User) -> None:
    one = told(family, person, "Pets", "Tell me of otters", "They swim.")
    store = MessageStore(family.home.database)
    conversation = family.home.conversations.get(person, one.id)
    edited = store.add_question(conversation, "Tell me of cats", None, AT)
    store.show(conversation, edited)
    (action,) = re.findall(r'action="(/c/[^"]+/reveal/[^"]+)"', child.get("/search", params={"q": "otters"}).text)
    message = action.rpartition("/")[2]
    child.get("/")
    assert child.post(action).headers["location"] == f"/c/{one.id}#message-{message}"
    shown = family.home.conversations.messages(person, one)
    assert (shown[0].author, shown[0].content) == (Author.USER, "Tell me of otters")


def test_supervision_and_limits_are_told_on_every_page(family: Running, child: Browser, person: User) -> None:
    home = family.home
    assert 'class="standing' not in child.get("/").text
    mum = home.accounts.people.by_username("mum")
    assert mum is not None
    LimitStore(home.database).put_quota(Quota(Subject(user_id=person.id), LimitKind.MESSAGES, 5), AT)
    home.accounts.set_band(mum, "child", Band.CHILD)
    home.supervisions.set(mum, "child", SupervisionLevel.SUMMARY)
    for path in ("/", "/trash", "/account"):
        text = child.get(path).text
        assert "5 questions left today." in text
        assert "but not what you write." in text
    home.limits.count_turn(person, "general")
    assert "4 questions left today." in child.get("/").text
    home.supervisions.summary(mum, "child")
    assert '<td title="supervision.look">looked at what was asked</td>' in child.get("/account/activity").text
    home.supervisions.set(mum, "child", SupervisionLevel.FULL)
    assert "and may read it." in child.get("/").text


def test_suggestions_lead_to_a_new_conversation(child: Browser) -> None:
    text = child.get("/").text
    assert 'href="/new?task=homework"' in text
    links = [html.unescape(link) for link in re.findall(r'href="(/new\?task=[^"]+&amp;q=[^"]+)"', text)]
    assert links
    assert child.get(links[0]).status_code == 200


def test_quiet_time_is_told_an_hour_before_and_while_it_lasts(family: Running, child: Browser, person: User) -> None:
    hours = [QuietHours(Subject(user_id=person.id), day, "21:30", "07:00") for day in range(7)]
    LimitStore(family.home.database).put_hours(Subject(user_id=person.id), hours, AT)
    assert "Quiet time begins" not in child.get("/").text
    assert "Quiet time begins next at 21:30." in child.get("/account").text
    try:
        clock.move(hours=2)
        assert "Quiet time begins at 21:30." in child.get("/").text
        clock.move(hours=1)
        assert "It is quiet time until 07:00." in child.get("/").text
    finally:
        clock.move(hours=-3)
