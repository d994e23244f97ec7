"""Work that an admin began and that goes on by itself: one of a kind at a time, and its page shows how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from familychat.errors import ConflictError, FamilychatError
from familychat.wording import Text

R = TypeVar("R")

_log = logging.getLogger(__name__)


class JobStoppedError(FamilychatError):
    """The page shuts down before the work is done."""


@dataclass(slots=True, eq=False)
class Job:
    """Something under way, or that ended: with an ``error``, or else with its ``result``.

    ``action`` says what is done (``load``, ``import`` ...), ``about`` to what. ``text`` and ``fraction`` (0 to 1, None
    if nobody knows) say how far it is.
    """

    kind: str
    action: str
    about: str
    text: str = ""
    fraction: float | None = None
    ended: bool = False
    error: FamilychatError | None = None
    result: Any = None
    stopping: bool = False

    def tell(self, text: str, fraction: float | None) -> None:
        """Say how far it is; raises :class:`JobStoppedError` when it has to end. Threads may call it."""
        if self.stopping:
            raise JobStoppedError("The page was stopped meanwhile. What was there before is as it was.")
        self.text, self.fraction = text, fraction


class Jobs:
    """The work under way, and the last that ended of each kind. It is in memory only."""

    def __init__(self) -> None:
        self._latest: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = CapacityLimiter(1)

    def latest(self, kind: str) -> Job | None:
        return self._latest.get(kind)

    def forget(self, kind: str) -> None:
        """Show the last one of a kind no more; one that is under way stays."""
        job = self._latest.get(kind)
        if job is not None and job.ended:
            del self._latest[kind]

    def require_free(self, kind: str) -> None:
        """Raises :class:`ConflictError` while something of this kind is under way."""
        job = self._latest.get(kind)
        if job is not None and not job.ended:
            raise ConflictError("Something like that is under way already. Nothing was changed.", "Wait for its end.")

    def start(self, kind: str, action: str, about: str, work: Callable[[Job], Awaitable[object]]) -> Job:
        """Set it going; raises :class:`ConflictError` while something of this kind is under way."""
        self.require_free(kind)
        job = self._latest[kind] = Job(kind, action, about)
        task = asyncio.create_task(_ended(job, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def in_thread(self, work: Callable[[], R]) -> R:
        """Do what blocks in a thread of its own, so that requests never wait for it.

        Whoever is cancelled meanwhile waits for the thread's end: it can't be left alone with an open household.
        """
        working = asyncio.ensure_future(anyio.to_thread.run_sync(work, limiter=self._threads))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait({working})
            working.exception()  # it has been seen; what was cancelled has no result
            raise

    async def aclose(self) -> None:
        """End what is under way. A thread ends at the next thing that it tells."""
        for job in self._latest.values():
            job.stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _ended(job: Job, work: Callable[[Job], Awaitable[object]]) -> None:
    try:
        with contextlib.suppress(JobStoppedError):
            job.result = await work(job)
    except FamilychatError as error:
        job.error = error
    except Exception as error:  # noqa: BLE001 -- its page says so; nobody else waits for it
        # What it says may hold what somebody wrote.
        _log.error("a job broke: %s (%s)", type(error).__name__, job.kind)
        job.error = FamilychatError(
            Text("That broke: %(reason)s.", reason=type(error).__name__), "What was there before is as it was."
        )
    finally:
        job.ended = True
