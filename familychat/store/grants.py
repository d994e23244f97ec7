"""Grants: who may or may not use what."""

from __future__ import annotations

from familychat.clock import new_id
from familychat.models import Effect, Grant
from familychat.store.database import Database


class GrantStore:
    """Rows of ``grants``; one per subject and resource."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, user_id: str | None, resource: str, effect: Effect, created_at: str) -> None:
        """Set the rule of ``user_id`` (None: everyone) for ``resource``, replacing the one there was."""
        self._database.execute(
            "INSERT INTO grants (id, user_id, resource, resource_key, effect, created_at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET resource = excluded.resource, effect = excluded.effect",
            [new_id(), user_id, resource, resource.casefold(), effect.value, created_at],
        )

    def remove(self, user_id: str | None, resource: str) -> bool:
        """Take a rule away; false if there was none."""
        return bool(
            self._database.execute(
                "DELETE FROM grants WHERE user_id IS ? AND resource_key = ?", [user_id, resource.casefold()]
            )
        )

    def all(self) -> list[Grant]:
        """Every rule, everyone's first."""
        return self._select("1", [])

    def touching(self, user_id: str, resources: list[str]) -> list[Grant]:
        """The rules about any of ``resources``, in whatever case, that hold for a person: their own and everyone's."""
        marks = ", ".join("?" for _ in resources)
        folded = [resource.casefold() for resource in resources]
        return self._select(f"(user_id IS NULL OR user_id = ?) AND resource_key IN ({marks})", [user_id, *folded])

    def _select(self, where: str, parameters: list[str]) -> list[Grant]:
        rows = self._database.rows(
            "SELECT id, user_id, resource, effect, created_at FROM grants "  # noqa: S608
            f"WHERE {where} ORDER BY user_id IS NOT NULL, user_id, resource",
            parameters,
        )
        return [
            Grant(row["id"], row["user_id"], row["resource"], Effect(row["effect"]), row["created_at"]) for row in rows
        ]
