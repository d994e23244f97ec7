"""Grants: who may or may not use what, and until when."""

from __future__ import annotations

from collections.abc import Sequence

from familychat.clock import new_id
from familychat.models import Effect, Grant, Subject
from familychat.store.database import Database, Parameters, Row
from familychat.store.groups import MEMBERSHIPS

_SELECT = "SELECT id, user_id, group_id, resource, effect, until, created_at FROM grants"


def _grant(row: Row) -> Grant:
    return Grant(
        id=row["id"],
        subject=Subject(row["user_id"], row["group_id"]),
        resource=row["resource"],
        effect=Effect(row["effect"]),
        until=row["until"],
        created_at=row["created_at"],
    )


class GrantStore:
    """Rows of ``grants``; one per subject and resource, whose letter case doesn't count."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self, subject: Subject, resource: str, effect: Effect, created_at: str, *, until: str | None = None
    ) -> None:
        """Set the rule of ``subject`` for ``resource``, replacing the one there was."""
        self._database.execute(
            "INSERT INTO grants (id, user_id, group_id, resource, resource_key, effect, until, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (resource_key, coalesce(user_id, ''), coalesce(group_id, '')) "
            "DO UPDATE SET resource = excluded.resource, effect = excluded.effect, until = excluded.until, "
            "created_at = excluded.created_at",
            [
                new_id(), subject.user_id, subject.group_id, resource, resource.casefold(), effect.value, until,
                created_at,
            ],
        )  # fmt: skip

    def remove(self, subject: Subject, resource: str) -> bool:
        """Take a rule away; false if there was none."""
        return bool(
            self._database.execute(
                "DELETE FROM grants WHERE user_id IS ? AND group_id IS ? AND resource_key = ?",
                [subject.user_id, subject.group_id, resource.casefold()],
            )
        )

    def all(self) -> list[Grant]:
        """Every rule, also of the past: everyone's, then the groups', then those of single people."""
        return self._select("1 ORDER BY user_id IS NOT NULL, group_id IS NOT NULL, user_id, group_id, resource", [])

    def touching(self, user_id: str, resources: Sequence[str], now: str) -> list[Grant]:
        """The rules about any of ``resources`` that hold for a person now: their own, their groups', everyone's."""
        keys = {f"key{place}": resource.casefold() for place, resource in enumerate(resources)}
        marks = ", ".join(f":{name}" for name in keys)
        return self._select(
            f"resource_key IN ({marks}) AND (until IS NULL OR until > :now) AND "
            f"(user_id = :user OR group_id IN ({MEMBERSHIPS}) OR (user_id IS NULL AND group_id IS NULL)) "
            "ORDER BY user_id IS NOT NULL, group_id IS NOT NULL, resource",
            {**keys, "user": user_id, "now": now},
        )

    def _select(self, where: str, parameters: Parameters) -> list[Grant]:
        return [_grant(row) for row in self._database.rows(f"{_SELECT} WHERE {where}", parameters)]
