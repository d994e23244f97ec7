"""A household: an open data folder and everything one can do with it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from familychat.chat import Chat, first_words
from familychat.clock import Clock, timestamp, utc_now
from familychat.errors import InvalidInputError
from familychat.family.accounts import Accounts
from familychat.family.sign_in import SignIn
from familychat.llm.discovery import ServerChoice
from familychat.models import Conversation, Message, User
from familychat.settings import Settings
from familychat.store.conversations import ConversationStore
from familychat.store.database import FILE_NAME, Database
from familychat.store.files import data_folder, setup_lock
from familychat.store.leases import Lease
from familychat.store.messages import MessageStore
from familychat.tasks.registry import TaskRegistry


def database_path(settings: Settings) -> Path:
    """Where the household's database lies."""
    return settings.data_dir / FILE_NAME


class Household:
    """Opens the data folder, making it on first use. Close it with :meth:`close`, inside a loop with :meth:`aclose`.

    Raises :class:`familychat.errors.StoreError` if the database can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        servers: ServerChoice | None = None,
        tasks: TaskRegistry | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.settings = settings
        self._clock = clock
        path = database_path(settings)
        data_folder(settings.data_dir, path.name)
        with setup_lock(path):
            # Before the database is opened, so that a restore never swaps it under us.
            self._lease = Lease(settings.data_dir)
        with contextlib.ExitStack() as undo:
            undo.callback(self._lease.release)
            self.database = undo.enter_context(Database(path))
            self.accounts = Accounts(self.database, clock)
            self.sign_in = SignIn(self.database, clock)
            self.servers = servers or ServerChoice(settings)
            self.tasks = tasks or TaskRegistry()
            self.chat = Chat(
                self.database,
                servers=self.servers,
                tasks=self.tasks,
                lease=self._lease,
                clock=clock,
                default_model=settings.model,
            )
            self.conversations = Conversations(self.database, clock)
            self.first_admin = self.accounts.ensure_first_admin()
            self.recovered = self.chat.recover()
            undo.pop_all()  # all went well: close() does it later

    def close(self) -> None:
        """Close the database. Inside an event loop use :meth:`aclose`, which also stops what is running."""
        self.database.close()
        self._lease.release()

    async def aclose(self) -> None:
        await self.chat.aclose()
        await self.servers.aclose()
        self.close()


class Conversations:
    """What a person does with their own conversations."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = ConversationStore(database)
        self._messages = MessageStore(database)
        self._clock = clock

    def newest(self, user: User, limit: int = 50, *, before: Conversation | None = None) -> list[Conversation]:
        """By last message, newest first; ``before`` continues after that one."""
        return self._store.newest(user.id, limit, before=before)

    def find(self, user: User, reference: str, *, deleted: bool = False) -> Conversation:
        """By id, end of the id, or title; raises if none or several fit."""
        return self._store.find(user.id, reference, deleted=deleted)

    def get(self, user: User, conversation_id: str) -> Conversation:
        return self._store.get(user.id, conversation_id)

    def messages(self, user: User, conversation: Conversation, *, limit: int | None = None) -> list[Message]:
        """The shown path, oldest first, read anew."""
        return self._messages.path(self._store.get(user.id, conversation.id), limit=limit)

    def recent_questions(self, user: User, limit: int = 500) -> list[str]:
        """What the person asked lately, newest first."""
        return self._messages.questions_of(user.id, limit)

    def rename(self, user: User, conversation: Conversation, title: str) -> Conversation:
        """Raises :class:`InvalidInputError` for an empty title; the order of the list stays."""
        clean = first_words(title)
        if not clean:
            raise InvalidInputError("A title can't be empty.", "Give it a few words.")
        return self._store.update(user.id, conversation.id, title=clean)

    def change(self, user: User, conversation: Conversation, **values: object) -> Conversation:
        """Change model, temperature, top_p, max_tokens or system_prompt from the next question on."""
        return self._store.update(user.id, conversation.id, **values)

    def delete(self, user: User, conversation: Conversation) -> None:
        """Move it to the person's trash."""
        self._store.set_deleted(user.id, conversation.id, timestamp(self._clock()))

    def trash(self, user: User) -> list[Conversation]:
        return self._store.trash(user.id)

    def restore(self, user: User, conversation: Conversation) -> None:
        self._store.set_deleted(user.id, conversation.id, None)

    def empty_trash(self, user: User) -> int:
        """Delete for good what is in the trash; returns how many conversations."""
        return self._store.empty_trash(user.id)
