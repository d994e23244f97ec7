"""The page in a real Chromium, with a real server and a scripted model: wide, on a phone, and by keyboard alone."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from familychat.models import Effect
from familychat.testing import FakeOpenAI, Script
from familychat_web.screens import Screen
from familychat_web.testing import Running

PASSWORD = "quiet little river"
RECIPE = (
    "# Rice and eggs\n\n1. Boil the *rice*\n2. Fry the eggs\n\n```python\ndef cook(eggs):\n    return eggs * 2\n```\n"
)
LONG = ["word "] * 400


def answers(model_server: FakeOpenAI, pieces: list[str], delay: float = 0.0) -> None:
    model_server.scripts = [Script(pieces=pieces, delay=delay)]


def test_ask_reload_and_come_back(screen: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, [RECIPE[at : at + 8] for at in range(0, len(RECIPE), 8)], delay=0.05)
    screen.sign_in("child")
    screen.open("/new")
    screen.ask("What can I cook?")
    screen.see("#stop")
    screen.see(".answer", "Rice and eggs")
    address = screen.driver.current_url
    assert "/c/" in address, "the address is the conversation's as soon as it has begun"
    screen.driver.refresh()  # in mid-answer
    screen.see(".answer pre", "return eggs * 2")
    screen.see("#send")
    assert screen.see(".answer").text.count("Rice and eggs") == 1, "nothing comes twice"
    assert not screen.overflows()
    screen.open("/")
    screen.driver.get(address)
    screen.see(".answer li", "Fry the eggs")
    screen.driver.back()
    screen.see("h1", "Good")


def test_stop_keeps_what_came(screen: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, LONG, delay=0.02)
    screen.sign_in("child")
    screen.open("/new")
    screen.ask("Tell me a long story")
    screen.see(".answer", "word word")
    screen.see("#stop").click()
    screen.see(".answer .status", "Stopped")
    screen.see("#send")
    screen.until(lambda: model_server.chats[-1].closed_at is not None)
    assert screen.see(".answer .text").text.count("word") < len(LONG), "the model was stopped, too"


def test_an_answer_that_reached_its_length_limit_goes_on(screen: Screen, model_server: FakeOpenAI) -> None:
    model_server.scripts = [Script(["It ", "is ", "a "], delay=0.3, finish_reason="length"), Script(["cat."])]
    screen.sign_in("child")
    screen.open("/new")
    screen.ask("What is it?")
    screen.see("#notes", "length limit")
    screen.see(".answer .status", "The length limit is reached.")
    screen.see(".answer button", "Go on").click()
    screen.see(".answer .text", "It is a cat.")
    screen.gone(".answer button", "Go on")
    assert not screen.all("#notes li")


def test_what_a_model_writes_runs_nothing(screen: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, ["<script>document.title = 'owned'</script>", "\n\n![x](http://evil.example/x.png)\n\nDone."])
    screen.sign_in("child")
    screen.open("/new")
    screen.ask("Show me a picture")
    screen.see(".answer", "Done.")
    assert "owned" not in screen.driver.title
    assert not screen.driver.find_elements(By.CSS_SELECTOR, ".answer img, .answer script")


def test_rename_search_and_delete(wide: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, ["Yes."])
    wide.sign_in("cousin")
    for text in ("Do cats purr?", "Do dogs bark?"):
        wide.open("/new")
        wide.ask(text)
        wide.see(".answer", "Yes.")
    listed = [one.text for one in wide.all(".chat-link")]
    wide.type(".chat-link", "Do cats purr?", Keys.F2)
    wide.until(lambda: wide.focused.tag_name == "input")
    wide.focused.send_keys("Purring", Keys.ENTER)
    wide.see(".chat-link", "Purring")
    assert [one.text for one in wide.all(".chat-link")] == [one.replace("Do cats purr?", "Purring") for one in listed]
    wide.see("input[type=search]").send_keys("purr")
    wide.see("mark", "purr")
    wide.see("input[type=search]").send_keys(Keys.BACKSPACE * 4)
    wide.see(".chat-link", "Do dogs bark?")


def test_a_grant_that_is_taken_away(wide: Screen, family: Running, model_server: FakeOpenAI) -> None:
    answers(model_server, LONG, delay=0.02)
    wide.sign_in("child")
    wide.open("/new")
    wide.ask("Tell me a long story")
    wide.see(".answer", "word word")
    mum = family.home.accounts.people.by_username("mum")
    assert mum is not None
    family.home.rules.grant(mum, "child", "task:general", Effect.DENY)
    try:
        wide.see(".answer .status", "Cut off")
        wide.ask("Go on")
        wide.see("#problem", "You may not use the task general")
        assert "word word" in wide.see(".answer").text, "what came is still there to read"
    finally:
        family.home.rules.revoke(mum, "child", "task:general")


def test_by_keyboard_alone(wide: Screen, model_server: FakeOpenAI) -> None:
    answers(model_server, ["Hello there!"])
    wide.open("/sign-in")
    type_keys = ActionChains(wide.driver)
    wide.see("[name=username]").click()
    type_keys.send_keys("cousin", Keys.TAB, PASSWORD, Keys.ENTER).perform()
    wide.see("h1", "Good")
    wide.open("/new")
    wide.until(lambda: wide.focused.get_attribute("id") == "text")  # one can type at once
    ActionChains(wide.driver).send_keys("Two").key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
    ActionChains(wide.driver).send_keys("lines", Keys.ENTER).perform()
    wide.see(".answer", "Hello there!")
    assert wide.see(".asked .text").text == "Two\nlines"
    wide.until(lambda: wide.focused.get_attribute("id") == "text")  # and goes on typing
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    ActionChains(wide.driver).send_keys(Keys.TAB).perform()
    assert wide.run(outline) != "none", "where one is can be seen"


def test_the_dark_theme_follows_the_person(wide: Screen) -> None:
    wide.sign_in("cousin")
    wide.open("/account")
    wide.see("input[name=theme][value=dark], select[name=theme] option[value=dark]").click()
    wide.all("form[action='/account/look'] button[type=submit], form[action='/account/look'] button")[0].click()
    wide.until(lambda: wide.driver.find_element(By.TAG_NAME, "html").get_attribute("data-theme") == "dark")
    colour = "return getComputedStyle(document.body).backgroundColor"
    dark = wide.run(colour)
    assert sum(int(part) for part in dark.strip("rgba()").split(",")[:3]) < 200


def test_a_draft_survives_a_reload(wide: Screen) -> None:
    wide.sign_in("child")
    wide.open("/new")
    wide.see("#text").send_keys("Half a thou")
    wide.driver.refresh()
    wide.until(lambda: wide.see("#text").get_attribute("value") == "Half a thou")
    wide.open("/")
    wide.see("form[action='/sign-out'] button").click()
    wide.see("[name=username]")
    assert wide.run("return localStorage.length") == 0, "and is gone after signing out"


@pytest.mark.parametrize(
    "path", ["/", "/new", "/account", "/account/activity", "/trash", "/admin/people", "/admin/rules"]
)
def test_nothing_is_wider_than_the_window(wide: Screen, path: str) -> None:
    wide.sign_in("mum")
    for width in (320, 360, 390, 430, 500, 800):
        wide.resize((width, 640))
        wide.open(path)
        assert not wide.overflows(), f"{width} px"
