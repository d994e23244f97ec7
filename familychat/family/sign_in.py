"""Signing in and out: sessions by random token."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from datetime import UTC, timedelta

from familychat.clock import Clock, parse_timestamp, timestamp, to_the_minute
from familychat.errors import SignInError, StoreError
from familychat.family.guessing import Guessing
from familychat.family.passwords import check_new_password, hash_password, verify_password
from familychat.models import Session, User
from familychat.store.audit import TERMINAL, AuditStore, coming_from
from familychat.store.database import Database
from familychat.store.people import PeopleStore
from familychat.store.sessions import SessionStore

TOKEN_BYTES = 32
SESSION_LIFETIME = timedelta(days=90)
NOTE_USE_EVERY = timedelta(minutes=1)
SOMEBODY = "somebody"
"""Stands in the audit log for who isn't signed in."""

UNKNOWN_NAME = "an unknown name"


class SignIn:
    """Sessions of the terminal and, later, the browser. Only hashes of their tokens are stored."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._people = PeopleStore(database)
        self._sessions = SessionStore(database)
        self._guessing = Guessing(database, clock)
        self._audit = AuditStore(database)

    def sign_in(self, username: str, password: str, *, kind: str, address: str = TERMINAL) -> tuple[User, str]:
        """Check a password and begin a session; returns the person and the session's token.

        Raises :class:`TooManyAttemptsError` while this account or address has to wait (nothing is checked then), and
        :class:`SignInError` if the two don't fit, with the same words whether or not the account exists.
        """
        username = username.encode("utf-8", "replace").decode()
        counted = self._guessing.begin(username, address)
        user = self._people.by_username(username)
        stored = self._people.password_hash(user.id) if user else None
        fits = verify_password(password, stored)
        now = timestamp(self._clock())
        if user is None or not fits or not user.active:
            self._record_failure(user, counted, now, address)
            raise SignInError("The name and password don't fit.", "Check both, then try again.")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._database.transaction():
            self._guessing.forget(counted)
            self._sessions.remove_begun_before(self._oldest())
            self._sessions.add(user.id, kind, _hash(token), now, address=address)
            self._people.set_last_login(user.id, now)
            self._audit.add(now, user.username, "sign-in", user.username, address=address, about_id=user.id)
        return user, token

    def _record_failure(self, user: User | None, counted: list[str], now: str, address: str) -> None:
        # A name that nobody has isn't kept: somebody may have typed a password there.
        target = user.username if user else UNKNOWN_NAME
        about_id = user.id if user else None
        with self._database.transaction():
            self._audit.add(now, SOMEBODY, "sign-in.failed", target, address=address, about_id=about_id)
            for lock in self._guessing.locks(counted):
                until = f"{to_the_minute(lock.until, UTC)} UTC"
                self._audit.add(
                    now,
                    "familychat",
                    "sign-in.locked",
                    target if lock.what == "account" else lock.subject,
                    f"locked until {until} after {lock.failures} wrong passwords",
                    address=address,
                    about_id=about_id if lock.what == "account" else None,
                )

    def _oldest(self) -> str:
        return timestamp(self._clock() - SESSION_LIFETIME)

    def session_of(self, token: str) -> Session | None:
        """The session that a token belongs to; None once it is ended or expired."""
        return self._sessions.by_token(_hash(token), not_before=self._oldest())

    def user_of(self, token: str) -> User | None:
        """Who a session's token belongs to; None once it is ended, expired, or the account is switched off.

        That it was used, and from where, is noted at most once a minute.
        """
        session = self.session_of(token)
        user = self._people.get(session.user_id) if session else None
        if session is None or user is None or not user.active:
            return None
        self._note_use(session)
        return user

    def _note_use(self, session: Session) -> None:
        now, address = self._clock(), coming_from.get()
        noted = parse_timestamp(session.last_used_at or session.created_at)
        if abs(now - noted) < NOTE_USE_EVERY and session.address == address:  # a clock set back counts, too
            return
        with contextlib.suppress(StoreError):  # reading on matters more
            self._sessions.used(session.id, timestamp(now), address)

    def change_password(self, user: User, current: str, password: str, *, kind: str, address: str = TERMINAL) -> str:
        """Give oneself a new password. It ends all one's sessions; the token of a new one is returned.

        Raises as :meth:`sign_in` does if ``current`` isn't the password (guessing it here is slowed as well), and
        :class:`familychat.errors.InvalidInputError` for a new one that won't do.
        """
        _, proof = self.sign_in(user.username, current, kind=kind, address=address)
        self.sign_out(proof)
        check_new_password(password, user.username)
        password_hash = hash_password(password)
        with self._database.transaction():
            self._people.set_password_hash(user.id, password_hash)
            self._sessions.remove_all_of(user.id)
            now = timestamp(self._clock())
            self._audit.add(now, user.username, "user.passwd", user.username, address=address, about_id=user.id)
        _, token = self.sign_in(user.username, password, kind=kind, address=address)
        return token

    def sign_out(self, token: str) -> None:
        """End a session; an unknown one is fine."""
        session = self.session_of(token)
        if session is None:
            return
        with self._database.transaction():
            user = self._people.get(session.user_id)
            if self._sessions.remove(session.id) and user is not None:
                now = timestamp(self._clock())
                self._audit.add(now, user.username, "sign-out", user.username, about_id=user.id)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
