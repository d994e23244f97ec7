"""Who is supervised, since when, and the counts that a supervisor sees."""

from __future__ import annotations

from familychat.models import Activity, Supervision, SupervisionLevel
from familychat.store.database import Database


class SupervisionStore:
    """Rows of ``supervision``, and what a summary says of conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, user_id: str) -> Supervision | None:
        """None: nobody supervises this person."""
        row = self._database.row("SELECT user_id, level, since FROM supervision WHERE user_id = ?", [user_id])
        return None if row is None else Supervision(row["user_id"], SupervisionLevel(row["level"]), row["since"])

    def put(self, supervision: Supervision) -> None:
        self._database.execute(
            "INSERT INTO supervision (user_id, level, since) VALUES (?, ?, ?) "
            "ON CONFLICT (user_id) DO UPDATE SET level = excluded.level, since = excluded.since",
            [supervision.user_id, supervision.level.value, supervision.since],
        )

    def remove(self, user_id: str) -> bool:
        """End it; false if there was none."""
        return bool(self._database.execute("DELETE FROM supervision WHERE user_id = ?", [user_id]))

    def activity(self, user_id: str, since: str) -> list[Activity]:
        """What the person did in each conversation since then, the latest first; what is in the trash is left out."""
        rows = self._database.rows(
            "SELECT c.id, c.title, c.task, c.created_at >= ?2 AS begun, count(*) AS questions, "
            "min(m.created_at) AS first_at, max(m.created_at) AS last_at FROM conversations c "
            "JOIN messages m ON m.conversation_id = c.id AND m.author = 'user' AND m.created_at >= ?2 "
            "WHERE c.owner_id = ?1 AND c.deleted_at IS NULL GROUP BY c.id ORDER BY last_at DESC",
            [user_id, since],
        )
        return [
            Activity(
                conversation_id=row["id"],
                # A title from before tells of what was asked before.
                topic=row["title"] if row["begun"] else None,
                task=row["task"],
                questions=row["questions"],
                first_at=row["first_at"],
                last_at=row["last_at"],
            )
            for row in rows
        ]
