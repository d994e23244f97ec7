"""Sessions: seeing them, ending them, and when they were last used; and who is locked out."""

from __future__ import annotations

import pytest

from familychat.errors import FamilychatError, InvalidInputError, NotAllowedError, NotFoundError, SignInError
from familychat.family.guessing import LOCK_AFTER, LOCKED_FOR, account_subject, network_of
from familychat.family.passwords import hash_password
from familychat.family.sign_in import NOTE_USE_EVERY, SESSION_LIFETIME
from familychat.household import Household
from familychat.models import Role, User
from familychat.store.audit import coming_from
from familychat.testing import ManualClock

PASSWORD = "quiet little river"
STORED = hash_password(PASSWORD)


@pytest.fixture
def child(household: Household) -> User:
    return household.accounts.people.add("child", "Child", Role.MEMBER, "2026", password_hash=STORED)


@pytest.fixture
def other(household: Household) -> User:
    return household.accounts.people.add("other", "Other", Role.MEMBER, "2026", password_hash=STORED)


def signed_in(household: Household, name: str = "child", address: str = "192.0.2.7") -> str:
    return household.sign_in.sign_in(name, PASSWORD, kind="web", address=address)[1]


def test_one_sees_and_ends_only_ones_own(household: Household, child: User, other: User) -> None:
    mine, theirs = signed_in(household), signed_in(household, "other")
    [session] = household.sessions.own(child)
    assert (session.kind, session.address) == ("web", "192.0.2.7")
    [foreign] = household.sessions.own(other)
    with pytest.raises(NotFoundError):
        household.sessions.end_own(child, foreign.short_id)
    household.sessions.end_own(child, session.short_id)
    assert household.sign_in.user_of(mine) is None
    assert household.sign_in.user_of(theirs) is not None


def test_an_admin_sees_and_ends_everybodys(household: Household, owner: User, child: User, other: User) -> None:
    tokens = [signed_in(household), signed_in(household), signed_in(household, "other")]
    found = household.sessions.all(owner)
    assert sorted(person.username for person, _ in found) == ["child", "child", "other"]
    assert [person for person, _ in household.sessions.all(owner, "OTHER")] == [household.accounts.people.get(other.id)]
    assert household.sessions.end_all(owner, "child") == 2
    person, _ = household.sessions.end(owner, household.sessions.own(other)[0].short_id)
    assert person.id == other.id
    assert [household.sign_in.user_of(token) for token in tokens] == [None] * 3
    actions = [(one.actor, one.action, one.target) for one in household.accounts.audit(owner, 2)]
    assert actions == [(owner.username, "session.revoke", "other"), (owner.username, "session.revoke", "child")]


def test_nobody_else_may_look_or_end(household: Household, owner: User, child: User, other: User) -> None:
    token = signed_in(household, "other")
    session = household.sessions.own(other)[0]
    for attempt in (
        lambda: household.sessions.all(child),
        lambda: household.sessions.end(child, session.short_id),
        lambda: household.sessions.end_all(child, "other"),
        lambda: household.sessions.locked(child),
        lambda: household.sessions.unlock(child, "child"),
    ):
        with pytest.raises(NotAllowedError):
            attempt()
    assert household.sign_in.user_of(token) is not None


def test_all_others_leaves_the_one_in_use(household: Household, child: User) -> None:
    tokens = [signed_in(household) for _ in range(3)]
    here = household.sign_in.session_of(tokens[1])
    assert here is not None
    assert household.sessions.end_others(child, besides=here.id) == 2
    assert [household.sign_in.user_of(token) is not None for token in tokens] == [False, True, False]


@pytest.mark.parametrize("reference", ["", "a", "123", "%%%%%%", "zzzzzz", " " * 6])
def test_what_is_no_id_ends_nothing(household: Household, owner: User, child: User, reference: str) -> None:
    token = signed_in(household)
    with pytest.raises(NotFoundError):
        household.sessions.end(owner, reference)
    assert household.sign_in.user_of(token) is not None


def test_an_end_that_fits_two_ends_none(household: Household, child: User) -> None:
    tokens = [signed_in(household), signed_in(household)]
    household.database.execute("UPDATE sessions SET id = 'x' || (rowid % 2) || 'abcdef'")
    with pytest.raises(InvalidInputError):
        household.sessions.end_own(child, "abcdef")
    assert all(household.sign_in.user_of(token) for token in tokens)


def test_its_use_is_written_once_a_minute(household: Household, child: User, clock: ManualClock) -> None:
    token = signed_in(household, address="terminal")
    begun = household.sessions.own(child)[0].last_used_at
    clock.move(seconds=NOTE_USE_EVERY.total_seconds() - 1)
    household.sign_in.user_of(token)
    assert household.sessions.own(child)[0].last_used_at == begun
    clock.move(seconds=1)
    household.sign_in.user_of(token)
    used = household.sessions.own(child)[0].last_used_at
    assert used is not None
    assert begun is not None
    assert used > begun
    clock.move(days=-400)
    household.sign_in.user_of(token)
    put_right = household.sessions.own(child)[0].last_used_at if household.sessions.own(child) else used
    assert put_right is not None
    assert put_right < begun, "a clock that was ahead doesn't leave a use in the future"


def test_another_address_is_seen_at_once(household: Household, child: User) -> None:
    token = signed_in(household)
    here = coming_from.set("198.51.100.4")
    try:
        household.sign_in.user_of(token)
    finally:
        coming_from.reset(here)
    assert household.sessions.own(child)[0].address == "198.51.100.4"


def test_an_expired_one_is_not_shown_and_goes_at_the_next_sign_in(
    household: Household, owner: User, child: User, clock: ManualClock
) -> None:
    signed_in(household)
    clock.move(seconds=SESSION_LIFETIME.total_seconds() + 1)
    assert household.sessions.own(child) == []
    assert household.sessions.all(owner) == []
    signed_in(household)
    assert len(household.database.rows("SELECT 1 FROM sessions")) == 1


# -- locked out


def locked_out(household: Household, clock: ManualClock, name: str = "child", address: str = "terminal") -> None:
    """Wrong passwords, with the waits between them, until it is locked."""
    for count in range(LOCK_AFTER):
        with pytest.raises(SignInError):
            household.sign_in.sign_in(name, "wrong one", kind="web", address=address)
        if count < LOCK_AFTER - 1:
            clock.move(seconds=200)


def test_a_lock_is_seen_recorded_once_and_ends(
    household: Household, owner: User, child: User, clock: ManualClock
) -> None:
    locked_out(household, clock)
    for _ in range(3):
        with pytest.raises(FamilychatError):
            household.sign_in.sign_in("child", PASSWORD, kind="web")
    [lock] = household.sessions.locked(owner)
    assert (lock.who, lock.address, lock.failures) == ("child", False, LOCK_AFTER)
    entries = [one for one in household.accounts.audit(owner, 50) if one.action == "sign-in.locked"]
    assert [(one.target, one.about_id) for one in entries] == [("child", child.id)]
    assert entries[0].details.startswith("locked until 2026-01-31 18:45 UTC")
    clock.move(seconds=LOCKED_FOR.total_seconds())
    assert household.sessions.locked(owner) == []
    signed_in(household)


def test_the_next_wrong_one_after_a_lock_begins_another(
    household: Household, owner: User, child: User, clock: ManualClock
) -> None:
    locked_out(household, clock)
    clock.move(seconds=LOCKED_FOR.total_seconds())
    with pytest.raises(SignInError):
        household.sign_in.sign_in("child", "wrong one", kind="web")
    assert len(household.sessions.locked(owner)) == 1
    assert (
        len(household.accounts.audit(owner, 50))
        == len([one for one in household.accounts.audit(owner, 50) if one.action != "sign-in.locked"]) + 2
    )


def test_an_admin_unlocks(household: Household, owner: User, child: User, clock: ManualClock) -> None:
    locked_out(household, clock)
    assert household.sessions.unlock(owner, "CHILD")
    assert not household.sessions.unlock(owner, "child"), "there is nothing left to unlock"
    signed_in(household)
    unlocked = [one for one in household.accounts.audit_about(child, 50) if one.action == "user.unlock"]
    assert [one.actor for one in unlocked] == [owner.username]


def test_an_address_is_locked_whatever_names_it_tries(
    household: Household, owner: User, child: User, clock: ManualClock
) -> None:
    for number in range(LOCK_AFTER):
        with pytest.raises(SignInError):
            household.sign_in.sign_in(f"name{number}", "wrong one", kind="web", address="2001:db8::1:7")
        clock.move(seconds=200 if number < LOCK_AFTER - 1 else 0)
    [lock] = household.sessions.locked(owner)
    assert (lock.who, lock.address) == ("2001:db8::/64", True)
    with pytest.raises(FamilychatError):
        household.sign_in.sign_in("child", PASSWORD, kind="web", address="2001:db8::2:8")
    signed_in(household, address="2001:db8:0:1::7")


def test_who_is_locked_under_a_name_that_nobody_has(household: Household, owner: User, clock: ManualClock) -> None:
    locked_out(household, clock, "my secret password")
    assert [lock.who for lock in household.sessions.locked(owner)] == [None]
    assert "secret" not in str([dict(row) for row in household.database.rows("SELECT * FROM audit")])


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
        ("x" * 500, "x" * 100),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str) -> None:
    assert network_of(address) == counted


def test_one_person_has_one_count_however_the_name_is_written() -> None:
    assert account_subject("Child") == account_subject("\uff23hild")
