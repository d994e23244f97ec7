"""Asking, in a real Chromium: the field, drafts, copying, other tabs, lost lines, and what goes wrong."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from familychat.clock import new_id
from familychat.documents import ConversationDocument, MessageDocument
from familychat.models import Author, Status
from familychat.testing import FakeOpenAI, Script
from familychat_web.screens import Screen
from familychat_web.testing import Running

NOTES = (
    "# Soup\n\nTake *two* onions.\n\n```python\nsoup = 2 * onion\n```\n\n| What | How much |\n|---|---|\n| Salt | 1 |\n"
)
NUMBERS = [f"n{number} " for number in range(150)]
MANY = 2_000
AT = "2026-01-31T18:05:00.123Z"


def answers(model_server: FakeOpenAI, *pieces: str, delay: float = 0.0, **how: Any) -> None:
    model_server.scripts = [Script(pieces=pieces, delay=delay, **how)]


def conversation(screen: Screen, question: str) -> str:
    """A new one with an answer; where it is."""
    where = f"/c/{screen.begin(question)}"
    screen.see("#send")
    screen.see(".answer .acts")
    return where


@pytest.fixture
def childs(wide: Screen) -> Screen:
    wide.sign_in("child")
    return wide


def height(screen: Screen) -> float:
    found: float = screen.run("return document.getElementById('text').offsetHeight")
    return found


# -- the field


def test_letters_that_are_being_put_together_arent_sent(childs: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, "Hello!")
    childs.open("/new")
    childs.see("#text").click()
    childs.run("addEventListener('keydown', (event) => (window.composing = event.isComposing), true)")
    childs.cdp("Input.imeSetComposition", text="こん", selectionStart=2, selectionEnd=2)
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    childs.cdp("Input.dispatchKeyEvent", type="rawKeyDown", **enter)
    assert childs.run("return composing"), "the browser takes it for a part of the word"
    assert childs.driver.current_url.endswith("/new")
    assert not childs.all(".asked")
    childs.cdp("Input.insertText", text="今日は")
    # Safari ends the word before it tells of the key, with this number alone.
    childs.run(
        "arguments[0].dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 229, bubbles: true}))",
        childs.see("#text"),
    )
    assert not childs.all(".asked")
    childs.press(Keys.ENTER)
    assert childs.see(".asked .text").text == "今日は"
    childs.see(".answer", "Hello!")


def test_a_new_conversation_has_its_title_while_the_answer_is_still_to_come(
    childs: Screen, model_server: FakeOpenAI
) -> None:
    model_server.scripts = [Script(first_delay=60)]
    childs.begin("Why is the sky blue?")
    childs.see("h1", "Why is the sky blue?")
    assert childs.driver.title == "Why is the sky blue? · familychat"
    childs.stop()


def test_the_box_grows_with_its_lines_and_shrinks_again(screen: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, "Thank you.")
    screen.sign_in("child")
    screen.open("/new")
    one_line = height(screen)
    screen.see("#text").click()
    heights = []
    for line in range(4):
        keys = ActionChains(screen.driver).send_keys(f"Line {line}")
        keys.key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
        heights.append(height(screen))
    assert one_line < heights[0] < heights[1] < heights[2] < heights[3]
    screen.see("#text").send_keys("word " * 150)
    assert height(screen) <= screen.run("return innerHeight") / 2, "the conversation can still be seen"
    assert not screen.overflows()
    screen.press(Keys.ENTER)
    screen.see(".answer", "Thank you.")
    assert screen.see(".asked .text").text.startswith("Line 0\nLine 1\nLine 2\nLine 3\nword")
    assert height(screen) == one_line


def test_nothing_but_blanks_isnt_sent(childs: Screen) -> None:
    childs.open("/new")
    childs.see("#text").send_keys("   ", Keys.ENTER)
    childs.see("#text").send_keys(Keys.ENTER)
    assert not childs.all(".asked")
    assert childs.driver.current_url.endswith("/new")


def test_each_conversation_has_its_own_draft(childs: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, "Yes.")
    first, second = (conversation(childs, question) for question in ("One?", "Two?"))
    drafts = {first: "half a first", second: "half a second", "/new": "half a new one"}
    for where, text in drafts.items():
        childs.open(where)
        childs.see("#text").send_keys(text)
    for where, text in drafts.items():
        childs.open(where)
        childs.driver.refresh()
        assert childs.see("#text").get_attribute("value") == text
    childs.open(first)
    childs.see("#text").send_keys(Keys.ENTER)
    childs.until(lambda: len(childs.all(".answer")) == 2)
    childs.driver.refresh()
    assert childs.see("#text").get_attribute("value") == "", "what was sent is no draft any more"
    childs.see("form[action='/sign-out'] button").click()
    childs.see("[name=username]")
    assert childs.run("return localStorage.length") == 0
    childs.sign_in("child")
    childs.open(second)
    assert childs.see("#text").get_attribute("value") == ""


# -- copying


def clipboard(screen: Screen) -> dict[str, str]:
    """What is in it, by kind."""
    script = """
        const done = arguments[0];
        navigator.clipboard.read().then(async ([item]) => {
          const texts = item.types.map(async (kind) => [kind, await (await item.getType(kind)).text()]);
          done(Object.fromEntries(await Promise.all(texts)));
        }).catch((error) => done({ error: String(error) })); // it may be written anew while it is read
    """
    found: dict[str, str] = screen.driver.execute_async_script(script)
    return found


def test_copying_a_message_and_a_block_of_code(childs: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, NOTES)
    conversation(childs, "Soup?")
    allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"]  # whatever isn't named is forbidden
    childs.cdp("Browser.grantPermissions", origin=childs.address, permissions=allowed)
    childs.see(".answer button[data-copy-as=formatted]").click()
    childs.see("#notes", "Copied.")
    copied = clipboard(childs)
    assert copied["text/plain"] == NOTES
    assert "<em>two</em>" in copied["text/html"]
    assert "<table" in copied["text/html"]
    assert "<button" not in copied["text/html"], "our own buttons aren't part of the answer"
    childs.see(".answer .extras summary").click()
    childs.see(".answer button[data-copy-as=markdown]").click()
    childs.until(lambda: clipboard(childs) == {"text/plain": NOTES})
    childs.see(".answer .copy-code").click()
    childs.until(lambda: clipboard(childs).get("text/plain", "").strip() == "soup = 2 * onion")


# -- going to and fro


def test_back_forward_and_reload(childs: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, "The first answer.")
    first = conversation(childs, "The first question?")
    answers(model_server, "The second answer.")
    second = conversation(childs, "The second question?")
    childs.click(".chat-link", "The first question?")
    childs.see(".answer", "The first answer.")
    assert childs.driver.current_url == childs.address + first
    childs.driver.back()
    childs.see(".answer", "The second answer.")
    assert childs.driver.current_url == childs.address + second
    childs.driver.forward()
    childs.see(".answer", "The first answer.")
    childs.driver.refresh()
    childs.see(".answer", "The first answer.")
    assert childs.see(".chat-link[aria-current=page]").text == "The first question?"


def test_another_tab_sees_it_by_itself(childs: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, "One.")
    where = conversation(childs, "First?")
    first = childs.driver.current_window_handle
    childs.driver.switch_to.new_window("window")
    childs.open(where)
    childs.see(".answer", "One.")
    second = childs.driver.current_window_handle
    childs.driver.switch_to.window(first)
    answers(model_server, *NUMBERS, delay=0.05)
    childs.ask("Second?")
    childs.grown(10)
    childs.driver.switch_to.window(second)
    childs.see(".asked", "Second?")
    assert childs.all("#stop"), "it follows the answer that is being written, and can stop it"
    childs.stop()
    childs.driver.switch_to.window(first)
    childs.see(".answer .status", "Stopped")


def test_tabs_that_nobody_looks_at_hold_no_line(childs: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, *NUMBERS, delay=0.3)
    first = childs.driver.current_window_handle
    where = f"/c/{childs.begin('Count!')}"
    childs.grown(1)
    for _ in range(7):  # a browser has six lines to one server
        childs.driver.switch_to.new_window("tab")
        childs.open(where)
        childs.grown(1)
    childs.driver.switch_to.window(first)
    assert childs.run("return document.hidden") is False
    seen = childs.answer
    childs.grown(len(seen) + 8)
    childs.stop()


class Line:
    """A line between a browser and the page that can be cut: then nobody answers at its address."""

    def __init__(self, address: str) -> None:
        self._to = ("127.0.0.1", int(address.rpartition(":")[2]))
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._accept_all()

    def _accept_all(self) -> None:
        threading.Thread(target=self._accept, args=[self._listening], daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it was cut
            while True:
                near, far = listening.accept()[0], socket.create_connection(self._to)
                self._sockets += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while some := one.recv(65536):
                other.sendall(some)
            other.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        for one in (self._listening, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets.clear()

    def mend(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._accept_all()


@pytest.fixture
def line(family: Running) -> Iterator[Line]:
    opened = Line(family.address)
    yield opened
    opened.cut()


def test_a_line_that_was_lost_goes_on_without_gaps(wide: Screen, line: Line, model_server: FakeOpenAI) -> None:
    paragraphs = [f"{number}\n\n" if place % 4 == 3 else number for place, number in enumerate(NUMBERS)]
    answers(model_server, *paragraphs, delay=0.03)
    away = Screen(wide.driver, line.address, wide.password)
    away.sign_in("child")
    away.begin("Count!")
    away.grown(40)
    line.cut()
    away.see("#problem", "The line to familychat is gone.")
    before = away.answer
    assert "n149" not in before
    line.mend()
    away.grown(len(before) + 10)
    away.gone("#problem")
    assert away.all("#stop"), "it goes on where it was"
    shown = away.answer.split()
    assert shown == [one.strip() for one in NUMBERS[: len(shown)]]
    away.see("#send")
    assert away.answer.split() == [one.strip() for one in NUMBERS]


# -- what goes wrong


def test_a_model_server_that_fails_says_so_kindly(screen: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, "It was", " a dark", " and stormy", error="out of memory", error_after=2)
    screen.sign_in("child")
    screen.begin("Tell me a story")
    screen.see(".answer .status", "Cut off. What had come is kept.")
    assert screen.answer.strip() == "It was a dark"
    assert not screen.overflows()
    answers(model_server, error="the model isn't there", status=500)
    screen.ask("And then?")
    screen.see(".answer .problem", "There is no answer.")
    answers(model_server, "All is well.")
    screen.see(".answer:last-of-type button", "Another answer").click()
    screen.see(".answer", "All is well.")


def test_two_thousand_messages_open_quickly(childs: Screen, family: Running) -> None:
    child = family.home.accounts.people.by_username("child")
    assert child is not None
    ids = [new_id() for _ in range(MANY)]
    messages = [
        MessageDocument(
            id=own,
            parent=before,
            author=(Author.USER, Author.ASSISTANT)[place % 2],
            content=f"**Number** {place}.",
            status=Status.COMPLETE,
            created_at=AT,
        )
        for place, (own, before) in enumerate(zip(ids, [None, *ids], strict=False))
    ]
    made = family.home.conversations.bring_in(
        child,
        ConversationDocument(
            id=new_id(),
            title="Long",
            task="general",
            created_at=AT,
            last_message_at=AT,
            messages=messages,
            head=ids[-1],
        ),
    )
    assert made is not None
    began = time.monotonic()
    childs.open(f"/c/{made.id}")
    childs.see("#text").send_keys("x")
    assert time.monotonic() - began < 2, "also on a busy computer"
    assert childs.all(".answer .text")[-1].text == "Number 1999."
    assert childs.run("return document.querySelectorAll('.message').length") < 100, "the others come when asked for"
