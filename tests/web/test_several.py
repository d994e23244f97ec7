"""Doing one thing with several conversations: those that are ticked, or all of a folder, the archive or a search."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

import httpx
import pytest
from selenium.webdriver.common.keys import Keys

from familychat.models import Conversation, User
from familychat.store.conversations import ConversationStore
from familychat_web.controllers.several import SHOWN
from familychat_web.screens import Screen
from familychat_web.testing import Browser, Running

AT = "2026-01-31T18:05:00.123Z"
PASSWORD = "quiet little river"


@pytest.fixture
def person(family: Running, child: Browser) -> Iterator[User]:
    """The child, who has no conversations before and after."""
    found = family.home.accounts.people.by_username("child")
    assert found is not None
    yield found
    family.home.database.execute("DELETE FROM conversations WHERE owner_id = ?", [found.id])


def begun(family: Running, person: User, *titles: str) -> list[Conversation]:
    store = ConversationStore(family.home.database)
    return [store.add(person.id, AT, title=title, task="general") for title in titles]


def titles(family: Running, person: User) -> set[str]:
    return {one.title for one in family.home.conversations.newest(person)}


def send(browser: Browser, *ones: Conversation, path: str = "/several", **fields: str) -> httpx.Response:
    """The form with some of them ticked."""
    ticked = {"one": [one.id for one in ones]}
    headers = {"origin": browser.address, "sec-fetch-site": "same-origin"}
    return browser.client.post(path, data={"csrf": browser.csrf, **ticked, **fields}, headers=headers)


def test_what_is_ticked_is_moved_pinned_and_archived(family: Running, child: Browser, person: User) -> None:
    one, two, three = begun(family, person, "One", "Two", "Three")
    chats = family.home.conversations
    done = send(child, one, two, do="move", to="School")
    assert done.headers["location"] == "/several?did=move&count=2"
    assert "2 conversations were moved." in child.get(done.headers["location"]).text
    assert chats.folders(person) == {"School": 2}
    send(child, one, two, do="move", to=" ")
    assert chats.folders(person) == {}
    send(child, two, do="pin")
    assert chats.newest(person)[0].title == "Two"
    send(child, two, three, do="unpin")
    assert not any(found.pinned for found in chats.newest(person))
    assert send(child, one, three, do="archive").status_code == 303
    assert titles(family, person) == {"Two"}
    assert re.findall(r'<span dir="auto">([^<]+)', child.get("/several?archived=1").text) == ["Three", "One"]
    done = send(child, archived="1", all="1", do="unarchive")
    assert "archived=1" in done.headers["location"]
    assert titles(family, person) == {"One", "Two", "Three"}


def test_what_is_deleted_can_be_brought_back_at_once(family: Running, child: Browser, person: User) -> None:
    one, two, three = begun(family, person, "One", "Two", "Three")
    family.home.conversations.delete(person, three)
    done = send(child, one, two, do="delete")
    assert titles(family, person) == set()
    html = child.get(done.headers["location"]).text
    assert "2 conversations are in the trash." in html
    (at,) = re.findall(r'name="at" value="([^"]+)"', html)
    cousin = family.signed_in("cousin", PASSWORD)
    assert cousin.post("/several/restore", at=at).headers["location"] == "/several?did=restore&count=0"
    assert titles(family, person) == set()
    assert child.post("/several/restore", at=at).status_code == 303
    assert titles(family, person) == {"One", "Two"}, "what was deleted before stays in the trash"


def test_all_of_a_folder_and_of_a_search(family: Running, child: Browser, person: User) -> None:
    many = begun(family, person, *(f"Marmot {number}" for number in range(SHOWN + 5)))
    (other,) = begun(family, person, "Other")
    chats = family.home.conversations
    html = child.get("/several", params={"q": "marmot"}).text
    assert len(re.findall('name="one"', html)) == SHOWN
    assert f"All of them: {SHOWN + 5} conversations" in html
    send(child, many[0], all="1", q="marmot", do="move", to="Animals")
    assert chats.folders(person) == {"Animals": SHOWN + 5}
    send(child, all="1", folder="Animals", do="delete")
    assert titles(family, person) == {other.title}


def test_nothing_happens_unless_all_of_it_can(family: Running, child: Browser, person: User) -> None:
    (mine,) = begun(family, person, "Mine")
    cousin = family.home.accounts.people.by_username("cousin")
    assert cousin is not None
    (theirs,) = begun(family, cousin, "Theirs")
    assert send(child, mine, theirs, do="delete").status_code == 404
    assert titles(family, person) == {"Mine"}
    assert titles(family, cousin) == {"Theirs"}
    assert send(child, theirs, path="/several/export", format="md").status_code == 404
    nothing = send(child, do="delete")
    assert (nothing.status_code, "Nothing is ticked." in nothing.text) == (422, True)
    assert send(child, mine, do="explode").status_code == 422
    assert send(child, mine, do="move", to="x" * 100).status_code == 422
    assert "Nothing is ticked." not in child.get("/several?q=%22").text
    assert send(child, all="1", q='"', do="delete").status_code == 422


def test_they_can_be_taken_along(family: Running, child: Browser, person: User) -> None:
    one, _, three = begun(family, person, "One", "Two", "Three")
    made = send(child, one, three, path="/several/export", format="md")
    assert (made.status_code, made.headers["content-type"]) == (200, "application/zip")
    names = zipfile.ZipFile(io.BytesIO(made.content)).namelist()
    assert sorted(name.removesuffix(".md") for name in names) == ["One", "Three"]
    assert send(child, one, path="/several/export", format="doc").status_code == 422


def test_ticking_and_undoing(screen: Screen, family: Running, person: User) -> None:
    begun(family, person, "First", "Second", "Third")
    screen.sign_in("child")
    screen.pane()
    screen.see("#conversations .away a", "Choose several").click()
    screen.see("label", "All of them: 3 conversations").click()
    boxes = "return [...document.querySelectorAll('[name=one], [name=all]')].map((one) => one.checked)"
    assert screen.run(boxes) == [True, True, True, True]
    screen.see("label", "Second").click()
    assert screen.run(boxes) == [False, True, False, True]
    assert not screen.overflows()
    screen.see("button[value=delete]").click()
    screen.see(".undo", "2 conversations are in the trash.")
    assert [one.text for one in screen.all(".ticks label")] == ["All of them: 1 conversation", "Second"]
    screen.see(".undo button").click()
    screen.see("[role=status]", "2 conversations are back.")
    assert titles(family, person) == {"First", "Second", "Third"}


def test_by_keyboard_and_on_the_smallest_phone(wide: Screen, family: Running, person: User) -> None:
    begun(family, person, "First", "Second")
    wide.fresh((320, 640))
    wide.sign_in("child")
    wide.open("/several")
    wide.run("document.querySelector('[name=one]').focus()")
    wide.press(Keys.SPACE)
    wide.run("document.querySelector('.ticked summary').focus()")
    wide.press(Keys.ENTER)
    wide.see("[name=to]")
    assert not wide.overflows()
    wide.run("document.querySelector('[name=to]').focus()")
    wide.press("Home work")
    wide.see("button[value=move]").send_keys(Keys.ENTER)
    wide.see("[role=status]", "1 conversation was moved.")
    assert family.home.conversations.folders(person) == {"Home work": 1}


def test_after_a_download_the_page_can_be_used_on(wide: Screen, family: Running, person: User) -> None:
    begun(family, person, "First")
    wide.sign_in("child")
    wide.open("/several")
    wide.see("label", "All of them").click()
    wide.see(".ticked summary").click()
    wide.see("[data-download]").click()
    wide.run("return new Promise((done) => setTimeout(done, 300))")
    assert wide.see("[data-download]").is_enabled()
