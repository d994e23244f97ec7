"""Signing in at its edges: waits that end when they say so, clocks that jump, and text that is no Unicode."""

from __future__ import annotations

import re

import pytest

from familychat.errors import InvalidInputError, SignInError, TooManyAttemptsError
from familychat.family.guessing import LOCKED_FOR, account_subject, wait_after
from familychat.family.passwords import hash_password
from familychat.family.sign_in import SESSION_LIFETIME
from familychat.household import Household
from familychat.models import Role, User
from familychat.store.sessions import SessionStore
from familychat.testing import ManualClock

PASSWORD = "quiet little river"
STORED = hash_password(PASSWORD)


@pytest.fixture
def child(household: Household) -> User:
    return household.accounts.people.add("child", "Child", Role.MEMBER, "2026", password_hash=STORED)


def already_failed(household: Household, clock: ManualClock, failures: int) -> None:
    """As if so many wrong passwords had been tried for the child just now."""
    from familychat.clock import timestamp

    SessionStore(household.database).put_failures(account_subject("child"), failures, timestamp(clock()))


def asked_to_wait(household: Household) -> TooManyAttemptsError:
    with pytest.raises(TooManyAttemptsError) as caught:
        household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    return caught.value


@pytest.mark.parametrize("passed", [0.0, 0.4, 0.6, 1.5, 2.6, 7.3])
def test_waiting_as_long_as_the_sentence_says_is_enough(
    household: Household, child: User, clock: ManualClock, passed: float
) -> None:
    already_failed(household, clock, 5)
    clock.move(seconds=passed)
    seconds = re.search(r"Wait (\d+) second", asked_to_wait(household).hint)
    assert seconds is not None
    clock.move(seconds=int(seconds[1]))
    household.sign_in.sign_in("child", PASSWORD, kind="terminal")


def test_a_clock_that_was_set_back_never_makes_the_wait_longer(
    household: Household, child: User, clock: ManualClock
) -> None:
    """A computer without a battery for its clock may start years ahead, and be put right by the network later."""
    already_failed(household, clock, 3)
    clock.move(days=-400)
    assert asked_to_wait(household).retry_after <= wait_after(3).total_seconds()
    clock.move(seconds=LOCKED_FOR.total_seconds())
    household.sign_in.sign_in("child", PASSWORD, kind="terminal")


def test_a_refused_try_does_not_make_the_wait_longer(household: Household, child: User, clock: ManualClock) -> None:
    already_failed(household, clock, 8)
    waits = []
    for _ in range(5):
        waits.append(asked_to_wait(household).retry_after)
        clock.move(seconds=1)
    assert waits == [64, 63, 62, 61, 60]
    clock.move(seconds=59)
    household.sign_in.sign_in("child", PASSWORD, kind="terminal")


def test_letter_case_of_the_name_buys_no_more_tries(household: Household, child: User, clock: ManualClock) -> None:
    already_failed(household, clock, 6)
    for name in ("child", "CHILD", "Child", "\uff43hild"):
        with pytest.raises(TooManyAttemptsError):
            household.sign_in.sign_in(name, "wrong one", kind="terminal")


def test_a_switched_off_account_reads_like_a_wrong_password(household: Household, owner: User, child: User) -> None:
    household.accounts.disable(owner, "child")
    with pytest.raises(SignInError) as off:
        household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    with pytest.raises(SignInError) as unknown:
        household.sign_in.sign_in("nobody", PASSWORD, kind="terminal")
    assert str(off.value) == str(unknown.value)


@pytest.mark.parametrize(("name", "password"), [("chi\udcffld", PASSWORD), ("child", "quiet\udcff river")])
def test_text_that_is_no_unicode_just_does_not_fit(household: Household, child: User, name: str, password: str) -> None:
    with pytest.raises(SignInError):
        household.sign_in.sign_in(name, password, kind="terminal")


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\0", "ключ", "\udcff", "' OR 1=1 --"])
def test_a_token_that_is_none_belongs_to_nobody(household: Household, child: User, token: str) -> None:
    household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    assert household.sign_in.user_of(token) is None
    household.sign_in.sign_out(token)
    assert len(household.database.rows("SELECT * FROM sessions")) == 1


def test_a_hash_from_the_database_is_no_token(household: Household, child: User) -> None:
    household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    stored = household.database.rows("SELECT token_hash FROM sessions")[0]["token_hash"]
    assert household.sign_in.user_of(stored) is None


def test_sessions_are_apart_and_end_one_by_one(household: Household, child: User, clock: ManualClock) -> None:
    tokens = [household.sign_in.sign_in("child", PASSWORD, kind="web")[1] for _ in range(2)]
    assert tokens[0] != tokens[1]
    household.sign_in.sign_out(tokens[0])
    assert household.sign_in.user_of(tokens[0]) is None
    assert household.sign_in.user_of(tokens[1]) is not None
    clock.move(seconds=SESSION_LIFETIME.total_seconds() - 1)
    assert household.sign_in.user_of(tokens[1]) is not None


def test_neither_password_nor_token_is_in_the_database(household: Household, child: User) -> None:
    with pytest.raises(SignInError):
        household.sign_in.sign_in("child", "a wrong canary", kind="terminal")
    _, token = household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    household.database.execute("PRAGMA wal_checkpoint(FULL)")
    content = household.database.path.read_bytes()
    for secret in (PASSWORD, "a wrong canary", token):
        assert secret.encode() not in content


def test_both_ends_of_a_sign_in_are_in_the_audit_log(household: Household, owner: User, child: User) -> None:
    with pytest.raises(SignInError):
        household.sign_in.sign_in("child", "wrong one", kind="web", address="192.0.2.7")
    household.sign_in.sign_in("child", PASSWORD, kind="web", address="192.0.2.7")
    log = [(entry.action, entry.target, entry.address) for entry in household.accounts.audit(owner, 2)]
    assert log == [("sign-in", "child", "192.0.2.7"), ("sign-in.failed", "child", "192.0.2.7")]


def test_a_new_password_of_ones_own(household: Household, owner: User) -> None:
    household.accounts.add(owner, "child", PASSWORD)
    user, old = household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    with pytest.raises(SignInError):
        household.sign_in.change_password(user, "not this one", "another long one", kind="terminal")
    with pytest.raises(InvalidInputError, match="at least 8"):
        household.sign_in.change_password(user, PASSWORD, "short", kind="terminal")
    assert household.sign_in.user_of(old) is not None, "nothing has changed so far"
    token = household.sign_in.change_password(user, PASSWORD, "another long one", kind="terminal")
    assert household.sign_in.user_of(old) is None, "the sessions of the old one have ended"
    assert household.sign_in.user_of(token) == household.accounts.get(owner, "child")
    household.sign_in.sign_in("child", "another long one", kind="web")
    changes = [entry.actor for entry in household.accounts.audit_about(user, 20) if entry.action == "user.passwd"]
    assert changes == ["child"]
