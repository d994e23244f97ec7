"""What people choose for themselves, such as a theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS = (
    """
    CREATE TABLE preferences (
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (user_id, name)
    ) WITHOUT ROWID
    """,
)


def m005_preferences(db: Database) -> None:
    """Nobody has chosen anything yet."""
    for statement in STATEMENTS:
        db.execute(statement)
