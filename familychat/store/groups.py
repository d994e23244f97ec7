"""Groups of people. Everyone of an age band is in that band's group; the others have the members they are given."""

from __future__ import annotations

from familychat.clock import new_id
from familychat.models import Band, Group
from familychat.store.database import Database, Row

MEMBERSHIPS = (
    "SELECT g.id FROM groups g JOIN users u ON u.band = g.band WHERE u.id = :user "
    "UNION ALL SELECT group_id FROM group_members WHERE user_id = :user"
)
"""The ids of the groups that the person ``:user`` is in."""

_COLUMNS = "id, name, band, created_at"


def _group(row: Row) -> Group:
    return Group(row["id"], row["name"], None if row["band"] is None else Band(row["band"]), row["created_at"])


class GroupStore:
    """Rows of ``groups`` and ``group_members``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Group]:
        """Every group: those of the bands, then the others by name."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM groups ORDER BY band IS NULL, created_at, name_key")  # noqa: S608
        return [_group(row) for row in rows]

    def by_name(self, name: str) -> Group | None:
        """Find a group by name, whatever its letter case."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM groups WHERE name_key = ?", [name.casefold()])  # noqa: S608
        return None if row is None else _group(row)

    def of(self, user_id: str) -> list[Group]:
        """The groups that a person is in."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM groups WHERE id IN ({MEMBERSHIPS}) ORDER BY name_key",  # noqa: S608
            {"user": user_id},
        )
        return [_group(row) for row in rows]

    def add(self, name: str, at: str) -> None:
        self._database.execute(
            "INSERT INTO groups (id, name, name_key, created_at) VALUES (?, ?, ?, ?)",
            [new_id(), name, name.casefold(), at],
        )

    def remove(self, group_id: str) -> None:
        """Delete a group with every rule that it has."""
        self._database.execute("DELETE FROM groups WHERE id = ?", [group_id])

    def members(self, group: Group) -> list[str]:
        """The user names of who is in it."""
        rows = self._database.rows(
            "SELECT username FROM users WHERE band = ? "
            "OR id IN (SELECT user_id FROM group_members WHERE group_id = ?) ORDER BY username_key",
            [group.band, group.id],
        )
        return [row["username"] for row in rows]

    def join(self, group_id: str, user_id: str) -> bool:
        """Put a person into a group; false if they were in it."""
        return bool(
            self._database.execute(
                "INSERT INTO group_members (group_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [group_id, user_id],
            )
        )

    def leave(self, group_id: str, user_id: str) -> bool:
        """Take a person out of a group; false if they weren't in it."""
        return bool(
            self._database.execute("DELETE FROM group_members WHERE group_id = ? AND user_id = ?", [group_id, user_id])
        )
