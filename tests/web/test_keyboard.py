"""With nothing but keys, and for those who hear the page instead of seeing it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from selenium.webdriver.common.keys import Keys

from familychat.testing import FakeOpenAI, Script
from familychat_web.screens import Screen

PASSWORD = "quiet little river"
MOST_TABS = 80
WHERE = """
const one = document.activeElement, box = one.getBoundingClientRect(), parts = [0.1, 0.5, 0.9];
const { outlineStyle, outlineWidth } = getComputedStyle(one);
const points = parts.flatMap((x) => parts.map((y) => [box.x + x * box.width, box.y + y * box.height]));
return {
  it: one.outerHTML.slice(0, 120),
  fits: one.matches(arguments[0]),
  marked: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
  seen: points.some(([x, y]) => one.contains(document.elementFromPoint(x, y))),
};
"""
LISTEN = """
window.heard = [];
window.begun = "";
const spoken = document.getElementById("spoken"), waiting = document.getElementById("waiting");
const hear = () => window.heard.push([performance.now(), spoken.textContent]);
new MutationObserver(hear).observe(spoken, { childList: true });
const begin = () => (window.begun += waiting.hidden ? "" : waiting.textContent);
new MutationObserver(begin).observe(waiting, { attributes: true });
"""
LIVE = "[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log]"


class Keyboard:
    """Somebody who has no mouse."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def press(self, *keys: str) -> None:
        self.screen.press(*keys)

    def to(self, selector: str) -> None:
        """Tab until there; wherever one comes by on the way, one sees where one is."""
        for _ in range(MOST_TABS):
            self.press(Keys.TAB)
            if self.stands(selector):
                return
        pytest.fail(f"{selector} can't be reached")

    def stands(self, selector: str) -> bool:
        """Whether the focus is there; fails if it can't be seen."""
        where = self.screen.run(WHERE, selector)
        if "<body" in where["it"]:  # between the page and the browser's own controls
            return False
        assert where["marked"], f"no mark at {where['it']}"
        assert where["seen"], f"something hides {where['it']}"
        return bool(where["fits"])

    def at(self, selector: str) -> None:
        self.screen.until(lambda: self.stands(selector))


def test_signing_in_asking_and_stopping(wide: Screen, model_server: FakeOpenAI) -> None:
    model_server.scripts = [Script(pieces=["word "] * 400, delay=0.02)]
    keys = Keyboard(wide)
    wide.open("/sign-in")
    keys.at("[name=username]")
    keys.press("cousin", Keys.TAB, PASSWORD, Keys.ENTER)
    wide.see("h1", "Good")
    keys.to("a[href='/new']")
    keys.press(Keys.ENTER)
    keys.at("#text")
    keys.press("Tell me a story", Keys.ENTER)
    wide.see(".answer", "word word")
    keys.to("#stop")
    keys.press(Keys.ENTER)
    wide.see(".answer .status", "Stopped")
    keys.at("#text")


def test_renaming_and_deleting_with_undo(wide: Screen, model_server: FakeOpenAI) -> None:
    model_server.scripts = [Script(pieces=["Once."])]
    wide.sign_in("child")
    wide.open("/new")
    wide.ask("Tell me a story")
    wide.see(".chat-link", "Tell me a story")
    wide.open("/")
    keys = Keyboard(wide)
    keys.to(".chat-more")
    keys.press(Keys.ENTER)
    wide.see(".row-menu")
    keys.press(Keys.ESCAPE)
    wide.gone(".row-menu")
    keys.at(".chat-more")
    keys.press(Keys.SPACE)
    wide.see(".row-menu")
    keys.to("[data-does=rename] button")
    keys.press(Keys.ENTER)
    keys.at("#list input")
    keys.press("A short one", Keys.ENTER)
    wide.see(".chat-link", "A short one")
    keys.at(".chat-link")
    keys.to(".chat-more")
    keys.press(Keys.ENTER)
    wide.see(".row-menu")
    keys.to("[data-does=delete] button")
    keys.press(Keys.ENTER)
    wide.gone(".chat-link", "A short one")
    keys.at(".undo button")
    keys.press(Keys.ENTER)
    wide.see(".chat-link", "A short one")


def test_settings_and_signing_out(wide: Screen) -> None:
    wide.sign_in("cousin")
    keys = Keyboard(wide)
    keys.to("a[href='/account']")
    keys.press(Keys.ENTER)
    wide.see("#theme")
    keys.to("#theme")
    keys.press("Dark")
    keys.to("form[action='/account/look'] button")
    keys.press(Keys.ENTER)
    wide.until(lambda: wide.run("return document.documentElement.dataset.theme") == "dark")
    keys.to("form[action='/sign-out'] button")
    keys.press(Keys.ENTER)
    wide.see("[name=username]")


@pytest.mark.parametrize("path", ["/", "/admin/people"])
def test_the_drawer_of_a_narrow_window(wide: Screen, path: str) -> None:
    wide.sign_in("mum")
    wide.driver.set_window_size(500, 800)
    wide.open(path)
    keys = Keyboard(wide)
    keys.to(".bar .drawer-button")
    keys.press(Keys.ENTER)
    wide.see(".drawer")
    keys.to(".drawer a")
    keys.press(Keys.ESCAPE)
    wide.gone(".drawer")
    keys.at(".bar .drawer-button")


def test_one_skips_to_the_page_itself(wide: Screen) -> None:
    wide.sign_in("mum")
    keys = Keyboard(wide)
    for path, first in [("/", "main a"), ("/admin/people", "main a, main [tabindex]")]:
        wide.open(path)
        keys.to(".skip")
        keys.press(Keys.ENTER)
        keys.to(first)


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_where_one_is_stands_out(wide: Screen, theme: str) -> None:
    wide.sign_in("mum")
    for path in ("/", "/account", "/admin/rules"):
        wide.open(path)
        wide.run("document.documentElement.dataset.theme = arguments[0]", theme)
        wide.press(Keys.TAB, Keys.TAB, Keys.TAB)
        colours = wide.run(
            "return [getComputedStyle(document.activeElement).outlineColor,"
            " getComputedStyle(document.body).backgroundColor]"
        )
        assert contrast(*colours) >= 3


def contrast(one: str, other: str) -> float:
    """Of two colours as browsers give them (WCAG 2.2, contrast ratio)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_an_answer_doesnt_flood_who_listens(wide: Screen, model_server: FakeOpenAI) -> None:
    sentence = ["One ", "sentence ", "more. "]
    model_server.scripts = [Script(pieces=sentence * 100, delay=0.02)]
    wide.sign_in("child")
    wide.open("/new")
    wide.run(LISTEN)
    wide.ask("Tell me a story")
    wide.see(".answer", "One sentence")
    assert not wide.run("return document.querySelector('.answer .text').closest(arguments[0])", LIVE)
    wide.see("#send")
    assert "The answer is on its way." in wide.run("return begun"), "that it begins is told"
    wide.see(".answer .acts")
    heard = wide.run("return window.heard")
    assert all(later - earlier > 1000 for (earlier, _), (later, _) in pairwise(heard[:-1])), "now and then"
    told = [" ".join(text.split()) for _, text in heard]
    assert " ".join(told) == " ".join(["One sentence more."] * 100), "all of it, and nothing twice"
    assert all(text.endswith(".") for text in told), "in whole sentences"
