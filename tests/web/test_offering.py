"""Choosing a model: what may be chosen is offered without waiting for the model server, and what was chosen stays."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By

from familychat.llm.base import ModelInfo
from familychat.models import Conversation, Effect, User
from familychat.store.conversations import ConversationStore
from familychat.testing import FakeOpenAI
from familychat_web.screens import Screen
from familychat_web.testing import Browser, Running

AT = "2026-01-31T18:05:00.123Z"


@pytest.fixture(autouse=True)
def models(model_server: FakeOpenAI) -> Iterator[None]:
    model_server.models = ["tiny", "large", "secret"]
    yield
    model_server.models = ["tiny"]


@pytest.fixture
def person(family: Running) -> Iterator[User]:
    """The child, who may not use one of the models."""
    people = family.home.accounts.people
    mum, found = people.by_username("mum"), people.by_username("child")
    assert mum is not None
    assert found is not None
    family.home.rules.grant(mum, "child", "model:secret", Effect.DENY)
    yield found
    family.home.rules.revoke(mum, "child", "model:secret")


@pytest.fixture
def talk(family: Running, person: User) -> Conversation:
    return ConversationStore(family.home.database).add(person.id, AT, title="A talk", task="general", model="gone")


def offered(html: str, field: str) -> list[str]:
    """The values of a choice, what is chosen with a star."""
    (select,) = re.findall(rf'<select id="{field}".*?</select>', html, re.DOTALL)
    return [value + ("*" if chosen else "") for value, chosen in re.findall(r'value="([^"]*)"( selected)?', select)]


def test_what_was_there_last_is_offered(family: Running, child: Browser, person: User, talk: Conversation) -> None:
    family.home.preferences.choose(person, {"model": "large"})
    family.app.state.site.models = ()
    assert offered(child.get("/account").text, "model") == ["", "large*"]
    child.get("/new/models")
    assert offered(child.get("/account").text, "model") == ["", "tiny", "large*"]
    assert offered(child.get("/new").text, "model") == ["", "tiny", "large*"]
    assert offered(child.get(f"/c/{talk.id}").text, "own-model") == ["", "tiny", "large", "gone*"]
    assert (
        "Models that it can name: tiny, large, secret."
        in family.signed_in("mum", "quiet little river").get("/admin/tasks").text
    )
    family.home.preferences.choose(person, {"model": ""})


def test_no_page_waits_for_a_slow_model_server(
    family: Running, child: Browser, person: User, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> list[ModelInfo]:
        raise AssertionError("the model server was asked")

    monkeypatch.setattr(family.home.servers, "get", asked)
    for path in ("/account", "/new", f"/c/{talk.id}"):
        begun = time.monotonic()
        assert child.get(path).status_code == 200
        assert time.monotonic() - begun < 5


def test_the_choices_come_to_the_page(screen: Screen, family: Running, person: User, talk: Conversation) -> None:
    values = "return [...document.querySelector(arguments[0]).options].map((one) => one.value)"
    family.app.state.site.models = ()
    screen.sign_in("child")
    screen.open("/account")
    screen.until(lambda: screen.run(values, "#model") == ["", "tiny", "large"])
    family.app.state.site.models = ()
    screen.open(f"/c/{talk.id}")
    assert screen.run(values, "#own-model") == ["", "gone"], "it isn't asked before somebody may choose"
    screen.see("#tools summary", "Settings").click()
    screen.until(lambda: screen.run(values, "#own-model") == ["", "tiny", "large", "gone"])
    assert screen.see("#own-model").get_attribute("value") == "gone"
    screen.driver.find_element(By.CSS_SELECTOR, "#own-model option[value=large]").click()
    screen.see("#tools form button").click()
    screen.until(lambda: family.home.conversations.get(person, talk.id).model == "large")


def test_a_model_chosen_at_first_is_in_the_settings(wide: Screen, family: Running, person: User) -> None:
    wide.sign_in("child")
    wide.open("/new")
    wide.see("#model option[value=large]").click()
    wide.ask("Hello?")
    wide.see(".answer", "Hello there!")
    wide.see("#tools summary", "Settings").click()
    wide.see("#tools form button").click()
    wide.see("#tools")
    assert family.home.conversations.newest(person, 1)[0].model == "large"
