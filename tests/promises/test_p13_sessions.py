"""Promise 13: sign-in issues a new session id of at least 128 random bits and stores only its hash.

The CSRF token belongs to the session.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
COOKIE = "familychat_session"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("family") / "data"


@pytest.fixture(scope="module")
def family(folder: Path) -> Iterator[Running]:
    with family_page(folder, "child", password=PASSWORD) as running:
        yield running


def stored(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "familychat.db")) as connection:
        return "\n".join(connection.iterdump())


def test_an_id_that_the_client_chose_is_never_taken(family: Running) -> None:
    browser = family.browser()
    planted = "a" * 43
    browser.client.cookies.set(COOKIE, planted)
    browser.client.cookies.set("familychat_visit", planted)
    browser.get("/sign-in")
    browser.post("/sign-in", username="child", password=PASSWORD, next="/")
    issued = browser.client.cookies.get(COOKIE, domain="127.0.0.1")
    assert issued is not None
    assert issued != planted
    fresh = family.browser()
    fresh.client.cookies.set(COOKIE, planted)
    assert fresh.get("/api/me").status_code == 401


def test_every_sign_in_has_an_id_of_its_own_and_the_old_one_ends(family: Running) -> None:
    browser = family.signed_in("child", PASSWORD)
    first = browser.client.cookies[COOKIE]
    keeper = family.browser()
    keeper.client.cookies.set(COOKIE, first)
    assert keeper.get("/api/me").status_code == 200
    browser.post("/sign-in", username="child", password=PASSWORD, next="/")
    assert browser.client.cookies[COOKIE] != first
    assert keeper.get("/api/me").status_code == 401
    assert len(base64.urlsafe_b64decode(first + "=")) * 8 >= 128


def test_only_its_hash_is_stored(family: Running, folder: Path) -> None:
    token = family.signed_in("child", PASSWORD).client.cookies[COOKIE]
    assert token not in stored(folder)
    assert hashlib.sha256(token.encode()).hexdigest() in stored(folder)


def test_the_csrf_token_belongs_to_the_session(family: Running) -> None:
    def post(browser: Browser, token: str) -> int:
        browser.csrf = token
        return browser.post("/account/look", theme="dark", accent="blue", size="normal", language="").status_code

    one, other, stranger = (family.signed_in("child", PASSWORD), family.signed_in("child", PASSWORD), family.browser())
    stranger.get("/sign-in")
    own, others, strangers = one.csrf, other.csrf, stranger.csrf
    assert len({own, others, strangers}) == 3
    assert [post(one, token) for token in (own, others, strangers, "", "ü")] == [303, 403, 403, 403, 403]
    assert own not in one.client.cookies.values(), "no cookie tells it"
