"""Fixtures for the page's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.settings import Settings
from familychat.testing import FakeOpenAI
from familychat_web.rates import Rates
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"


@pytest.fixture(scope="module")
def model_server() -> FakeOpenAI:
    """The household's model server; its ``scripts`` say how it answers."""
    return FakeOpenAI()


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory, model_server: FakeOpenAI) -> Iterator[Running]:
    """A served page with mum, the admin, and child and cousin. Tests of one module share it."""

    def household(settings: Settings) -> Household:
        return Household(settings, servers=ServerChoice(settings, model_server.transport()))

    folder = tmp_path_factory.mktemp("family") / "data"
    fake: dict[str, Any] = {"server_kind": "openai", "server_url": "http://fake", "titles": "words"}
    with family_page(folder, "child", "cousin", password=PASSWORD, household=household, **fake) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_was_too_fast(request: pytest.FixtureRequest) -> None:
    """Tests sign in more often than people do."""
    if "family" in request.fixturenames:
        request.getfixturevalue("family").app.state.site.rates = Rates()


@pytest.fixture
def mum(family: Running) -> Browser:
    return family.signed_in("mum", PASSWORD)


@pytest.fixture
def child(family: Running) -> Browser:
    return family.signed_in("child", PASSWORD)


@pytest.fixture
def stranger(family: Running) -> Browser:
    return family.browser()
