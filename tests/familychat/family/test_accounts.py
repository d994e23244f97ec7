"""Accounts at their edges: names, what removal takes along, and admins who are admins no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from familychat.errors import ConflictError, InvalidInputError, NotAllowedError
from familychat.family.accounts import EVERYONE, MAX_NAME
from familychat.household import Household
from familychat.models import Effect, Role, User
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore

PASSWORD = "quiet little river"


def add(household: Household, name: str, role: Role = Role.MEMBER) -> User:
    """A person without a password: quick, since nothing is hashed."""
    return household.accounts.people.add(name, name.title(), role, "2026")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "two words",
        "tab\there",
        "-rf",
        "x" * (MAX_NAME + 1),
        EVERYONE,
        "EveryOne",
        "bell\a",
        "line\nbreak",
        "a\0b",
    ],
)
def test_names_that_are_none(household: Household, owner: User, name: str) -> None:
    add(household, "child")
    with pytest.raises(InvalidInputError):
        household.accounts.add(owner, name, PASSWORD)
    with pytest.raises(InvalidInputError):
        household.accounts.rename(owner, "child", name)
    assert [user.username for user in household.accounts.all(owner)] == [owner.username, "child"]


@pytest.mark.parametrize("name", ["x" * MAX_NAME, "孩子", "зоя", "o'child", "child@home", "a;DROP"])
def test_names_that_are_fine(household: Household, owner: User, name: str) -> None:
    add(household, "child")
    assert household.accounts.rename(owner, "child", f" {name} ").username == name
    assert household.accounts.get(owner, name).username == name


@pytest.mark.parametrize("lookalike", ["\uff43hild", "ﬁsh", "FISH"])
def test_compatibility_forms_are_the_same_name(household: Household, owner: User, lookalike: str) -> None:
    add(household, "child")
    add(household, "fish")
    add(household, "guest")
    with pytest.raises(ConflictError, match="is taken"):
        household.accounts.rename(owner, "guest", lookalike)


def test_a_refused_addition_leaves_nobody(household: Household, owner: User) -> None:
    for name, password, error in (
        ("child", "short", InvalidInputError),
        ("child", "password", InvalidInputError),
        (owner.username, PASSWORD, ConflictError),
    ):
        with pytest.raises(error):
            household.accounts.add(owner, name, password)
    assert household.accounts.all(owner) == [owner]
    assert len(household.accounts.audit(owner, 9)) == 1


def test_removing_takes_everything_of_theirs_and_nothing_of_others(household: Household, owner: User) -> None:
    child, guest = add(household, "child"), add(household, "guest")
    for person in (child, guest):
        conversation = ConversationStore(household.database).add(person.id, "2026", title="t", task="general")
        MessageStore(household.database).add_question(conversation, "?", None, "2026")
        household.rules.grant(owner, person.username, "task:music", Effect.ALLOW)
        household.sign_in._sessions.add(person.id, "web", f"hash of {person.username}", "2026")
    assert household.accounts.belongings(owner, "child") == 1
    household.accounts.remove(owner, "child")
    database = household.database
    for table, column in (("conversations", "owner_id"), ("sessions", "user_id"), ("grants", "user_id")):
        found = {row["who"] for row in database.rows(f"SELECT {column} AS who FROM {table}")} - {None}
        assert found == {guest.id}, table
    assert database.rows("SELECT count(*) AS n FROM messages")[0]["n"] == 1
    assert database.rows("PRAGMA foreign_key_check") == []


def test_a_removed_name_can_be_used_again_without_the_old_rules(household: Household, owner: User) -> None:
    first = add(household, "child")
    household.rules.grant(owner, "child", "task:music", Effect.ALLOW)
    household.accounts.remove(owner, "child")
    second = add(household, "child")
    assert second.id != first.id
    assert {who for who, _ in household.rules.grants(owner)} == {EVERYONE}


Ending = Callable[[Household, User], None]


@pytest.mark.parametrize(
    "end",
    [
        lambda home, owner: home.accounts.disable(owner, "other"),
        lambda home, owner: home.accounts.demote(owner, "other"),
        lambda home, owner: home.accounts.remove(owner, "other"),
    ],
    ids=["disabled", "demoted", "removed"],
)
def test_who_is_no_admin_any_more_changes_nothing_at_once(household: Household, owner: User, end: Ending) -> None:
    """A program that runs for long still holds the person as they were when they signed in."""
    other = add(household, "other", Role.ADMIN)
    add(household, "child")
    end(household, owner)
    with pytest.raises(NotAllowedError):
        household.accounts.promote(other, "child")
    assert not household.accounts.get(owner, "child").is_admin


def test_the_audit_log_says_who_was_who_at_the_time(household: Household, owner: User) -> None:
    add(household, "child")
    household.accounts.promote(owner, "child")
    household.accounts.rename(owner, "child", "teen")
    household.accounts.demote(owner, "teen")
    log = [(entry.action, entry.target, entry.details) for entry in household.accounts.audit(owner, 3)]
    assert log == [("user.demote", "teen", ""), ("user.rename", "child", "now teen"), ("user.promote", "child", "")]


def test_what_was_refused_is_not_logged_as_done(household: Household, owner: User) -> None:
    before = household.accounts.audit(owner, 99)
    with pytest.raises(ConflictError):
        household.accounts.demote(owner, owner.username)
    assert household.accounts.audit(owner, 99) == before
