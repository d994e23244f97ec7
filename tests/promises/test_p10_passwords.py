"""Promise 10: any password from 8 to 1,000 characters counts in full; the most common ones are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from familychat.errors import InvalidInputError
from familychat.family.passwords import check_new_password, hash_password, verify_password

LONG = "".join(chr(ord("a") + number % 26) for number in range(1000))


@pytest.fixture(scope="module")
def stored() -> str:
    return hash_password(LONG)


def test_the_whole_length_counts(stored: str) -> None:
    check_new_password(LONG, "owner")
    assert verify_password(LONG, stored)
    assert not verify_password(LONG[:72], stored)
    assert not verify_password(LONG[:999], stored)
    assert not verify_password(LONG + "x", stored)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 999))
def test_every_character_counts(place: int) -> None:
    changed = LONG[:place] + "#" + LONG[place + 1 :]
    assert not verify_password(changed, _STORED)


_STORED = hash_password(LONG)


@pytest.mark.parametrize(
    ("password", "other"),
    [
        ("before\0after 1", "before\0after 2"),
        ("ß" * 60 + "1", "ß" * 60 + "2"),
        ("👨‍👩‍👧" * 20 + "a", "👨‍👩‍👧" * 20 + "b"),
    ],
)
def test_what_bcrypt_alone_would_cut(password: str, other: str) -> None:
    hashed = hash_password(password)
    assert hashed.startswith("$2b$12$")
    assert verify_password(password, hashed)
    assert not verify_password(other, hashed)


@pytest.mark.parametrize(
    "password",
    ["12345678", "password", "PASSWORD", "iloveyou", "qwertyuiop", "sunshine", "Owner-name", "short77", "x" * 1001],
)
def test_refused(password: str) -> None:
    with pytest.raises(InvalidInputError):
        check_new_password(password, "owner-name")


@pytest.mark.parametrize("password", ["12345679x", "a quiet river", "        ", "密码密码密码密码", "x" * 1000])
def test_taken(password: str) -> None:
    check_new_password(password, "owner")
