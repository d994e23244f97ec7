"""Sessions (only hashes of their tokens) and failed sign-ins."""

from __future__ import annotations

from dataclasses import dataclass

from familychat.clock import new_id
from familychat.models import Session
from familychat.store.database import Database


@dataclass(frozen=True, slots=True)
class Failures:
    """How often sign-in failed in a row for one subject, and when last."""

    subject: str
    count: int
    last_failed_at: str


_COLUMNS = "id, user_id, kind, address, created_at, last_used_at"


class SessionStore:
    """Rows of ``sessions`` and ``sign_in_failures``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user_id: str, kind: str, token_hash: str, at: str, *, address: str = "") -> None:
        self._database.insert(
            "sessions",
            {
                "id": new_id(),
                "user_id": user_id,
                "kind": kind,
                "token_hash": token_hash,
                "created_at": at,
                "last_used_at": at,
                "address": address,
            },
        )

    def by_token(self, token_hash: str, *, not_before: str) -> Session | None:
        """The session of a token, or None if it is unknown or began before ``not_before``."""
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM sessions WHERE token_hash = ? AND created_at >= ?",  # noqa: S608
            [token_hash, not_before],
        )
        return None if row is None else Session(**dict(row))

    def used(self, session_id: str, at: str, address: str) -> None:
        self._database.execute(
            "UPDATE sessions SET last_used_at = ?, address = ? WHERE id = ?", [at, address, session_id]
        )

    def all(self, user_id: str | None = None, *, not_before: str) -> list[Session]:
        """The sessions that hold, the last used first; of one person, or (None) of everyone."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM sessions WHERE created_at >= ? AND (? IS NULL OR user_id = ?) "  # noqa: S608
            "ORDER BY coalesce(last_used_at, created_at) DESC, id DESC",
            [not_before, user_id, user_id],
        )
        return [Session(**dict(row)) for row in rows]

    def remove(self, session_id: str) -> bool:
        """False if there was none any more."""
        return bool(self._database.execute("DELETE FROM sessions WHERE id = ?", [session_id]))

    def remove_all_of(self, user_id: str, *, besides: str | None = None) -> int:
        """End a person's sessions, all or all but one; returns how many that were."""
        return self._database.execute("DELETE FROM sessions WHERE user_id = ? AND id IS NOT ?", [user_id, besides])

    def remove_begun_before(self, at: str) -> None:
        self._database.execute("DELETE FROM sessions WHERE created_at < ?", [at])

    def failures(self, subject: str) -> Failures | None:
        found = self._failures("subject = ?", subject)
        return found[0] if found else None

    def failures_from(self, count: int) -> list[Failures]:
        """Who failed so often or more, the latest first."""
        return self._failures("failures >= ?", count)

    def _failures(self, where: str, value: str | int) -> list[Failures]:
        rows = self._database.rows(
            "SELECT subject, failures, last_failed_at FROM sign_in_failures "  # noqa: S608
            f"WHERE {where} ORDER BY last_failed_at DESC",
            [value],
        )
        return [Failures(row["subject"], row["failures"], row["last_failed_at"]) for row in rows]

    def put_failures(self, subject: str, count: int, at: str) -> None:
        self._database.execute(
            "INSERT INTO sign_in_failures (subject, failures, last_failed_at) VALUES (?, ?, ?) "
            "ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, "
            "last_failed_at = excluded.last_failed_at",
            [subject, count, at],
        )

    def forget_failures(self, subject: str) -> bool:
        """False if there were none."""
        return bool(self._database.execute("DELETE FROM sign_in_failures WHERE subject = ?", [subject]))

    def no_failures_after(self, at: str) -> None:
        """What seems to have failed in the future failed now: the clock was set back, and nobody waits for that."""
        self._database.execute("UPDATE sign_in_failures SET last_failed_at = ? WHERE last_failed_at > ?", [at, at])

    def forget_failures_before(self, at: str, *, keep: int) -> None:
        """Keep the table small: a stranger chooses what is tried. At most the ``keep`` latest stay."""
        self._database.execute("DELETE FROM sign_in_failures WHERE last_failed_at < ?", [at])
        self._database.execute(
            "DELETE FROM sign_in_failures WHERE subject IN "
            "(SELECT subject FROM sign_in_failures ORDER BY last_failed_at DESC LIMIT -1 OFFSET ?)",
            [keep],
        )
