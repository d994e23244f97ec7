"""Accounts, permissions and signing in."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from familychat.errors import (
    ConflictError,
    FamilychatError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    SignInError,
)
from familychat.family.guessing import wait_after
from familychat.family.passwords import hash_password, verify_password
from familychat.family.permissions import check_resource
from familychat.family.sign_in import SESSION_LIFETIME
from familychat.household import Household
from familychat.models import Effect, Role, User
from familychat.settings import Settings
from familychat.testing import ManualClock

PASSWORD = "quiet little river"


def test_first_use_makes_one_admin_for_this_terminal(household: Household, owner: User, data_dir: Path) -> None:
    assert (owner.username, owner.role, owner.has_password) == (getpass.getuser(), Role.ADMIN, False)
    assert household.first_admin == owner
    again = Household(Settings(data_dir=data_dir))
    assert again.first_admin is None
    assert again.accounts.people.all() == [owner]
    again.close()


def test_names_are_caseless(household: Household, owner: User) -> None:
    household.accounts.add(owner, "Straße", PASSWORD)
    for same in ("straße", "STRASSE", "strasse"):
        with pytest.raises(ConflictError, match="is taken"):
            household.accounts.add(owner, same, PASSWORD)
    household.accounts.add(owner, "child", PASSWORD)
    with pytest.raises(ConflictError):
        household.accounts.rename(owner, "child", "STRASSE")
    assert household.accounts.rename(owner, "child", "CHILD").username == "CHILD"


def test_renaming_follows_the_name_people_see(household: Household, owner: User) -> None:
    household.accounts.add(owner, "child", PASSWORD)
    assert household.accounts.rename(owner, "child", "teen").display_name == "Teen"
    assert household.accounts.rename(owner, "teen", "adult", display_name="Our eldest").display_name == "Our eldest"
    assert household.accounts.rename(owner, "adult", "elder").display_name == "Our eldest"


def test_the_owner_of_the_computer_keeps_the_terminal_when_renamed(household: Household, owner: User) -> None:
    household.accounts.rename(owner, owner.username, "parent")
    found = household.accounts.people.by_os_account(getpass.getuser())
    assert found is not None
    assert found.username == "parent"


def test_only_admins_change_anything(household: Household, owner: User) -> None:
    child = household.accounts.add(owner, "child", PASSWORD)
    accounts, rules = household.accounts, household.rules
    attempts = [
        lambda: accounts.all(child),
        lambda: accounts.get(child, "child"),
        lambda: accounts.add(child, "guest", PASSWORD),
        lambda: accounts.rename(child, "child", "king"),
        lambda: accounts.set_password(child, owner.username, PASSWORD),
        lambda: accounts.disable(child, owner.username),
        lambda: accounts.enable(child, "child"),
        lambda: accounts.promote(child, "child"),
        lambda: accounts.demote(child, owner.username),
        lambda: accounts.remove(child, owner.username),
        lambda: accounts.belongings(child, owner.username),
        lambda: rules.grant(child, "child", "task:music", Effect.ALLOW),
        lambda: rules.revoke(child, "everyone", "task:general"),
        lambda: rules.grants(child),
        lambda: accounts.audit(child, 9),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowedError):
            attempt()  # type: ignore[no-untyped-call]
    assert len(accounts.all(owner)) == 2


def test_every_change_is_in_the_audit_log_which_only_grows(household: Household, owner: User) -> None:
    household.accounts.add(owner, "child", PASSWORD)
    household.rules.grant(owner, "child", "task:music", Effect.ALLOW)
    household.accounts.remove(owner, "child")
    log = [(e.actor, e.action, e.target, e.details) for e in household.accounts.audit(owner, 3)]
    name = owner.username
    assert log == [
        (name, "user.remove", "child", ""),
        (name, "grant.allow", "child", "task:music"),
        (name, "user.add", "child", "member"),
    ]
    for statement in ("DELETE FROM audit", "UPDATE audit SET actor = 'nobody'"):
        with pytest.raises(FamilychatError):
            household.database.execute(statement)
    assert len(household.accounts.audit(owner, 100)) == 4


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ([], False),
        ([("everyone", "allow", "task:music")], True),
        ([("child", "allow", "task:music")], True),
        ([("child", "allow", "task:*")], True),
        ([("everyone", "allow", "task:*"), ("child", "deny", "task:music")], False),
        ([("everyone", "deny", "task:music"), ("child", "allow", "task:music")], False),
        ([("everyone", "deny", "task:*"), ("child", "allow", "task:music")], False),
        ([("guest", "allow", "task:music")], False),
        ([("guest", "deny", "task:music"), ("everyone", "allow", "task:music")], True),
        ([("everyone", "allow", "model:music")], False),
        ([("everyone", "allow", "model:*")], False),
    ],
)
def test_what_is_forbidden_wins(
    household: Household, owner: User, rules: list[tuple[str, str, str]], allowed: bool
) -> None:
    child = household.accounts.add(owner, "child", PASSWORD)
    household.accounts.add(owner, "guest", PASSWORD)
    for who, effect, resource in rules:
        household.rules.grant(owner, who, resource, Effect(effect))
    assert household.permissions.may_use(child, "task:music") is allowed


def test_by_default_everyone_has_general_only(household: Household, owner: User) -> None:
    may_use = household.permissions.may_use
    assert may_use(owner, "task:general")
    assert not may_use(owner, "task:music"), "not even an admin"
    assert may_use(owner, "model:maker/tiny:8b")


def test_rules_are_replaced_and_taken_away(household: Household, owner: User) -> None:
    for effect in (Effect.ALLOW, Effect.DENY, Effect.ALLOW):
        household.rules.grant(owner, "everyone", "task:music", effect)
    assert [(who, g.effect) for who, g in household.rules.grants(owner) if g.resource == "task:music"] == [
        ("everyone", Effect.ALLOW)
    ]
    household.rules.revoke(owner, "everyone", "task:music")
    with pytest.raises(NotFoundError):
        household.rules.revoke(owner, "everyone", "task:music")
    with pytest.raises(NotFoundError):
        household.rules.grant(owner, "stranger", "task:music", Effect.ALLOW)


@pytest.mark.parametrize("resource", ["music", "task:", "task: ", "web:music", "task:x\ny", "", "model:" + "x" * 300])
def test_resources_that_are_none(resource: str) -> None:
    with pytest.raises(InvalidInputError):
        check_resource(resource)


def test_signing_in_and_out(household: Household, owner: User, clock: ManualClock) -> None:
    household.accounts.add(owner, "child", PASSWORD)
    _child, token = household.sign_in.sign_in("CHILD", PASSWORD, kind="terminal")
    assert household.sign_in.user_of(token) is not None
    assert len(token) >= 43
    assert token not in str([dict(row) for row in household.database.rows("SELECT * FROM sessions")])
    assert household.accounts.get(owner, "child").last_login_at == "2026-01-31T18:00:00.000Z"
    household.sign_in.sign_out(token)
    assert household.sign_in.user_of(token) is None
    _, token = household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    clock.move(seconds=SESSION_LIFETIME.total_seconds() + 1)
    assert household.sign_in.user_of(token) is None


def test_password_change_disabling_and_removal_end_sessions_at_once(household: Household, owner: User) -> None:
    household.accounts.add(owner, "child", PASSWORD)
    _, token = household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    household.accounts.set_password(owner, "child", PASSWORD + "!")
    assert household.sign_in.user_of(token) is None
    _, token = household.sign_in.sign_in("child", PASSWORD + "!", kind="terminal")
    household.accounts.disable(owner, "child")
    assert household.sign_in.user_of(token) is None
    with pytest.raises(SignInError):
        household.sign_in.sign_in("child", PASSWORD + "!", kind="terminal")
    household.accounts.enable(owner, "child")
    assert household.sign_in.user_of(token) is None, "an old session doesn't come back"


def test_unknown_name_and_wrong_password_read_alike(household: Household, owner: User) -> None:
    household.accounts.add(owner, "child", PASSWORD)
    messages = []
    for name in ("child", "stranger", owner.username):  # the owner has no password at all
        with pytest.raises(SignInError) as caught:
            household.sign_in.sign_in(name, "not this one", kind="terminal")
        messages.append(str(caught.value))
    assert len(set(messages)) == 1


def test_waits_grow_and_end() -> None:
    waits = [wait_after(failures).total_seconds() for failures in range(15)]
    assert waits[:7] == [0, 0, 1, 2, 4, 8, 16]
    assert waits == sorted(waits)
    assert wait_after(10_000).total_seconds() == 900


def test_the_same_letters_typed_on_another_keyboard() -> None:
    stored = hash_password("Café im Grünen")
    assert verify_password("Cafe\u0301 im Gru\u0308nen", stored)
    assert not verify_password("Cafe im Grunen", stored)
    assert not verify_password("", None)
