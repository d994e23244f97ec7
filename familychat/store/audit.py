"""The audit log: append-only, also for whoever writes SQL by hand (triggers refuse changes)."""

from __future__ import annotations

from familychat.clock import new_id
from familychat.models import AuditEntry
from familychat.store.database import Database


class AuditStore:
    """Rows of ``audit``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, at: str, actor: str, action: str, target: str, details: str = "") -> None:
        values = {"id": new_id(), "at": at, "actor": actor, "action": action, "target": target, "details": details}
        self._database.insert("audit", values)

    def newest(self, limit: int) -> list[AuditEntry]:
        """The last ``limit`` entries, newest first."""
        rows = self._database.rows(
            "SELECT id, at, actor, action, target, details FROM audit ORDER BY id DESC LIMIT ?", [limit]
        )
        return [AuditEntry(**dict(row)) for row in rows]
