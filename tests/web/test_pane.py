"""The left pane in a real Chromium: organising in place, searching as one types, other tabs, and a phone's drawer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from familychat.models import Conversation, User
from familychat.store.conversations import ConversationStore
from familychat_web.listing import PAGE
from familychat_web.screens import PHONE, WIDE, Screen
from familychat_web.testing import Running

Begin = Callable[[str], Conversation]


@pytest.fixture
def person(family: Running) -> Iterator[User]:
    """The child, who has no conversations before and after."""
    found = family.home.accounts.people.by_username("child")
    assert found is not None
    yield found
    family.home.database.execute("DELETE FROM conversations WHERE owner_id = ?", [found.id])


@pytest.fixture
def begin(family: Running, person: User) -> Begin:
    """Begins a conversation with this title, each later than the one before."""
    minutes = itertools.count()
    store = ConversationStore(family.home.database)

    def begun(title: str) -> Conversation:
        hours, minute = divmod(next(minutes), 60)
        return store.add(person.id, f"2026-01-31T{8 + hours:02}:{minute:02}:00.000Z", title=title, task="general")

    return begun


@pytest.fixture
def pets(wide: Screen, begin: Begin) -> Screen:
    """The child at the start page, with three conversations: Fish, Dogs, Cats."""
    for title in ("Cats", "Dogs", "Fish"):
        begin(title)
    wide.sign_in("child")
    return wide


def row(screen: Screen, title: str) -> WebElement:
    return screen.see("#list .rows li", title)


def menu(screen: Screen, title: str) -> None:
    """Open what can be done with a conversation, as somebody with a mouse does."""

    def opened() -> bool:
        more = row(screen, title).find_element("css selector", ".chat-more")
        ActionChains(screen.driver).move_to_element(more).click().perform()
        return True

    screen.until(opened)
    screen.see(".row-menu")


def rename(screen: Screen, title: str, *keys: str) -> None:
    screen.type("#list .chat-link", title, Keys.F2)
    screen.until(lambda: screen.focused.tag_name == "input")
    screen.press(*keys)


def test_escape_gives_a_new_title_up_and_going_elsewhere_keeps_it(pets: Screen) -> None:
    rename(pets, "Dogs", "Wolves", Keys.ESCAPE)
    assert pets.titles() == ["Fish", "Dogs", "Cats"]
    assert pets.focused.text == "Dogs", "one is where one was"
    rename(pets, "Dogs", "Wolves", Keys.TAB)
    pets.see("#list .chat-link", "Wolves")
    rename(pets, "Cats", Keys.BACKSPACE, Keys.ENTER)
    pets.driver.refresh()
    assert pets.titles() == ["Fish", "Wolves", "Cats"], "a title can't be empty"


def test_the_menu_by_keyboard(pets: Screen) -> None:
    more = row(pets, "Dogs").find_element("css selector", ".chat-more")
    more.send_keys(Keys.SPACE)
    pets.see(".row-menu")
    assert more.get_attribute("aria-expanded") == "true"
    pets.press(Keys.ESCAPE)
    pets.gone(".row-menu")
    assert more.get_attribute("aria-expanded") == "false"
    assert pets.focused == more


def test_pinning_and_archiving(pets: Screen) -> None:
    menu(pets, "Cats")
    pets.see(".row-menu button", "Pin").click()
    pets.see("#list h2", "Pinned")
    assert pets.titles() == ["Cats", "Fish", "Dogs"]
    menu(pets, "Fish")
    pets.see(".row-menu button", "Archive it").click()
    pets.gone("#list .chat-link", "Fish")
    pets.click("#list a", "Archive")
    pets.see("#list .view", "Archive")
    assert pets.titles() == ["Fish"]
    pets.click("#list a", "All conversations")
    pets.see("#list .chat-link", "Dogs")
    assert pets.titles() == ["Cats", "Dogs"]


def test_folders(pets: Screen) -> None:
    menu(pets, "Dogs")
    pets.see("#organise-folder").send_keys("At home", Keys.ENTER)
    pets.click("#list summary", "Folders")
    pets.click("#list a", "At home")
    pets.see("#list .view", "At home")
    assert pets.titles() == ["Dogs"]


def test_deleting_and_undoing(pets: Screen) -> None:
    menu(pets, "Dogs")
    pets.see(".row-menu button", "Move to the trash").click()
    pets.gone("#list .chat-link", "Dogs")
    assert pets.focused == pets.see(".undo button", "Undo"), "Enter would undo it"
    pets.press(Keys.ENTER)
    pets.see("#list .chat-link", "Dogs")
    assert pets.titles() == ["Fish", "Dogs", "Cats"]
    pets.gone(".undo")


def test_deleting_the_open_conversation_leads_home(pets: Screen) -> None:
    pets.click("#list .chat-link", "Dogs")
    pets.see("h1", "Dogs")
    menu(pets, "Dogs")
    pets.see(".row-menu button", "Move to the trash").click()
    pets.see("main .undo", "“Dogs” is in the trash.")
    assert pets.titles() == ["Fish", "Cats"]
    pets.see("main .undo button").click()
    pets.see("h1", "Dogs")
    assert pets.titles() == ["Fish", "Dogs", "Cats"]


def test_searching_as_one_types(pets: Screen, begin: Begin) -> None:
    begin("Submarines under water")
    begin("Sandwiches")
    field = pets.see("#conversations input[type=search]")
    field.send_keys("subm")
    pets.see("#hits mark", "Subm")
    assert len(pets.all("#hits .hit")) == 1
    assert not pets.all("#list")
    field.send_keys("o")
    pets.see("#hits", "Nothing was found.")
    field.send_keys(Keys.BACKSPACE, "arines", Keys.ENTER)
    pets.see("#hits .hit", "Submarines").click()
    pets.see("h1", "Submarines")
    pets.open("/")
    pets.see("#conversations input[type=search]").send_keys("subm", *[Keys.BACKSPACE] * 4)
    pets.see("#list .chat-link", "Sandwiches")
    pets.gone("#hits")


def test_more_of_them_come_when_asked_for_and_stay(wide: Screen, begin: Begin) -> None:
    for number in range(PAGE + 3):
        begin(f"Talk {number:03}")
    wide.sign_in("child")
    assert len(wide.titles()) == PAGE
    older = wide.see("#list .older a")
    wide.run("arguments[0].scrollIntoView()", older)
    older.click()
    wide.see("#list .chat-link", "Talk 000")
    assert wide.titles() == [f"Talk {number:03}" for number in reversed(range(PAGE + 3))]
    assert wide.focused.text == "Talk 002", "on to the first of them"
    begin("One more")
    wide.see("#list .chat-link", "One more")
    assert len(wide.titles()) >= PAGE + 3, "as many pages as before"


def test_what_happens_elsewhere_comes_by_itself(pets: Screen, family: Running, person: User, begin: Begin) -> None:
    pets.run("arguments[0].focus()", pets.see("#list .chat-link", "Cats"))
    mice = begin("Mice")
    pets.see("#list .chat-link", "Mice")
    family.home.conversations.rename(person, mice, "Rats")
    pets.see("#list .chat-link", "Rats")
    assert pets.titles() == ["Rats", "Fish", "Dogs", "Cats"]
    assert pets.focused.text == "Cats", "and one stays where one was"


def test_a_change_that_fails_says_so(pets: Screen) -> None:
    line = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    pets.cdp("Network.enable")
    pets.cdp("Network.emulateNetworkConditions", offline=True, **line)
    try:
        rename(pets, "Dogs", "Wolves", Keys.ENTER)
        pets.see("#list-status", "That did not work. Nothing was changed.")
        assert pets.titles() == ["Fish", "Dogs", "Cats"]
    finally:
        pets.cdp("Network.emulateNetworkConditions", offline=False, **line)
        pets.cdp("Network.disable")


def test_whoever_was_signed_out_elsewhere_comes_to_the_sign_in(pets: Screen, family: Running, person: User) -> None:
    family.home.sessions.end_others(person, besides=None)
    pets.see("[name=username]")


def test_the_drawer_of_a_phone(wide: Screen, begin: Begin) -> None:
    begin("Cats")
    phone = wide.fresh(PHONE)
    phone.sign_in("child")
    assert not phone.all("#conversations")
    opener = phone.see(".bar .drawer-button")
    opener.send_keys(Keys.ENTER)
    phone.see("#conversations .chat-link", "Cats")
    inside = "return document.getElementById('conversations').contains(document.activeElement)"
    assert phone.run(inside), "the keyboard is in it"
    for _ in range(12):
        phone.press(Keys.TAB)
        assert phone.run(f"{inside} || document.activeElement === document.body"), "and nowhere behind it"
    phone.press(Keys.ESCAPE)
    phone.gone("#conversations")
    assert phone.focused == opener
    phone.see("#main a").send_keys("")
    opener.click()
    phone.see("#conversations .drawer-button").click()
    phone.gone("#conversations")
    opener.click()
    phone.see("#conversations .chat-link", "Cats").click()
    phone.see("h1", "Cats")
    assert not phone.all("#conversations"), "it doesn't stand before what was chosen"
    phone.see(".bar .drawer-button").click()
    phone.see("#conversations")
    phone.resize(WIDE)
    phone.see("main h1", "Cats")
    phone.until(lambda: not phone.driver.find_elements("css selector", "[inert]"))
