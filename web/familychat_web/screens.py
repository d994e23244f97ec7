"""Using the page in tests in a real Chromium, wide or as a phone has it. Needs selenium, Chromium and chromedriver."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
    TimeoutException,
    WebDriverException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
IS_THERE = bool(CHROMIUM and DRIVER)
PATIENCE = 20.0
LOOK_EVERY = 0.05
WIDE = (1280, 850)
PHONE = (390, 844)
NARROWEST_WINDOW = 500
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en")
T = TypeVar("T")


@contextmanager
def chromium(downloads: Path | None = None) -> Iterator[webdriver.Chrome]:
    """A browser without a window and with a profile of its own; what it downloads goes into a folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in _FLAGS:
        options.add_argument(flag)
    if downloads is not None:
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_page_load_timeout(PATIENCE)
    try:
        yield driver
    finally:
        driver.quit()


class Screen:
    """A browser's tab on one familychat, with waiting built in. ``password`` is everybody's there."""

    def __init__(self, driver: webdriver.Chrome, address: str, password: str) -> None:
        self.driver = driver
        self.address = address
        self.password = password

    def fresh(self, size: tuple[int, int] = WIDE) -> Screen:
        """At the sign-in, with nothing kept from before: no cookies, drafts, lines in the log or other tabs."""
        first, *others = self.driver.window_handles
        for other in others:
            self.driver.switch_to.window(other)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.resize(size)
        self.open("/sign-in")
        self.driver.delete_all_cookies()
        self.run("localStorage.clear()")
        self.open("/sign-in")
        self.log()
        return self

    def resize(self, size: tuple[int, int]) -> None:
        """What is narrower than any window is a phone: with touch, and its rules for viewports."""
        width, height = size
        phone = width < NARROWEST_WINDOW
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=phone)
        if phone:
            metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
            self.cdp("Emulation.setDeviceMetricsOverride", **metrics)
        else:
            self.cdp("Emulation.clearDeviceMetricsOverride")
            self.driver.set_window_size(width, height)

    def cdp(self, command: str, **given: Any) -> dict[str, Any]:
        """A command of the Chrome DevTools Protocol."""
        done: dict[str, Any] = self.driver.execute_cdp_cmd(command, given)
        return done

    def run(self, script: str, *given: object) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *given)

    def log(self) -> list[dict[str, Any]]:
        """What the browser complained about since the last time."""
        lines: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return lines

    def until(self, found: Callable[[], T]) -> T:
        """Wait until something is there (or true), however often the page changes meanwhile."""
        return WebDriverWait(self.driver, PATIENCE, LOOK_EVERY).until(lambda _: _unless_gone(found))  # type: ignore[return-value]

    def open(self, path: str) -> None:
        # On a busy computer the driver may take the page that is being left for the new one.
        self.run("window.isLeft = true")
        self.driver.get(self.address + path)
        self.until(lambda: self.run("return !window.isLeft && document.readyState === 'complete'"))

    def all(self, selector: str) -> list[WebElement]:
        """What is shown of it, now."""
        return [one for one in self.driver.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()]

    def see(self, selector: str, text: str = "") -> WebElement:
        """Wait for something that is shown, with this text in it."""
        try:
            return self.until(lambda: next((one for one in self.all(selector) if text in one.text), None))  # type: ignore[return-value]
        except TimeoutException:
            shown = self.run("return document.body?.innerText ?? ''")
            raise AssertionError(f"no {selector} {text!r} at {self.driver.current_url}, which says:\n{shown}") from None

    def type(self, selector: str, text: str, *keys: str) -> None:
        """Press keys on what has this text, even if the page puts the same anew meanwhile, as the list does."""
        self._do(lambda one: one.send_keys(*keys), selector, text)

    def click(self, selector: str, text: str = "") -> None:
        """As :meth:`type`."""
        self._do(lambda one: one.click(), selector, text)

    def _do(self, act: Callable[[WebElement], None], selector: str, text: str) -> None:
        def done() -> bool:
            act(self.see(selector, text))
            return True

        self.until(done)

    def gone(self, selector: str, text: str = "") -> None:
        self.until(lambda: not any(text in one.text for one in self.all(selector)))

    @property
    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    def press(self, *keys: str) -> None:
        """Type into whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def sign_in(self, name: str) -> None:
        self.open("/sign-in")
        self.see("[name=username]").send_keys(name)
        self.see("[name=password]").send_keys(self.password, Keys.ENTER)
        self.see("h1", "Good")

    def ask(self, text: str) -> None:
        """In the conversation that is open; ``/new`` opens an empty one."""
        self.see("#text").send_keys(text, Keys.ENTER)

    def pane(self) -> None:
        """Have the conversations shown: on a phone they are in a drawer."""
        if not self.all("#conversations"):
            self.see(".bar .drawer-button").click()
            self.see("#conversations")

    def overflows(self) -> bool:
        """Whether the page is wider than the window."""
        return bool(self.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def begin(self, question: str, path: str = "/new") -> str:
        """Ask in a new conversation; its id."""
        self.open(path)
        self.ask(question)
        self.until(lambda: "/c/" in self.driver.current_url)
        return self.driver.current_url.rpartition("/")[2]

    @property
    def answer(self) -> str:
        """What is shown of the last answer, now."""
        shown: str = self.run("return [...document.querySelectorAll('.answer .text')].at(-1)?.textContent ?? ''")
        return shown

    def grown(self, letters: int) -> str:
        """Wait until so much of the last answer is there; what is there then."""
        self.until(lambda: len(self.answer) >= letters)
        return self.answer

    def stop(self) -> None:
        """Stop the answer that is being written."""
        self.see("#stop").click()
        self.see(".answer .status", "Stopped")

    def titles(self) -> list[str]:
        """The conversations in the list, from top to bottom."""
        self.pane()
        shown: list[str] = self.run(
            "return [...document.querySelectorAll('#list .chat-link')].map((one) => one.textContent)"
        )
        return shown


def _unless_gone(found: Callable[[], T]) -> T | None:
    try:
        return found()
    except (StaleElementReferenceException, ElementClickInterceptedException):  # what is covered for good stays so
        return None
    except WebDriverException as error:
        if "does not belong to the document" in (error.msg or ""):  # the same, said otherwise
            return None
        raise
