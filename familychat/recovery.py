"""Answers that a process which is gone left unfinished, and whether an answer is still being written."""

from __future__ import annotations

from familychat.errors import ConflictError
from familychat.models import Conversation
from familychat.store.database import Database
from familychat.store.leases import Lease, live_processes
from familychat.store.writing import WritingStore


class Recovery:
    """Looks after what is being written, by this process (``lease``) and others on the same data folder."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._folder = database.path.parent
        self._lease = lease
        self._writing = WritingStore(database)

    def recover(self) -> int:
        """Mark as partial what processes that are gone left streaming; returns how many answers."""
        writers = self._writing.writers() - {self._lease.id}
        if not writers:
            return 0
        alive = live_processes(self._folder, own=self._lease.id)
        return sum(self._writing.mark_cut_off(writer) for writer in writers - alive)

    def require_settled(self, conversation: Conversation) -> None:
        """Raises :class:`ConflictError` while an answer is being written in the conversation."""
        if not self._writing.is_streaming(conversation):
            return
        self.recover()
        if self._writing.is_streaming(conversation):
            raise ConflictError(
                "An answer is still being written in this conversation.", "Wait for it, or stop it there."
            )
