"""Music questions and the SQL that answered them: a cache for the person who asked, and their examples."""

from __future__ import annotations

from familychat.clock import new_id
from familychat.models import AskedQuestion
from familychat.store.database import Database, Row

_COLUMNS = "id, library_id, version, question, sql, writer, model, verdict, created_at"


def _asked(row: Row) -> AskedQuestion:
    return AskedQuestion(**dict(row))


class AskedStore:
    """Rows of ``asked_questions``: one per person, library and question. Nobody gets anybody else's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, user_id: str, library_id: str, key: str) -> AskedQuestion | None:
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM asked_questions WHERE user_id = ? AND library_id = ? AND question_key = ?",  # noqa: S608
            [user_id, library_id, key],
        )
        return _asked(row) if row else None

    def put(
        self, user_id: str, library_id: str, *, version: int, key: str, question: str, sql: str, writer: str,
        model: str | None, at: str,
    ) -> None:  # fmt: skip
        """Keep a question's SQL in place of an older one; a verdict stays only with the SQL that it was about."""
        self._database.execute(
            "INSERT INTO asked_questions (id, user_id, library_id, version, question_key, question, sql, writer, "
            "model, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (user_id, library_id, question_key) DO UPDATE SET "
            "verdict = CASE WHEN sql = excluded.sql THEN verdict END, version = excluded.version, sql = excluded.sql, "
            "writer = excluded.writer, model = excluded.model, created_at = excluded.created_at",
            [new_id(), user_id, library_id, version, key, question, sql, writer, model, at],
        )

    def mark(self, user_id: str, question_id: str, verdict: str | None) -> bool:
        """Set or take back a verdict; false if the person has no such question."""
        query = "UPDATE asked_questions SET verdict = ? WHERE id = ? AND user_id = ?"
        return bool(self._database.execute(query, [verdict, question_id, user_id]))

    def newest(self, user_id: str, library_id: str, limit: int, *, verdict: str | None = None) -> list[AskedQuestion]:
        """The person's questions of a library, newest first; with ``verdict`` only those."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM asked_questions WHERE user_id = ?1 AND library_id = ?2 "  # noqa: S608
            "AND (?3 IS NULL OR verdict = ?3) ORDER BY created_at DESC, id DESC LIMIT ?4",
            [user_id, library_id, verdict, limit],
        )
        return [_asked(row) for row in rows]
