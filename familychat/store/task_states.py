"""Tasks that are switched off for the whole household."""

from __future__ import annotations

from familychat.store.database import Database


class TaskStateStore:
    """Rows of ``switched_off_tasks``. A task's name counts whatever its letter case, as in grants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_off(self, name: str) -> bool:
        """Whether nobody may use the task now."""
        query = "SELECT 1 FROM switched_off_tasks WHERE name = ?"
        return self._database.row(query, [name.casefold()]) is not None

    def all_off(self) -> frozenset[str]:
        """The names of all that are switched off, casefolded."""
        return frozenset(row["name"] for row in self._database.rows("SELECT name FROM switched_off_tasks"))

    def switch(self, name: str, *, off: bool, at: str) -> bool:
        """Switch a task off (from ``at`` on) or on again; false if it was so already."""
        if off:
            statement = "INSERT INTO switched_off_tasks (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
            return bool(self._database.execute(statement, [name.casefold(), at]))
        return bool(self._database.execute("DELETE FROM switched_off_tasks WHERE name = ?", [name.casefold()]))
