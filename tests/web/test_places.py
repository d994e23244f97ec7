"""A place in a long conversation: what is shown around it, how more comes, and that one stays where one was."""

from __future__ import annotations

import re

import pytest
from selenium.webdriver.common.keys import Keys

from familychat.models import Conversation, User
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat_web.screens import Screen
from familychat_web.shown import AT_ONCE
from familychat_web.testing import Browser, Running

AT = "2026-01-31T18:05:00.123Z"
MESSAGES = 160


@pytest.fixture(scope="module")
def person(family: Running) -> User:
    found = family.home.accounts.people.by_username("child")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def talk(family: Running, person: User) -> tuple[Conversation, list[str]]:
    """A long conversation, and the ids of its messages; number 20 says otter."""
    store, messages = ConversationStore(family.home.database), MessageStore(family.home.database)
    made = store.add(person.id, AT, title="A long talk", task="general")
    ids: list[str] = []
    for number in range(MESSAGES):
        text = "Otters swim." if number == 20 else f"Message {number}.\n\nIt has a second line."
        ids.append(messages.add_question(made, text, ids[-1] if ids else None, AT).id)
    return store.get(person.id, made.id), ids


def ids_in(html: str) -> list[str]:
    return re.findall(r'data-id="([^"]+)"', html)


def test_a_page_begins_around_a_message(child: Browser, talk: tuple[Conversation, list[str]]) -> None:
    conversation, ids = talk
    where = f"/c/{conversation.id}"
    html = child.get(where, params={"at": ids[20]}).text
    assert (len(ids_in(html)), ids_in(html)) == (46, ids[:46]), "20 before it, itself, and 25 after it"
    assert 'id="composer"' not in html, "asking continues the newest message"
    assert "To the newest messages" in html
    (later,) = re.findall(r'href="[^"]+\?(after=[^"]+)"', html)
    assert ids_in(child.get(f"{where}?{later}").text) == ids[46:96]
    html = child.get(where, params={"at": ids[80]}).text
    assert ids_in(html) == ids[56:106]
    assert f"before={ids[56]}" in html
    html = child.get(f"{where}/shown", params={"after": ids[130]}).text
    assert ids_in(html) == ids[131:]
    assert "after=" not in html, "there is nothing later"
    for near in (ids[-1], ids[-AT_ONCE], "none"):
        html = child.get(where, params={"at": near}).text
        assert ids_in(html) == ids[-AT_ONCE:]
        assert 'id="composer"' in html
    assert child.get(f"{where}/shown", params={"after": "none"}).status_code == 404


def test_a_hit_leads_to_where_its_message_is(child: Browser, talk: tuple[Conversation, list[str]]) -> None:
    conversation, ids = talk
    child.get("/")
    for number, query in ((20, f"?at={ids[20]}"), (MESSAGES - AT_ONCE, "")):
        there = child.post(f"/c/{conversation.id}/reveal/{ids[number]}").headers["location"]
        assert there == f"/c/{conversation.id}{query}#message-{ids[number]}"
        assert ids[number] in ids_in(child.get(there).text)


def test_following_a_hit_in_an_old_message(screen: Screen, talk: tuple[Conversation, list[str]]) -> None:
    conversation, ids = talk
    screen.sign_in("child")
    screen.pane()
    screen.see("input[type=search]").send_keys("otters")
    screen.see("#hits .hit", "Otters swim").click()
    screen.see(f"#message-{ids[20]}", "Otters swim.")
    assert f"at={ids[20]}" in screen.driver.current_url
    box = f"document.getElementById('message-{ids[20]}').getBoundingClientRect()"
    screen.until(lambda: screen.run(f"return {box}.top >= 0 && {box}.bottom <= innerHeight"))
    outline = f"return getComputedStyle(document.getElementById('message-{ids[20]}')).outlineStyle"
    assert screen.run(outline) == "solid", "it is marked"
    screen.click(".newest a")  # what comes as one scrolls moves it
    screen.see("#composer")
    screen.open(f"/c/{conversation.id}#message-{ids[30]}")  # a link that somebody kept
    screen.until(lambda: f"at={ids[30]}" in screen.driver.current_url)
    screen.see(f"#message-{ids[30]}")


def test_more_comes_as_one_scrolls_and_nothing_jumps(wide: Screen, talk: tuple[Conversation, list[str]]) -> None:
    conversation, ids = talk
    wide.sign_in("child")
    wide.open(f"/c/{conversation.id}")
    wide.see(f"#message-{ids[-1]}")
    shown = "return document.querySelectorAll('.message').length"
    assert wide.run(shown) == AT_ONCE, "not before one scrolls"
    top = f"return document.getElementById('message-{ids[-AT_ONCE]}').getBoundingClientRect().top"
    before = wide.run(f"document.getElementById('main').scrollTop = 250; {top}")
    wide.until(lambda: wide.run(shown) == 2 * AT_ONCE)
    assert wide.run(top) == pytest.approx(before, abs=2)
    wide.run("document.getElementById('main').scrollTop = 0")
    wide.until(lambda: wide.run(shown) == 3 * AT_ONCE)
    wide.open(f"/c/{conversation.id}?at={ids[60]}#message-{ids[60]}")
    wide.see(f"#message-{ids[60]}")
    wide.run("document.getElementById('main').scrollTop = 1e6")
    wide.until(lambda: wide.run(shown) > AT_ONCE + 1)
    assert wide.run("return document.querySelectorAll('.later').length") == 1
    assert [one.get_attribute("data-id") for one in wide.all(".message")][-1] in ids


def test_what_belongs_to_the_whole_is_in_reach_everywhere(screen: Screen, talk: tuple[Conversation, list[str]]) -> None:
    conversation, ids = talk
    screen.sign_in("child")
    screen.open(f"/c/{conversation.id}")
    screen.see(f"#message-{ids[-1]}")
    screen.see("#tools summary", "Settings").click()
    box = screen.see("#own-model").rect
    assert 0 <= box["y"] < screen.run("return innerHeight")
    assert screen.run("return document.querySelectorAll('.message').length") == AT_ONCE, "nobody had to scroll for it"


def test_by_keyboard_one_goes_on_where_one_was(wide: Screen, talk: tuple[Conversation, list[str]]) -> None:
    conversation, ids = talk
    wide.sign_in("child")
    wide.open(f"/c/{conversation.id}")
    wide.see(f"#message-{ids[-1]}")
    wide.run("document.querySelector('.earlier a').focus()")
    wide.press(Keys.ENTER)
    wide.until(lambda: wide.focused.get_attribute("data-id") == ids[-AT_ONCE - 1])
