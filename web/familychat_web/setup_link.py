"""The one-time link by which the first admin gets a password, while nobody can sign in."""

from __future__ import annotations

import hmac
import secrets

from familychat.errors import ConflictError, NotFoundError
from familychat.household import Household
from familychat.models import User

TOKEN_BYTES = 32


class SetupLink:
    """A token that is nowhere but here and in the link. It is good once, and only while nobody can sign in."""

    def __init__(self) -> None:
        self._token: str | None = secrets.token_urlsafe(TOKEN_BYTES)

    def path(self, home: Household) -> str | None:
        """Where it leads; None once somebody can sign in, or it was used."""
        return f"/setup/{self._token}" if self._token is not None and _first_admin(home) is not None else None

    def check(self, home: Household, token: str) -> User:
        """Whom it is for; raises :class:`NotFoundError` for a wrong token, or one that isn't good any more."""
        admin = _first_admin(home)
        fits = hmac.compare_digest(token.encode("utf-8", "replace"), (self._token or "").encode())
        if self._token is None or admin is None or not fits:
            raise NotFoundError(
                "This link isn't good, or was used already.", "familychat serve shows one while nobody can sign in."
            )
        return admin

    def use(self, home: Household, token: str, username: str, password: str) -> User:
        """Give the first admin a password and, if they like, another name. Takes its time: keep it off an event loop.

        Raises :class:`NotFoundError` as :meth:`check`, :class:`ConflictError` while it is being used, and
        :class:`familychat.errors.InvalidInputError` for a name or password that won't do: then it can be used again.
        """
        admin = self.check(home, token)
        kept, self._token = self._token, None
        if kept is None:
            raise ConflictError("The link is being used right now.")
        try:
            with home.database.transaction():  # both or neither
                if username != admin.username:
                    admin = home.accounts.rename(admin, admin.username, username)
                home.accounts.set_password(admin, admin.username, password)
        except BaseException:
            self._token = kept
            raise
        return admin


def _first_admin(home: Household) -> User | None:
    """The admin who was there first, while nobody has a password to sign in with."""
    people = [one for one in home.accounts.people.all() if one.active]
    if any(one.has_password for one in people):
        return None
    return next((one for one in people if one.is_admin), None)
