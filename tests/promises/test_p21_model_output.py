"""Promise 21: what a model writes runs nothing and loads nothing.

Over a hundred hostile answers (tests/fixtures/hostile/answers.json) are opened in a real Chromium, whose own log of the
network says whether a request left; what the content security policy has to stop would be reported to the page as well.
Each tries to set ``window.owned``, to reach evil.example, or to look like a part of the page.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from familychat.clock import new_id
from familychat.documents import ConversationDocument, MessageDocument
from familychat.models import Author, Status
from familychat_web.headers import REPORTS
from familychat_web.testing import Running, family_page

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver aren't installed")

HOSTILE: list[str] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "hostile" / "answers.json").read_text("utf-8")
)
PASSWORD = "quiet little river"
TOGETHER = 20
"""Answers in one conversation: all of them are on its page."""
AT = "2026-01-31T18:00:00.000Z"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with family_page(tmp_path_factory.mktemp("hostile") / "data", password=PASSWORD, titles="words") as running:
        yield running


@pytest.fixture(scope="module")
def browser(page: Running) -> Iterator[webdriver.Chrome]:
    """Signed in, with a log of the network that begins afterwards."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get(page.address + "/sign-in")
    driver.find_element(By.NAME, "username").send_keys("mum")
    driver.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
    WebDriverWait(driver, 20).until(lambda _: driver.find_elements(By.CSS_SELECTOR, ".chat-places"))
    yield driver
    driver.quit()


def conversation(answers: list[str]) -> ConversationDocument:
    """Each answer to a question of its own."""
    messages: list[MessageDocument] = []
    for answer in answers:
        for author, content in ((Author.USER, "?"), (Author.ASSISTANT, answer)):
            before = messages[-1].id if messages else None
            messages.append(
                MessageDocument(
                    id=new_id(), parent=before, author=author, content=content, status=Status.COMPLETE, created_at=AT
                )
            )
    return ConversationDocument(
        id=new_id(), title="Hostile", task="general", created_at=AT, last_message_at=AT, messages=messages,
        head=messages[-1].id,
    )  # fmt: skip


def requests(browser: webdriver.Chrome) -> list[str]:
    """The addresses that the browser asked for since the last look."""
    entries: list[dict[str, Any]] = browser.get_log("performance")  # type: ignore[no-untyped-call]
    told = [json.loads(entry["message"])["message"] for entry in entries]
    return [one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"]


def reports(page: Running) -> list[str]:
    """What browsers reported that the policy stopped, as the metrics have it."""
    return [line for line in page.app.state.site.counts.lines() if line.startswith("familychat_csp_reports_total{")]


@pytest.mark.parametrize("first", range(0, len(HOSTILE), TOGETHER))
def test_nothing_runs_and_nothing_leaves(page: Running, browser: webdriver.Chrome, first: int) -> None:
    mum = page.home.accounts.people.by_username("mum")
    assert mum is not None
    answers = HOSTILE[first : first + TOGETHER]
    chat = page.home.conversations.bring_in(mum, conversation(answers))
    assert chat is not None
    requests(browser)
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get(f"{page.address}/c/{chat.id}")
    WebDriverWait(browser, 20).until(
        lambda _: len(browser.find_elements(By.CSS_SELECTOR, "article")) == 2 * len(answers)
    )
    for link in browser.find_elements(By.CSS_SELECTOR, ".answer .text a"):
        assert urlsplit(link.get_attribute("href") or "").scheme in {"http", "https", "mailto", ""}
    assert browser.execute_script("return [window.owned, document.title.includes('Hostile')]") == [None, True]
    loaded = browser.find_elements(
        By.CSS_SELECTOR,
        ".answer .text :is(img, script, style, iframe, object, embed, video, audio, link, svg, form, input, "
        "button:not(.copy-code), base, meta, dialog, [popover], [style], [id], [name])",
    )
    assert [one.get_attribute("outerHTML") for one in loaded] == []
    asked = requests(browser)
    assert [address for address in asked if urlsplit(address).netloc != urlsplit(page.address).netloc] == []
    assert [address for address in asked if urlsplit(address).path == REPORTS] == reports(page) == []
    assert browser.get_log("browser") == [], "nothing was even tried"  # type: ignore[no-untyped-call]
    assert page.home.sign_in.user_of(browser.get_cookies()[0]["value"]) == page.home.accounts.get(mum, "mum")


def test_what_the_policy_stops_would_be_seen(page: Running, browser: webdriver.Chrome) -> None:
    """A page that breaks it on purpose. This is the last one here: from now on there are reports."""
    browser.get(page.address)
    requests(browser)
    browser.execute_script("document.body.append(Object.assign(new Image(), {src: 'http://evil.example/x.png'}))")
    WebDriverWait(browser, 20).until(lambda _: reports(page))
    assert reports(page) == ['familychat_csp_reports_total{directive="img-src",blocked="elsewhere"} 1']
    assert REPORTS in {urlsplit(address).path for address in requests(browser)}


def test_the_corpus_is_large() -> None:
    assert len(set(HOSTILE)) >= 80
