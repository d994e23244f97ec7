"""What people chose for themselves, by name."""

from __future__ import annotations

from collections.abc import Mapping

from familychat.store.database import Database


class PreferenceStore:
    """Rows of ``preferences``. Which names and values there are, :mod:`familychat.preferences` knows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, user_id: str) -> dict[str, str]:
        """What the person has chosen, and nothing else."""
        rows = self._database.rows("SELECT name, value FROM preferences WHERE user_id = ?", [user_id])
        return {row["name"]: row["value"] for row in rows}

    def put(self, user_id: str, values: Mapping[str, str]) -> None:
        """Keep these; what was chosen besides stays."""
        with self._database.transaction():
            self._database.execute_many(
                "INSERT INTO preferences (user_id, name, value) VALUES (?, ?, ?) "
                "ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value",
                [(user_id, name, value) for name, value in values.items()],
            )
