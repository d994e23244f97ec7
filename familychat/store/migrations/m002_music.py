"""Music libraries, the questions asked of them, and what a task keeps with an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from familychat.clock import new_id, timestamp, utc_now

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS = (
    "ALTER TABLE messages ADD COLUMN details TEXT",
    """
    CREATE TABLE libraries (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        source TEXT NOT NULL,
        source_path TEXT NOT NULL,
        songs INTEGER NOT NULL,
        report TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE asked_questions (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        library_id TEXT NOT NULL REFERENCES libraries (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        question_key TEXT NOT NULL,
        question TEXT NOT NULL,
        sql TEXT NOT NULL,
        writer TEXT NOT NULL,
        model TEXT,
        verdict TEXT CHECK (verdict IN ('right', 'wrong')),
        created_at TEXT NOT NULL,
        UNIQUE (user_id, library_id, question_key)
    )
    """,
    "CREATE INDEX asked_questions_library ON asked_questions (library_id)",
)


def m002_music(db: Database) -> None:
    """Everyone may use every library, once they may use the task music; an admin can narrow it."""
    for statement in STATEMENTS:
        db.execute(statement)
    db.execute(
        "INSERT INTO grants (id, user_id, resource, effect, created_at) VALUES (?, NULL, 'library:*', 'allow', ?) "
        "ON CONFLICT DO NOTHING",
        [new_id(), timestamp(utc_now())],
    )
