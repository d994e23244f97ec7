"""Preferences: what can be chosen, that it is kept, and that what can't be chosen changes nothing."""

from __future__ import annotations

import pytest

from familychat.errors import InvalidInputError
from familychat.household import Household
from familychat.models import Role, User
from familychat.preferences import CHOICES, Preferred


@pytest.fixture
def other(household: Household) -> User:
    return household.accounts.people.add("other", "Other", Role.MEMBER, "2026-01-01T00:00:00.000Z")


def test_choices_are_kept_for_one_person(household: Household, owner: User, other: User) -> None:
    household.preferences.choose(owner, {"theme": "dark", "greeting": "  Captain  "})
    chosen = household.preferences.choose(owner, {"theme": "contrast", "language": "pt-BR", "model": "a/b:c"})
    assert chosen == Preferred(theme="contrast", language="pt-BR", greeting="Captain", model="a/b:c")
    assert household.preferences.of(owner) == chosen
    assert household.preferences.of(other) == Preferred()
    household.accounts.people.remove(owner.id)
    assert household.database.rows("SELECT * FROM preferences") == []


def test_the_first_of_each_choice_is_the_default() -> None:
    assert {name: getattr(Preferred(), name) for name in CHOICES} == {name: one[0] for name, one in CHOICES.items()}


@pytest.mark.parametrize(
    "wrong",
    [
        {"theme": "pink"}, {"accent": ""}, {"size": "LARGE"}, {"language": "../../etc"}, {"language": "e"},
        {"greeting": "x" * 65}, {"greeting": "a\nb"}, {"model": "\x00"}, {"nothing": "x"}, {"password": ""},
    ],
)  # fmt: skip
def test_what_isnt_there_to_choose_changes_nothing(household: Household, owner: User, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match="Nothing was changed"):
        household.preferences.choose(owner, {"theme": "dark", **wrong})
    assert household.preferences.of(owner) == Preferred()


def test_what_another_version_wrote_is_left_out(household: Household, owner: User) -> None:
    for name, value in {"theme": "sepia", "wallpaper": "waves", "size": "larger"}.items():
        household.database.insert("preferences", {"user_id": owner.id, "name": name, "value": value})
    assert household.preferences.of(owner) == Preferred(size="larger")
