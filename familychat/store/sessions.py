"""Sessions (only hashes of their tokens) and failed sign-ins."""

from __future__ import annotations

from dataclasses import dataclass

from familychat.clock import new_id
from familychat.store.database import Database


@dataclass(frozen=True, slots=True)
class Failures:
    """How often sign-in failed in a row for one subject, and when last."""

    count: int
    last_failed_at: str


class SessionStore:
    """Rows of ``sessions`` and ``sign_in_failures``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user_id: str, kind: str, token_hash: str, at: str) -> None:
        self._database.insert(
            "sessions",
            {
                "id": new_id(),
                "user_id": user_id,
                "kind": kind,
                "token_hash": token_hash,
                "created_at": at,
            },
        )

    def user_of(self, token_hash: str, *, not_before: str) -> str | None:
        """Whose session this is, or None if it is unknown or began before ``not_before``."""
        row = self._database.row(
            "SELECT user_id FROM sessions WHERE token_hash = ? AND created_at >= ?", [token_hash, not_before]
        )
        return None if row is None else row["user_id"]

    def remove(self, token_hash: str) -> None:
        self._database.execute("DELETE FROM sessions WHERE token_hash = ?", [token_hash])

    def remove_all_of(self, user_id: str) -> None:
        self._database.execute("DELETE FROM sessions WHERE user_id = ?", [user_id])

    def failures(self, subject: str) -> Failures | None:
        row = self._database.row("SELECT failures, last_failed_at FROM sign_in_failures WHERE subject = ?", [subject])
        return None if row is None else Failures(row["failures"], row["last_failed_at"])

    def put_failures(self, subject: str, count: int, at: str) -> None:
        self._database.execute(
            "INSERT INTO sign_in_failures (subject, failures, last_failed_at) VALUES (?, ?, ?) "
            "ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, "
            "last_failed_at = excluded.last_failed_at",
            [subject, count, at],
        )

    def forget_failures(self, subject: str) -> None:
        self._database.execute("DELETE FROM sign_in_failures WHERE subject = ?", [subject])

    def no_failures_after(self, at: str) -> None:
        """What seems to have failed in the future failed now: the clock was set back, and nobody waits for that."""
        self._database.execute("UPDATE sign_in_failures SET last_failed_at = ? WHERE last_failed_at > ?", [at, at])

    def forget_failures_before(self, at: str) -> None:
        """Keep the table small: a stranger chooses what is tried."""
        self._database.execute("DELETE FROM sign_in_failures WHERE last_failed_at < ?", [at])
