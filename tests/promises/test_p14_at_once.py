"""Promise 14: sign-out, time-out, password change, disabling, demotion and a revoked grant take effect at once.

Here: sessions of the page. Each browser had been let in just before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from familychat.household import Household
from familychat.models import Effect, User
from familychat.testing import ManualClock
from familychat_web.rates import Rates
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
clock = ManualClock()


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("family") / "data"
    with family_page(
        folder, "child", password=PASSWORD, household=lambda settings: Household(settings, clock=clock)
    ) as running:
        yield running


@pytest.fixture
def child(family: Running) -> Browser:
    family.app.state.site.rates = Rates()
    browser = family.signed_in("child", PASSWORD)
    assert browser.get("/api/me").status_code == 200
    return browser


@pytest.fixture
def mum(family: Running) -> User:
    found = family.home.accounts.people.by_username("mum")
    assert found is not None
    return found


ENDS: dict[str, Callable[[Household, User], object]] = {
    "its session is ended by an admin": lambda home, mum: home.sessions.end_all(mum, "child"),
    "a new password": lambda home, mum: home.accounts.set_password(mum, "child", PASSWORD),
    "ninety days": lambda home, mum: clock.move(days=91),
    "it is switched off": lambda home, mum: home.accounts.disable(mum, "child"),
    "it is removed": lambda home, mum: home.accounts.remove(mum, "child"),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_session_ends_at_once(family: Running, child: Browser, mum: User, how: str) -> None:
    ENDS[how](family.home, mum)
    assert child.get("/api/me").status_code == 401
    assert child.get("/").headers["location"] == "/sign-in"
    assert child.post("/account/sign-out-everywhere").status_code == 303, "nothing but the way to the sign-in"
    if how == "it is switched off":
        family.home.accounts.enable(mum, "child")
        assert child.get("/api/me").status_code == 401, "an ended session stays ended"
    if how == "it is removed":
        family.home.accounts.add(mum, "child", PASSWORD)


def test_signing_out_ends_it_for_whoever_kept_the_cookie(family: Running, child: Browser) -> None:
    thief = family.browser()
    thief.client.cookies.update(child.client.cookies)
    assert thief.get("/api/me").status_code == 200
    child.post("/sign-out")
    assert thief.get("/api/me").status_code == 401


def test_promotion_demotion_and_grants_hold_with_the_next_request(family: Running, child: Browser, mum: User) -> None:
    home = family.home
    home.accounts.promote(mum, "child")
    assert child.get("/api/me").json()["role"] == "admin"
    home.accounts.demote(mum, "child")
    assert child.get("/api/me").json()["role"] == "member"
    assert "<h2>General</h2>" in child.get("/").text
    home.rules.grant(mum, "child", "task:general", Effect.DENY)
    assert "<h2>General</h2>" not in child.get("/").text
    home.rules.revoke(mum, "child", "task:general")
