"""Waiting one's turn at the model server: fair to people, and shared by all processes of a data folder.

:mod:`familychat.queue.line` holds the rules, :mod:`familychat.queue.sharing` the waiting.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from familychat.errors import FamilychatError, StoreError
from familychat.llm.discovery import ServerChoice
from familychat.queue.sharing import Crowd, OnPosition, Server, SharedQueue

__all__ = ["Crowd", "OnPosition", "TurnQueue"]

NO_SERVER = Server("", lambda: 1)
"""Where those wait whose server can't be found: some tasks answer without one."""


class TurnQueue:
    """The line at the household's model server, whichever it is at the moment. Needs no server to be there.

    ``process`` is this process's lease.
    """

    def __init__(self, data_dir: Path, process: str, servers: ServerChoice) -> None:
        self._shared = SharedQueue(data_dir, process)
        self._servers = servers

    @contextlib.asynccontextmanager
    async def turn(self, person: str, tell: OnPosition, *, model: str | None = None) -> AsyncIterator[None]:
        """Hold a slot inside; ``model`` is the one that is wanted. See :meth:`SharedQueue.turn`."""
        server, wanted = await self._server(), (model or "").casefold()
        async with self._shared.turn(server, person, tell, model=wanted):
            yield

    @contextlib.asynccontextmanager
    async def background(self, give_way: Callable[[], None]) -> AsyncIterator[bool]:
        """Hold a slot inside if nobody else wants one, and give it up when told. See :meth:`SharedQueue.background`."""
        async with self._shared.background(await self._server(), give_way) as admitted:
            yield admitted

    @property
    def waiting(self) -> int:
        """How many turns of this process wait."""
        return self._shared.waiting

    def others(self) -> Crowd:
        """The turns of the other processes. None while the shared file can't be read."""
        try:
            return self._shared.others()
        except StoreError:
            return Crowd(0, 0)

    def close(self) -> None:
        """Let go of the shared file."""
        self._shared.close()

    async def _server(self) -> Server:
        try:
            server = await self._servers.get()
        except FamilychatError:
            return NO_SERVER
        return Server(f"{server.kind} {server.address}", lambda: self._servers.slots(server))
