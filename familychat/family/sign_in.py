"""Signing in: sessions by random token, and a growing wait after wrong passwords."""

from __future__ import annotations

import hashlib
import math
import secrets
from datetime import timedelta

from familychat.clock import Clock, parse_timestamp, timestamp
from familychat.errors import SignInError, TooManyAttemptsError
from familychat.family.passwords import verify_password
from familychat.models import User
from familychat.store.audit import AuditStore
from familychat.store.database import Database
from familychat.store.people import PeopleStore, username_key
from familychat.store.sessions import SessionStore

TOKEN_BYTES = 32
SESSION_LIFETIME = timedelta(days=90)
FREE_FAILURES = 1
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=24)


def wait_after(failures: int) -> timedelta:
    """How long nobody may try again after so many failures in a row: none, then 1, 2, 4 ... seconds, 15 min at most."""
    if failures <= FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - FREE_FAILURES - 1, 20)), LONGEST_WAIT)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class SignIn:
    """Sessions of the terminal and, later, the browser. Only hashes of their tokens are stored."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._people = PeopleStore(database)
        self._sessions = SessionStore(database)
        self._audit = AuditStore(database)

    def sign_in(self, username: str, password: str, *, kind: str, address: str = "terminal") -> tuple[User, str]:
        """Check a password and begin a session; returns the person and the session's token.

        Raises :class:`TooManyAttemptsError` while this account or address has to wait (nothing is checked then), and
        :class:`SignInError` if the two don't fit, with the same words whether or not the account exists.
        """
        username = username.encode("utf-8", "replace").decode()
        subjects = [f"account:{hashlib.sha256(username_key(username).encode()).hexdigest()}"]
        if address != "terminal":  # at the terminal all share one address: one child must not lock out the house
            subjects.append(f"address:{address}")
        self._count_attempt(subjects)
        user = self._people.by_username(username)
        stored = self._people.password_hash(user.id) if user else None
        fits = verify_password(password, stored)
        now = timestamp(self._clock())
        if user is None or not fits or not user.active:
            self._audit.add(now, username[:64], "sign-in.failed", username[:64], address)
            raise SignInError("The name and password don't fit.", "Check both, then try again.")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._database.transaction():
            for subject in subjects:
                self._sessions.forget_failures(subject)
            self._sessions.add(user.id, kind, _hash(token), now)
            self._people.set_last_login(user.id, now)
            self._audit.add(now, user.username, "sign-in", user.username, address)
        return user, token

    def _refuse_while_waiting(self, subject: str) -> None:
        failures = self._sessions.failures(subject)
        if failures is None:
            return
        over = parse_timestamp(failures.last_failed_at) + wait_after(failures.count)
        left = (over - self._clock()).total_seconds()
        if left > 0:
            seconds = math.ceil(left)
            raise TooManyAttemptsError(
                "Too many wrong passwords.",
                f"Wait {seconds} second{'s' if seconds != 1 else ''}, then try again.",
                retry_after=left,
            )

    def _count_attempt(self, subjects: list[str]) -> None:
        # Counted as failed before it is checked, and forgotten on success: many tries at once gain nothing.
        now = self._clock()
        self._sessions.no_failures_after(timestamp(now))
        with self._database.transaction():
            self._sessions.forget_failures_before(timestamp(now - FORGET_AFTER))
            for subject in subjects:
                self._refuse_while_waiting(subject)
            for subject in subjects:
                before = self._sessions.failures(subject)
                self._sessions.put_failures(subject, (before.count if before else 0) + 1, timestamp(now))

    def user_of(self, token: str) -> User | None:
        """Who a session's token belongs to; None once it is ended, expired, or the account is switched off."""
        user_id = self._sessions.user_of(_hash(token), not_before=timestamp(self._clock() - SESSION_LIFETIME))
        user = self._people.get(user_id) if user_id else None
        return user if user and user.active else None

    def sign_out(self, token: str) -> None:
        """End a session; an unknown one is fine."""
        self._sessions.remove(_hash(token))
