"""What makes a new password good enough, and that any text at all can be tried."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from familychat.errors import InvalidInputError
from familychat.family.passwords import MAX_LENGTH, MIN_LENGTH, check_new_password, hash_password, verify_password

STORED = hash_password("quiet little river")


@pytest.mark.parametrize(
    ("length", "fits"), [(MIN_LENGTH - 1, False), (MIN_LENGTH, True), (MAX_LENGTH, True), (MAX_LENGTH + 1, False)]
)
def test_the_bounds_count_themselves(length: int, fits: bool) -> None:
    password = "aé密🙂~"[:5] * 201
    if fits:
        check_new_password(password[:length], "owner")
    else:
        with pytest.raises(InvalidInputError, match=str(MIN_LENGTH if length < MIN_LENGTH else MAX_LENGTH)):
            check_new_password(password[:length], "owner")


@pytest.mark.parametrize("name", ["grandmother", "Grandmother", "GRANDMOTHER"])
def test_ones_own_name_in_any_letter_case_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="first that anybody would try"):
        check_new_password("grandMOTHER", name)
    check_new_password("grandMOTHER.", name)


@settings(max_examples=3, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=1500))
def test_anything_can_be_tried(password: str) -> None:
    assert not verify_password(password, STORED)


@pytest.mark.parametrize("password", ["quiet\udcff river", "\ud83d" * 8])
def test_text_that_is_no_unicode_is_just_wrong(password: str) -> None:
    """Bytes that aren't UTF-8 reach us as lone surrogates, from a command line for one."""
    assert not verify_password(password, STORED)


@pytest.mark.parametrize("password", ["quiet\udcff river", "\ud83d" * 8])
def test_text_that_is_no_unicode_makes_no_new_password(password: str) -> None:
    with pytest.raises(InvalidInputError):
        check_new_password(password, "owner")


def test_two_hashes_of_one_password_differ() -> None:
    other = hash_password("quiet little river")
    assert other != STORED
    assert verify_password("quiet little river", other)


def test_without_a_stored_hash_nothing_fits() -> None:
    """Not even the text that is hashed in place of the missing one."""
    for password in ("", "nobody has this one"):
        assert not verify_password(password, None)


def test_only_the_first_thousand_characters_are_not_enough() -> None:
    stored = hash_password("x" * MAX_LENGTH)
    assert verify_password("x" * MAX_LENGTH, stored)
    assert not verify_password("x" * (MAX_LENGTH + 1), stored)
