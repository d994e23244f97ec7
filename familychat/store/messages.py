"""Messages: a tree in each conversation, of which one path is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from familychat.clock import new_id
from familychat.models import Author, Conversation, Message, Status, Usage
from familychat.store.database import Database, Row

_COLUMNS = (
    "id, conversation_id, parent_id, author, content, reasoning, status, model, prompt_tokens, completion_tokens, "
    "time_to_first_token_ms, tokens_per_second, usage_estimated, error, details, created_at"
)
_PREFIXED = ", ".join(f"m.{name.strip()}" for name in _COLUMNS.split(","))


def _message(row: Row) -> Message:
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        parent_id=row["parent_id"],
        author=Author(row["author"]),
        content=row["content"],
        reasoning=row["reasoning"],
        status=Status(row["status"]),
        model=row["model"],
        usage=Usage(
            row["prompt_tokens"],
            row["completion_tokens"],
            row["time_to_first_token_ms"],
            row["tokens_per_second"],
            bool(row["usage_estimated"]),
        ),
        error=row["error"],
        details=json.loads(row["details"]) if row["details"] else {},
        created_at=row["created_at"],
    )


class MessageStore:
    """Rows of ``messages``. Callers reach it with a conversation that was looked up through its owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_question(self, conversation: Conversation, content: str, parent_id: str | None, at: str) -> Message:
        return self._add(conversation, Author.USER, content, Status.COMPLETE, parent_id=parent_id, at=at)

    def add_answer(self, conversation: Conversation, question_id: str, writer: str, at: str) -> Message:
        """An empty answer that ``writer`` (a lease's id) is about to stream."""
        return self._add(
            conversation, Author.ASSISTANT, "", Status.STREAMING, parent_id=question_id, at=at, writer=writer
        )

    def _add(
        self,
        conversation: Conversation,
        author: Author,
        content: str,
        status: Status,
        *,
        parent_id: str | None,
        at: str,
        writer: str | None = None,
    ) -> Message:
        message_id = new_id()
        values = {
            "id": message_id,
            "conversation_id": conversation.id,
            "parent_id": parent_id,
            "author": author.value,
            "content": content,
            "status": status.value,
            "writer": writer,
            "created_at": at,
        }
        with self._database.transaction():
            self._database.insert("messages", values)
            self._database.execute(
                "UPDATE conversations SET head_id = ?, last_message_at = ? WHERE id = ?",
                [message_id, at, conversation.id],
            )
        return Message(message_id, conversation.id, parent_id, author, content, "", status, None, Usage(), None, at)

    def checkpoint(self, message_id: str, content: str, reasoning: str) -> None:
        """Save a growing answer."""
        self._database.execute(
            "UPDATE messages SET content = ?, reasoning = ? WHERE id = ?", [content, reasoning, message_id]
        )

    def finish(
        self,
        message_id: str,
        status: Status,
        *,
        content: str,
        reasoning: str,
        model: str | None,
        usage: Usage,
        error: str | None,
        details: Mapping[str, Any] | None = None,
    ) -> Message:
        """Write an answer's end state."""
        self._database.execute(
            "UPDATE messages SET status = ?, writer = NULL, content = ?, reasoning = ?, model = ?, prompt_tokens = ?, "
            "completion_tokens = ?, time_to_first_token_ms = ?, tokens_per_second = ?, usage_estimated = ?, "
            "error = ?, details = ? WHERE id = ?",
            [
                status.value,
                content,
                reasoning,
                model,
                usage.prompt_tokens,
                usage.completion_tokens,
                usage.time_to_first_token_ms,
                usage.tokens_per_second,
                int(usage.estimated),
                error,
                json.dumps(details, ensure_ascii=False) if details else None,
                message_id,
            ],
        )
        row = self._database.row(f"SELECT {_COLUMNS} FROM messages WHERE id = ?", [message_id])  # noqa: S608
        assert row is not None  # noqa: S101 -- just updated
        return _message(row)

    def path(self, conversation: Conversation, *, limit: int | None = None) -> list[Message]:
        """The shown path, oldest first; with ``limit``, only its newest messages."""
        return self.path_to(conversation, conversation.head_id, limit=limit)

    def path_to(self, conversation: Conversation, head_id: str | None, *, limit: int | None = None) -> list[Message]:
        """The messages from the first one down to ``head_id``, oldest first."""
        if head_id is None:
            return []
        parameters: list[Any] = [head_id, conversation.id, -1 if limit is None else limit]
        rows = self._database.rows(
            f"""
            WITH RECURSIVE path (id, parent_id, depth) AS (
                SELECT id, parent_id, 0 FROM messages WHERE id = ?1 AND conversation_id = ?2
                UNION ALL
                SELECT m.id, m.parent_id, depth + 1 FROM path JOIN messages m ON m.id = path.parent_id
                LIMIT ?3
            )
            SELECT {_PREFIXED} FROM path JOIN messages m ON m.id = path.id ORDER BY path.depth DESC
            """,  # noqa: S608
            parameters,
        )
        return [_message(row) for row in rows]

    def is_streaming(self, conversation: Conversation) -> bool:
        """Whether somebody is writing an answer in this conversation now."""
        return (
            self._database.row(
                "SELECT 1 FROM messages WHERE conversation_id = ? AND status = 'streaming'", [conversation.id]
            )
            is not None
        )

    def questions_of(self, owner_id: str, limit: int) -> list[str]:
        """The person's own latest questions in any conversation, newest first."""
        rows = self._database.rows(
            "SELECT m.content FROM messages m JOIN conversations c ON c.id = m.conversation_id "
            "WHERE c.owner_id = ? AND c.deleted_at IS NULL AND m.author = 'user' ORDER BY m.id DESC LIMIT ?",
            [owner_id, limit],
        )
        return [row["content"] for row in rows]

    def streaming_writers(self) -> set[str]:
        """The lease ids of everyone who should be writing an answer now."""
        rows = self._database.rows("SELECT DISTINCT writer FROM messages WHERE status = 'streaming'")
        return {row["writer"] for row in rows}

    def mark_cut_off(self, writer: str) -> int:
        """Answers that a dead process left streaming become partial; returns how many."""
        return self._database.execute(
            "UPDATE messages SET status = 'partial', writer = NULL, error = 'familychat ended in mid-answer' "
            "WHERE status = 'streaming' AND writer = ?",
            [writer],
        )
