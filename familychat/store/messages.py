"""Messages: a tree in each conversation, of which one path is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from familychat.clock import new_id
from familychat.errors import NotFoundError
from familychat.models import Author, Conversation, Message, Status, Usage
from familychat.store.database import Database, Row
from familychat.store.search_index import learn

_COLUMNS = (
    "id, conversation_id, parent_id, author, content, reasoning, status, model, prompt_tokens, completion_tokens, "
    "time_to_first_token_ms, tokens_per_second, usage_estimated, error, details, created_at"
)
IDS_AT_ONCE = 500
"""As many as SQLite takes in one statement everywhere."""

# Each way has an index of its own: what follows a message, and what begins a conversation.
_SIBLINGS = """CASE WHEN m.parent_id IS NULL
    THEN (SELECT count(*) FROM messages s WHERE s.conversation_id = m.conversation_id AND s.parent_id IS NULL
          AND s.author = m.author {0})
    ELSE (SELECT count(*) FROM messages s WHERE s.parent_id = m.parent_id AND s.author = m.author {0})
    END"""
_PREFIXED = ", ".join(f"m.{name.strip()}" for name in _COLUMNS.split(",")) + (
    f", {_SIBLINGS.format('')} AS versions, {_SIBLINGS.format('AND s.number <= m.number')} AS version"
)
_WRITTEN = (
    "number, id, conversation_id, owner_id, parent_id, author, content, reasoning, status, writer, model, "
    "prompt_tokens, completion_tokens, time_to_first_token_ms, tokens_per_second, usage_estimated, error, details, "
    "created_at, shown_child_id"
)
_INSERT = f"INSERT INTO messages ({_WRITTEN}) VALUES ({', '.join('?' for _ in _WRITTEN.split(','))})"  # noqa: S608


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
        version=row["version"],
        versions=row["versions"],
    )


def _details(details: Mapping[str, Any] | None) -> str | None:
    return json.dumps(details, ensure_ascii=False) if details else None


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
        message = Message(new_id(), conversation.id, parent_id, author, content, "", status, None, Usage(), None, at)
        with self._database.transaction():
            self._put(conversation.owner_id, [message], writer=writer, shown={})
            self._show(message.parent_id, message.id)
            self._database.execute(
                "UPDATE conversations SET head_id = ?, last_message_at = ? WHERE id = ?",
                [message.id, at, conversation.id],
            )
        return message

    def _put(self, owner_id: str, messages: Sequence[Message], *, writer: str | None, shown: Mapping[str, str]) -> None:
        row = self._database.row("SELECT coalesce(max(number), 0) + 1 AS next FROM messages")
        first = row["next"] if row else 1
        self._database.execute_many(
            _INSERT,
            (
                (
                    first + place, message.id, message.conversation_id, owner_id, message.parent_id,
                    message.author.value, message.content, message.reasoning, message.status.value, writer,
                    message.model, message.usage.prompt_tokens, message.usage.completion_tokens,
                    message.usage.time_to_first_token_ms, message.usage.tokens_per_second,
                    int(message.usage.estimated), message.error, _details(message.details), message.created_at,
                    shown.get(message.id),
                )
                for place, message in enumerate(messages)
            ),
        )  # fmt: skip
        ended = (
            (first + place, "", message.content)
            for place, message in enumerate(messages)
            if message.status is not Status.STREAMING
        )
        learn(self._database.execute_many, owner_id, ended)

    def put_all(self, owner_id: str, messages: Sequence[Message], shown: Mapping[str, str]) -> None:
        """Add messages of one person's conversations as they are, parents first.

        ``shown`` tells which child of a message was shown last.
        """
        with self._database.transaction():
            self._put(owner_id, messages, writer=None, shown=shown)

    def _show(self, parent_id: str | None, child_id: str) -> None:
        if parent_id is not None:
            self._database.execute("UPDATE messages SET shown_child_id = ? WHERE id = ?", [child_id, parent_id])

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
        """Write an answer's end state; raises :class:`NotFoundError` if it was deleted meanwhile."""
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
                _details(details),
                message_id,
            ],
        )
        row = self._database.row(f"SELECT {_PREFIXED} FROM messages m WHERE m.id = ?", [message_id])  # noqa: S608
        if row is None:
            raise NotFoundError("The conversation was deleted while the answer was being written.")
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

    def path_after(self, conversation: Conversation, message_id: str, *, limit: int) -> list[Message] | None:
        """What follows a message on the shown path, oldest first, at most ``limit``; None if it isn't on the path."""
        rows = self._database.rows(
            f"""
            WITH RECURSIVE path (id, parent_id, depth) AS (
                SELECT id, parent_id, 0 FROM messages WHERE id = ?1 AND conversation_id = ?2
                UNION ALL
                SELECT m.id, m.parent_id, depth + 1 FROM path JOIN messages m ON m.id = path.parent_id
                WHERE path.id <> ?3
            )
            SELECT {_PREFIXED} FROM (SELECT id, depth FROM path ORDER BY depth DESC LIMIT ?4) AS first
            JOIN messages m ON m.id = first.id ORDER BY first.depth DESC
            """,  # noqa: S608
            [conversation.head_id, conversation.id, message_id, limit + 1],
        )
        found = [_message(row) for row in rows]
        return found[1:] if found and found[0].id == message_id else None

    def all_of(self, conversation: Conversation) -> list[tuple[Message, str | None]]:
        """Every message in every version, parents first, each with the child that was shown last."""
        rows = self._database.rows(
            f"SELECT {_PREFIXED}, m.shown_child_id FROM messages m "  # noqa: S608
            "WHERE m.conversation_id = ? ORDER BY m.number",
            [conversation.id],
        )
        return [(_message(row), row["shown_child_id"]) for row in rows]

    def get(self, conversation: Conversation, message_id: str) -> Message:
        """Raises :class:`NotFoundError` if the conversation has no such message."""
        row = self._database.row(
            f"SELECT {_PREFIXED} FROM messages m WHERE m.id = ? AND m.conversation_id = ?",  # noqa: S608
            [message_id, conversation.id],
        )
        if row is None:
            raise NotFoundError("There is no such message in this conversation.", "Open it anew to see what it has.")
        return _message(row)

    def any_known(self, message_ids: Sequence[str]) -> bool:
        """Whether any conversation has a message of one of these ids."""
        for start in range(0, len(message_ids), IDS_AT_ONCE):
            some = message_ids[start : start + IDS_AT_ONCE]
            marks = ", ".join("?" for _ in some)
            if self._database.row(f"SELECT 1 FROM messages WHERE id IN ({marks}) LIMIT 1", some):  # noqa: S608
                return True
        return False

    def siblings(self, message: Message) -> list[str]:
        """The ids of a message's versions, itself included, in their order."""
        if message.parent_id is None:
            where, of = "conversation_id = ? AND parent_id IS NULL", message.conversation_id
        else:
            where, of = "parent_id = ?", message.parent_id
        rows = self._database.rows(
            f"SELECT id FROM messages WHERE {where} AND author = ? ORDER BY number",  # noqa: S608 -- one of two
            [of, message.author.value],
        )
        return [row["id"] for row in rows]

    def show(self, conversation: Conversation, message: Message) -> None:
        """Put a message on the shown path, with what followed it when it was last shown."""
        with self._database.transaction():
            # Upwards every message learns which child is shown; downwards each says it, else its newest child is.
            for child, parent in self._upwards(message):
                self._show(parent, child)
            rows = self._database.rows(
                """
                WITH RECURSIVE shown (id, depth) AS (
                    SELECT ?, 0
                    UNION ALL
                    SELECT coalesce(
                        (SELECT c.id FROM messages p JOIN messages c ON c.id = p.shown_child_id AND c.parent_id = p.id
                         WHERE p.id = shown.id),
                        (SELECT c.id FROM messages c WHERE c.parent_id = shown.id ORDER BY c.number DESC LIMIT 1)
                    ), depth + 1 FROM shown WHERE shown.id IS NOT NULL
                )
                SELECT id FROM shown WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1
                """,
                [message.id],
            )
            self._database.execute(
                "UPDATE conversations SET head_id = ? WHERE id = ?", [rows[0]["id"], conversation.id]
            )

    def _upwards(self, message: Message) -> list[tuple[str, str | None]]:
        rows = self._database.rows(
            """
            WITH RECURSIVE up (id, parent_id) AS (
                SELECT id, parent_id FROM messages WHERE id = ?
                UNION ALL
                SELECT m.id, m.parent_id FROM up JOIN messages m ON m.id = up.parent_id
            )
            SELECT id, parent_id FROM up
            """,
            [message.id],
        )
        return [(row["id"], row["parent_id"]) for row in rows]

    def remove(self, conversation: Conversation, message: Message) -> None:
        """Delete one message; what followed it follows what was before it."""
        with self._database.transaction():
            execute = self._database.execute
            after = self._database.row("SELECT shown_child_id FROM messages WHERE id = ?", [message.id])
            execute("UPDATE messages SET parent_id = ? WHERE parent_id = ?", [message.parent_id, message.id])
            execute(
                "UPDATE messages SET shown_child_id = ? WHERE shown_child_id = ?",
                [after["shown_child_id"] if after else None, message.id],
            )
            if conversation.head_id == message.id:
                execute("UPDATE conversations SET head_id = ? WHERE id = ?", [message.parent_id, conversation.id])
            execute("DELETE FROM messages WHERE id = ?", [message.id])

    def resume(self, message: Message, writer: str) -> None:
        """Let ``writer`` go on with an answer that was cut off."""
        self._database.execute(
            "UPDATE messages SET status = 'streaming', writer = ?, error = NULL, stop_asked = 0 WHERE id = ?",
            [writer, message.id],
        )

    def questions_of(self, owner_id: str, limit: int) -> list[str]:
        """The person's own latest questions in any conversation, newest first."""
        rows = self._database.rows(
            "SELECT m.content FROM messages m JOIN conversations c ON c.id = m.conversation_id "
            "WHERE m.owner_id = ? AND c.deleted_at IS NULL AND m.author = 'user' ORDER BY m.number DESC LIMIT ?",
            [owner_id, limit],
        )
        return [row["content"] for row in rows]
