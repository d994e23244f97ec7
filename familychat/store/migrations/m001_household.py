"""People, grants, sessions, audit, conversations and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from familychat.clock import new_id, timestamp, utc_now

if TYPE_CHECKING:
    from sqlite_utils import Database

TABLES = (
    """
    CREATE TABLE users (
        id TEXT PRIMARY KEY,
        username TEXT NOT NULL,
        username_key TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
        password_hash TEXT,
        role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
        active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
        os_account TEXT UNIQUE,
        created_at TEXT NOT NULL,
        last_login_at TEXT
    )
    """,
    """
    CREATE TABLE grants (
        id TEXT PRIMARY KEY,
        user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
        resource TEXT NOT NULL,
        effect TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
        created_at TEXT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX grants_subject ON grants (coalesce(user_id, ''), resource)",
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        token_hash TEXT NOT NULL UNIQUE,
        created_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX sessions_user ON sessions (user_id)",
    """
    CREATE TABLE sign_in_failures (
        subject TEXT PRIMARY KEY,
        failures INTEGER NOT NULL,
        last_failed_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE audit (
        id TEXT PRIMARY KEY,
        at TEXT NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        target TEXT NOT NULL,
        details TEXT NOT NULL
    )
    """,
    "CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'audit is append-only'); END",
    "CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'audit is append-only'); END",
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        title TEXT NOT NULL,
        task TEXT NOT NULL,
        model TEXT,
        temperature REAL,
        top_p REAL,
        max_tokens INTEGER,
        system_prompt TEXT,
        created_at TEXT NOT NULL,
        last_message_at TEXT NOT NULL,
        deleted_at TEXT,
        head_id TEXT
    )
    """,
    "CREATE INDEX conversations_newest ON conversations (owner_id, last_message_at DESC, id DESC)"
    " WHERE deleted_at IS NULL",
    "CREATE INDEX conversations_trash ON conversations (owner_id, deleted_at DESC) WHERE deleted_at IS NOT NULL",
    """
    CREATE TABLE messages (
        id TEXT PRIMARY KEY,
        conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        parent_id TEXT REFERENCES messages (id),
        author TEXT NOT NULL CHECK (author IN ('user', 'assistant')),
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL CHECK (status IN ('streaming', 'complete', 'stopped', 'partial', 'failed')),
        writer TEXT,
        model TEXT,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        time_to_first_token_ms REAL,
        tokens_per_second REAL,
        usage_estimated INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        created_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX messages_conversation ON messages (conversation_id, id)",
    "CREATE INDEX messages_parent ON messages (parent_id)",
    "CREATE INDEX messages_streaming ON messages (writer) WHERE status = 'streaming'",
)

EVERYONE_MAY = ("task:general", "model:*")


def m001_household(db: Database) -> None:
    """From blank: the tables, and what everyone may use from the start."""
    for statement in TABLES:
        db.execute(statement)
    for resource in EVERYONE_MAY:
        db.execute(
            "INSERT INTO grants (id, user_id, resource, effect, created_at) VALUES (?, NULL, ?, 'allow', ?)",
            [new_id(), resource, timestamp(utc_now())],
        )
