"""A household: an open data folder and everything one can do with it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from familychat.chat import Chat
from familychat.clock import Clock, timestamp, utc_now
from familychat.conversations import Conversations
from familychat.family.accounts import Accounts
from familychat.family.hours import household_zone
from familychat.family.limits import Limits
from familychat.family.permissions import Permissions
from familychat.family.rules import HouseRules
from familychat.family.sessions import Sessions
from familychat.family.sign_in import SignIn
from familychat.family.supervision import Supervisions
from familychat.llm.discovery import ServerChoice
from familychat.models import User
from familychat.preferences import Preferences
from familychat.queue import OnPosition, TurnQueue
from familychat.recovery import Recovery
from familychat.searching import Search
from familychat.settings import Settings, is_secret, write_setting
from familychat.store.audit import ABOUT_EVERYONE, AuditStore
from familychat.store.database import FILE_NAME, Database
from familychat.store.files import data_folder, setup_lock
from familychat.store.leases import Lease
from familychat.tasks.folder import FOLDER as TASK_FOLDER
from familychat.tasks.managing import TaskShelf
from familychat.tasks.registry import TaskRegistry

if TYPE_CHECKING:
    from familychat.family.safety.rules import Safety
    from familychat.family.usage import UsageReports


NO_MODEL = "(none)"
"""What nobody's answer takes."""


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
        self.clock = clock
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
            self.sessions = Sessions(self.database, clock, self.accounts)
            self.limits = Limits(self.database, clock, household_zone(settings.time_zone))
            self.permissions = Permissions(self.database, self.limits, clock)
            self.supervisions = Supervisions(self.database, clock, self.accounts)
            self.servers = servers or ServerChoice(settings)
            self.tasks = tasks or TaskRegistry(folder=settings.data_dir / TASK_FOLDER)
            self.rules = HouseRules(
                self.database,
                clock,
                self.accounts,
                permissions=self.permissions,
                limits=self.limits,
                tasks=self.tasks,
            )
            self.task_shelf = TaskShelf(self.database, self.tasks, self.permissions, clock)
            self._queue = TurnQueue(settings.data_dir, self._lease.id, self.servers)
            self.recovery = Recovery(self.database, self._lease)
            self.chat = Chat(
                self.database,
                servers=self.servers,
                tasks=self.tasks,
                lease=self._lease,
                recovery=self.recovery,
                queue=self._queue,
                permissions=self.permissions,
                limits=self.limits,
                clock=clock,
                default_model=settings.model,
                titles_by_model=settings.titles == "model",
            )
            self.conversations = Conversations(self.database, clock, self.recovery)
            self.preferences = Preferences(self.database)
            self.search = Search(self.database, clock)
            self.first_admin = self.accounts.ensure_first_admin()
            self.recovered = self.recovery.recover()
            self.conversations.tidy(settings.trash_days)
            undo.pop_all()  # all went well: close() does it later

    @cached_property
    def safety(self) -> Safety:
        """The instructions and the filter of each age."""
        from familychat.family.safety.rules import Safety  # few programs want it

        return Safety(self.database, self.clock)

    @cached_property
    def usage(self) -> UsageReports:
        """How much was used, by whom and for what."""
        from familychat.family.usage import UsageReports

        return UsageReports(self.database, self.accounts)

    @contextlib.asynccontextmanager
    async def question(self, user: User, task: str, tell: OnPosition, *, model: str | None) -> AsyncIterator[None]:
        """Inside, ask something that isn't part of a conversation: it is allowed, counted, and has its turn.

        ``tell`` gets the position while others come first. Raises :class:`familychat.errors.NotAllowedError` as
        :meth:`familychat.family.permissions.Permissions.require_turn`.
        """
        with self.database.transaction():
            self.permissions.require_turn(user, task)
            self.limits.count_turn(user, task)
        async with self.in_line(user, tell, model=model):
            yield

    def in_line(self, user: User, tell: OnPosition, *, model: str | None) -> AbstractAsyncContextManager[None]:
        """Inside, the model server is theirs: for what is neither limited nor counted. ``tell`` as :meth:`question`."""
        return self._queue.turn(user.id, tell, model=model or self.settings.model)

    def between_answers(
        self, admin: User, tell: OnPosition, *, model: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Inside, load ``model``, or (None) take a model away: nobody's answer is under way that this could break.

        ``tell`` as :meth:`question`. Raises :class:`familychat.errors.NotAllowedError` for anybody but an admin.
        """
        self.accounts.require_admin(admin)
        return self._queue.turn(admin.id, tell, model=model or NO_MODEL)

    def set_setting(self, admin: User, path: Path, key: str, raw: str | None) -> None:
        """Set a setting in the settings file ``path``, or take it out (None); everybody can read that it was done.

        The default model is another at once, all else from the next start. Raises
        :class:`familychat.errors.NotAllowedError` for anybody but an admin, and as
        :func:`familychat.settings.write_setting`, which leaves all as it was.
        """
        self.accounts.require_admin(admin)
        with self.database.transaction():
            write_setting(path, key, raw)
            action = "setting.unset" if raw is None else "setting.set"
            details = "" if raw is None or is_secret(key) else raw
            at = timestamp(self.clock())
            AuditStore(self.database).add(at, admin.username, action, key, details, about_id=ABOUT_EVERYONE)
        if key == "model":
            self.settings = replace(self.settings, model=raw)
            self.chat.use_model(raw)

    def close(self) -> None:
        """Close the database. Inside an event loop use :meth:`aclose`, which also stops what is running."""
        self.database.close()
        self._queue.close()
        self._lease.release()

    async def aclose(self) -> None:
        await self.chat.aclose()
        await self.servers.aclose()
        self.close()
