"""Passwords: bcrypt over a SHA-256 pre-hash.

bcrypt reads 72 bytes at most and stops at a NUL, so the password is first hashed with SHA-256 and written as base64
(44 characters without NUL). Every character of a long password then counts.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import unicodedata

from familychat.errors import InvalidInputError
from familychat.wording import Text

MIN_LENGTH = 8
MAX_LENGTH = 1000


def _prehash(password: str) -> bytes:
    # The same letters can be typed as different code points on different keyboards: NFC makes them one.
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hashlib.sha256(text).digest())


def hash_password(password: str) -> str:
    """A bcrypt hash to store. Takes a good part of a second on purpose: keep it off an event loop."""
    import bcrypt

    return bcrypt.hashpw(_prehash(password), bcrypt.gensalt()).decode("ascii")


def verify_password(password: str, stored: str | None) -> bool:
    """Whether the password fits. Takes as long when there is no stored hash, so that a stranger can't tell."""
    import bcrypt

    usable = len(password) <= MAX_LENGTH
    fits = bcrypt.checkpw(_prehash(password[:MAX_LENGTH]), (stored or _nobodys_hash()).encode("ascii"))
    return fits and usable and stored is not None


@functools.cache
def _nobodys_hash() -> str:
    return hash_password("nobody has this one")


def check_new_password(password: str, username: str) -> None:
    """Raises :class:`InvalidInputError` if a new password is too short, too long, very common, or the name."""
    if len(password) < MIN_LENGTH:
        raise InvalidInputError(
            Text("The password needs at least %(least)s characters.", least=MIN_LENGTH),
            "A short sentence is easy to remember.",
        )
    if len(password) > MAX_LENGTH:
        raise InvalidInputError(
            Text("The password can have at most %(most)s characters.", most=MAX_LENGTH), "Shorten it."
        )
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise InvalidInputError("The password holds bytes that are no letters.", "Type it on a keyboard.")
    if password.casefold() in _common() or password.casefold() == username.casefold():
        raise InvalidInputError(
            "That password is one of the first that anybody would try.", "A short sentence is easy to remember."
        )


@functools.cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
