"""Answers that are being written now: by whom, and whether they are to go on."""

from __future__ import annotations

from familychat.models import Conversation, Message
from familychat.store.database import Database


class WritingStore:
    """What messages with the status ``streaming`` say about their writers, which are leases' ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_streaming(self, conversation: Conversation) -> bool:
        """Whether somebody is writing an answer in this conversation now."""
        return (
            self._database.row(
                "SELECT 1 FROM messages WHERE conversation_id = ? AND status = 'streaming'", [conversation.id]
            )
            is not None
        )

    def ask_to_stop(self, answer: Message) -> None:
        """Whoever is writing it is to end it."""
        self._database.execute("UPDATE messages SET stop_asked = 1 WHERE id = ? AND status = 'streaming'", [answer.id])

    def is_wanted(self, answer_id: str) -> bool:
        """Whether its writer is to go on: nobody asked to stop it, and its conversation isn't deleted."""
        return (
            self._database.row(
                "SELECT 1 FROM messages m JOIN conversations c ON c.id = m.conversation_id "
                "WHERE m.id = ? AND m.stop_asked = 0 AND c.deleted_at IS NULL",
                [answer_id],
            )
            is not None
        )

    def writers(self) -> set[str]:
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
