"""Folders, pins and the archive; versions of messages; each person's own search index; how long chats are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from familychat.store.search_index import create_index

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS = (
    "ALTER TABLE users ADD COLUMN retention_days INTEGER CHECK (retention_days > 0)",
    "ALTER TABLE conversations ADD COLUMN number INTEGER",
    "ALTER TABLE conversations ADD COLUMN folder TEXT",
    "ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1))",
    "ALTER TABLE conversations ADD COLUMN archived_at TEXT",
    # Who gave the title: the question's first words, a model, or a person.
    "ALTER TABLE conversations ADD COLUMN titled_by TEXT NOT NULL DEFAULT 'words' "
    "CHECK (titled_by IN ('words', 'model', 'person'))",
    # What an imported conversation was called where it came from, so that it comes in once.
    "ALTER TABLE conversations ADD COLUMN origin TEXT",
    "UPDATE conversations SET number = rowid",
    "CREATE UNIQUE INDEX conversations_number ON conversations (number)",
    "CREATE UNIQUE INDEX conversations_origin ON conversations (owner_id, origin) WHERE origin IS NOT NULL",
    "DROP INDEX conversations_newest",
    "CREATE INDEX conversations_newest ON conversations (owner_id, pinned DESC, last_message_at DESC, id DESC)"
    " WHERE deleted_at IS NULL AND archived_at IS NULL",
    "CREATE INDEX conversations_spoken ON conversations (owner_id, last_message_at DESC) WHERE deleted_at IS NULL",
    "CREATE INDEX conversations_folder ON conversations (owner_id, folder) WHERE folder IS NOT NULL",
    "CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL",
    "ALTER TABLE messages ADD COLUMN number INTEGER",
    "ALTER TABLE messages ADD COLUMN owner_id TEXT",
    # Which of its children was shown last, so that going back to a version shows what followed it.
    "ALTER TABLE messages ADD COLUMN shown_child_id TEXT",
    "UPDATE messages SET number = rowid, owner_id = (SELECT owner_id FROM conversations WHERE id = conversation_id)",
    # With all that a search reads of a message that may be one of many.
    "CREATE INDEX messages_number ON messages (number, conversation_id, created_at)",
    "DROP INDEX messages_conversation",
    "CREATE INDEX messages_conversation ON messages (conversation_id, number)",
    "CREATE INDEX messages_first ON messages (conversation_id, number) WHERE parent_id IS NULL",
)


def m003_conversations(db: Database) -> None:
    """Number what is there, and index it for its owners."""
    for statement in STATEMENTS:
        db.execute(statement)
    for (user_id,) in db.execute("SELECT id FROM users").fetchall():
        create_index(db.execute, user_id)
