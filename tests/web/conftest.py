"""Fixtures for the page's own tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.settings import Settings
from familychat.testing import FakeOpenAI
from familychat_cli.testing import CommandLine, House
from familychat_web.rates import Rates
from familychat_web.screens import IS_THERE, PHONE, WIDE, Screen, chromium
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


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Chromium puts what it downloads."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def driver(downloads: Path) -> Iterator[webdriver.Chrome]:
    """Chromium; tests without it are skipped."""
    if not IS_THERE:
        pytest.skip("Chromium and its driver aren't installed")
    with chromium(downloads) as started:
        yield started


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def screen(request: pytest.FixtureRequest, driver: webdriver.Chrome, family: Running) -> Iterator[Screen]:
    """Wide and on a phone. Nothing may be blocked, missing or broken: the browser's own log stays empty."""
    opened = Screen(driver, family.address, PASSWORD).fresh(request.param)
    yield opened
    assert opened.log() == []


@pytest.fixture
def wide(driver: webdriver.Chrome, family: Running) -> Screen:
    return Screen(driver, family.address, PASSWORD).fresh()


@pytest.fixture(scope="session", params=[WIDE, PHONE], ids=["wide", "phone"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    chosen: tuple[int, int] = request.param
    return chosen


@pytest.fixture(scope="session")
def house(
    size: tuple[int, int],
    driver: webdriver.Chrome,
    tmp_path_factory: pytest.TempPathFactory,
    command_line: Callable[[Path], CommandLine],
    put_model: Callable[[Path], None],
) -> Iterator[House]:
    """A real server with the built-in engine, for each size; mum, the first admin, has set it up in the browser.

    Answers go on until they are stopped.
    """
    folder = tmp_path_factory.mktemp("house")
    put_model(folder / "data")
    house = House.serve(command_line(folder).talkative())
    try:
        set_up(Screen(driver, house.address, PASSWORD).fresh(size), house.setup)
        assert house.cli("login", "mum", "--password-stdin", stdin=PASSWORD + "\n").code == 0
        yield house
    finally:
        house.kill()


def set_up(screen: Screen, link: str) -> None:
    screen.driver.get(link)
    name = screen.see("[name=username]")
    name.clear()
    name.send_keys("mum")
    for field in ("password", "again"):
        screen.see(f"[name={field}]").send_keys(PASSWORD)
    assert not screen.overflows()
    screen.see("button[type=submit]").click()
    screen.see("h1", "Mum")


@pytest.fixture
def mums(house: House, driver: webdriver.Chrome, size: tuple[int, int]) -> Iterator[Screen]:
    """Mum is signed in. Nothing may be blocked, missing or broken, unless the test has looked at it."""
    screen = Screen(driver, house.address, PASSWORD).fresh(size)
    screen.sign_in("mum")
    yield screen
    assert screen.log() == []


@pytest.fixture(scope="session")
def other_driver() -> Iterator[webdriver.Chrome]:
    """Somebody else's browser, with a profile of its own."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def added_child(house: House, driver: webdriver.Chrome, size: tuple[int, int]) -> str:
    """A person whom mum has added on the admin page."""
    screen = Screen(driver, house.address, PASSWORD).fresh(size)
    screen.sign_in("mum")
    screen.open("/admin/people")
    screen.see("#add-username").send_keys("child")
    for field in ("password", "again"):
        screen.see(f"#add-{field}").send_keys(PASSWORD)
    screen.see("section form button[type=submit]", "Add").click()
    screen.see("[role=status]", "The person was added.")
    return "child"


@pytest.fixture
def childs(house: House, added_child: str, other_driver: webdriver.Chrome, size: tuple[int, int]) -> Screen:
    """The child is signed in, in the other browser."""
    screen = Screen(other_driver, house.address, PASSWORD).fresh(size)
    screen.sign_in(added_child)
    return screen
