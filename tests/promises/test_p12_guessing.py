"""Promise 12: guessing is slowed per account and per address; the owner gets in again after the window.

A forged X-Forwarded-For changes nothing unless the peer is a configured proxy.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from familychat.errors import SignInError, TooManyAttemptsError
from familychat.family.guessing import LOCK_AFTER, LOCKED_FOR, MOST_SUBJECTS, wait_after
from familychat.household import Household
from familychat.settings import Settings
from familychat.testing import ManualClock
from familychat_web.rates import Rates
from familychat_web.testing import Running, family_page

PASSWORD = "quiet little river"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def home(data_dir: Path, clock: ManualClock) -> Iterator[Household]:
    opened = Household(Settings(data_dir=data_dir), clock=clock)
    owner = opened.accounts.people.all()[0]
    opened.accounts.add(owner, "child", PASSWORD)
    yield opened
    opened.close()


def guess(home: Household, name: str = "child", password: str = "wrong one", address: str = "terminal") -> float:
    """Try; returns the wait that was asked for, 0 if the password was looked at."""
    try:
        home.sign_in.sign_in(name, password, kind="web", address=address)
    except TooManyAttemptsError as error:
        return error.retry_after
    except SignInError:
        return 0.0
    raise AssertionError("it should not have fitted")


def test_the_wait_grows_and_the_right_password_waits_too(home: Household, clock: ManualClock) -> None:
    waits: list[float] = []
    looked_at = 0
    while looked_at < 9:
        wait = guess(home)
        if wait:
            waits.append(wait)
            clock.move(seconds=wait)
        else:
            looked_at += 1
    assert waits == [1, 2, 4, 8, 16, 32, 64]
    with pytest.raises(TooManyAttemptsError, match="Wait"):
        home.sign_in.sign_in("child", PASSWORD, kind="web")
    clock.move(minutes=16)
    home.sign_in.sign_in("child", PASSWORD, kind="web")
    assert guess(home) == 0, "after success one starts anew"


def test_a_thousand_guesses_take_days(home: Household, clock: ManualClock) -> None:
    total = sum((wait_after(count) for count in range(1000)), timedelta())
    assert total > timedelta(days=10)


def test_an_address_that_tries_many_names_waits_and_others_do_not(home: Household, clock: ManualClock) -> None:
    for number in range(12):
        guess(home, f"name{number}", address="192.0.2.7")
        clock.move(milliseconds=10)
    assert guess(home, "one more", address="192.0.2.7") > 0
    assert guess(home, "child", address="192.0.2.8") == 0
    home.sign_in.sign_in("child", PASSWORD, kind="web", address="192.0.2.9")


def test_many_tries_at_once_gain_nothing(home: Household) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: guess(home), range(8)))
    assert waits.count(0.0) <= 2, "only the free ones were looked at"


def test_what_was_tried_is_not_kept_for_ever(home: Household, clock: ManualClock) -> None:
    for number in range(5):
        guess(home, f"name{number}")
    clock.move(hours=25)
    guess(home, "late")
    assert len(home.database.rows("SELECT * FROM sign_in_failures")) == 1
    assert "name1" not in str([dict(row) for row in home.database.rows("SELECT subject FROM sign_in_failures")])


def test_after_ten_wrong_ones_it_is_locked_and_the_owner_gets_in_after_the_window(
    home: Household, clock: ManualClock
) -> None:
    for _ in range(LOCK_AFTER):
        assert guess(home) == 0
        clock.move(seconds=128)  # the longest wait before the lock
    clock.move(seconds=LOCKED_FOR.total_seconds() - 129)
    with pytest.raises(TooManyAttemptsError):
        home.sign_in.sign_in("child", PASSWORD, kind="web")
    clock.move(seconds=1)
    home.sign_in.sign_in("child", PASSWORD, kind="web")


def test_the_many_addresses_of_one_household_count_as_one(home: Household, clock: ManualClock) -> None:
    for number in range(LOCK_AFTER):
        assert guess(home, f"name{number}", address=f"2001:db8::{number}:1") == 0
        clock.move(seconds=128 if number < LOCK_AFTER - 1 else 0)
    assert guess(home, "one more", address="2001:db8::abcd:2") == LOCKED_FOR.total_seconds()
    assert guess(home, "one more", address="2001:db8:0:1::2") == 0


def test_strangers_cannot_fill_the_table_nor_push_out_who_was_just_guessed(home: Household) -> None:
    home.database.execute(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
        "INSERT INTO sign_in_failures SELECT 'account:' || n, 9, '2026-01-31T17:59:00.000Z' FROM number",
        [MOST_SUBJECTS],
    )
    for _ in range(2):
        assert guess(home) == 0
    assert len(home.database.rows("SELECT 1 FROM sign_in_failures")) == MOST_SUBJECTS
    assert guess(home) > 0


def guess_at_the_page(running: Running, clock: ManualClock, forwarded_for: str, times: int) -> int:
    """Guess names that nobody has, so that only the address counts; returns the last answer's status."""
    status = 0
    for number in range(times):
        running.app.state.site.rates = Rates()
        browser = running.browser()
        browser.get("/sign-in")
        browser.client.headers["x-forwarded-for"] = forwarded_for.format(number=number)
        status = browser.post("/sign-in", username=f"name{number}", password="wrong one", next="/").status_code
        clock.move(milliseconds=10)
    return status


def test_a_forged_address_changes_nothing(data_dir: Path, clock: ManualClock) -> None:
    with family_page(data_dir, password=PASSWORD, household=lambda settings: Household(settings, clock=clock)) as page:
        assert guess_at_the_page(page, clock, "192.0.2.{number}", 4) == 429


def test_a_configured_proxy_is_believed_and_only_for_what_it_added_itself(data_dir: Path, clock: ManualClock) -> None:
    with family_page(
        data_dir,
        password=PASSWORD,
        household=lambda settings: Household(settings, clock=clock),
        web_trusted_proxies=("127.0.0.1",),
    ) as page:
        assert guess_at_the_page(page, clock, "192.0.2.{number}", 4) == 401, "four people, each of them once"
        assert guess_at_the_page(page, clock, "192.0.2.{number}, 192.0.2.99", 4) == 429, "one who makes up the others"
