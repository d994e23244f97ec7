"""Promise 17: every unsafe route refuses a missing token, a foreign Origin and a cross-site fetch.

The routes are those of the application: a new one is tried by itself. GET changes nothing.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from familychat.settings import Settings
from familychat_web import create_app
from familychat_web.guards import SAFE
from familychat_web.rates import Rates
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
ROUTES = create_app(Settings(data_dir=Path("nowhere"))).routes
UNSAFE = sorted(
    (method, route.path) for route in ROUTES for method in getattr(route, "methods", ()) if method not in SAFE
)
WITHOUT_TOKEN = {"/csp-reports"}
"""What browsers send by themselves, without our pages: it changes nothing but a count."""
READ = sorted(route.path for route in ROUTES if "GET" in getattr(route, "methods", ()))


def filled(path: str) -> str:
    """The path with something in place of its parameters."""
    return re.sub(r"\{(\w+):\w+\}", r"\1", path)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with family_page(tmp_path_factory.mktemp("family") / "data", "child", password=PASSWORD) as running:
        yield running


@pytest.fixture(scope="module")
def mum(family: Running) -> Browser:
    return family.signed_in("mum", PASSWORD)


@pytest.fixture(scope="module")
def stranger(family: Running) -> Browser:
    browser = family.browser()
    browser.get("/sign-in")
    return browser


@pytest.fixture(autouse=True)
def nobody_was_too_fast(family: Running) -> None:
    family.app.state.site.rates = Rates()


def refused(family: Running, browser: Browser, method: str, path: str, headers: dict[str, str]) -> None:
    before = dump(family)
    response = browser.client.request(method, filled(path), headers=headers, data={"next": "/"})
    assert response.status_code == 403, f"{method} {path} with {headers}"
    assert dump(family) == before


def dump(family: Running) -> list[str]:
    """The whole database but for when sessions were last used."""
    with closing(sqlite3.connect(family.app.state.site.settings.data_dir / "familychat.db")) as connection:
        return [line for line in connection.iterdump() if not line.startswith('INSERT INTO "sessions"')]


def test_there_are_such_routes() -> None:
    assert ("POST", "/sign-in") in UNSAFE
    assert len(UNSAFE) >= 6


@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_every_unsafe_route_refuses_what_isnt_from_our_own_page(
    family: Running, mum: Browser, stranger: Browser, method: str, path: str
) -> None:
    own = {"origin": family.address, "sec-fetch-site": "same-origin"}
    is_for_all = path in {"/sign-in", "/setup/{token:str}"}
    needs_token = path not in WITHOUT_TOKEN
    for browser in (mum, stranger) if is_for_all else (mum,):
        token = {"x-csrf-token": browser.csrf}
        if needs_token:
            refused(family, browser, method, path, own)
            refused(family, browser, method, path, {**own, "x-csrf-token": "0" * 64})
        for origin in ("https://evil.example", "null", family.address + "0", family.address.replace("http", "https")):
            refused(family, browser, method, path, {**token, "origin": origin})
        for site in ("cross-site", "same-site"):
            refused(family, browser, method, path, {**token, "origin": family.address, "sec-fetch-site": site})


@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_a_stranger_gets_no_further(family: Running, stranger: Browser, method: str, path: str) -> None:
    if path not in {"/sign-in", "/setup/{token:str}", *WITHOUT_TOKEN}:
        headers = {"x-csrf-token": stranger.csrf, "origin": family.address, "accept": "application/json"}
        assert stranger.client.request(method, filled(path), headers=headers).status_code == 401


def test_the_token_in_a_form_that_is_uploaded_doesnt_count(family: Running, mum: Browser) -> None:
    look = {"theme": "dark", "accent": "blue", "size": "normal", "language": ""}
    sent = {name: (None, value) for name, value in {**look, "csrf": mum.csrf}.items()}
    assert mum.client.post("/account/look", files=sent).status_code == 403
    assert mum.client.post("/account/look", data=look, headers={"x-csrf-token": mum.csrf}).status_code == 303


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Browser]]:
    """Another page, of which mum has seen nothing: what the first look at it wrote would be seen, too."""
    with family_page(tmp_path_factory.mktemp("family") / "data", password=PASSWORD) as running:
        _, token = running.home.sign_in.sign_in("mum", PASSWORD, kind="web")
        browser = running.browser()
        browser.client.cookies.set("familychat_session", token)
        yield running, browser


@pytest.mark.parametrize("path", READ)
def test_reading_changes_nothing(untouched: tuple[Running, Browser], path: str) -> None:
    running, mum = untouched
    before = dump(running)
    for browser in (mum, running.browser()):
        for method in ("GET", "HEAD", "OPTIONS"):
            assert browser.client.request(method, filled(path)).status_code < 500
    assert dump(running) == before
