"""Running one SELECT over a library in a process of its own, which is killed at its deadline.

SQLite can't be stopped from inside while it prepares a statement or works in a single function, and it can't be capped
in memory without touching every other connection of the program. So the statement runs in a warm worker process (see
:mod:`familychat_music.worker`), which costs a millisecond or two more than calling SQLite directly.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import threading
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from familychat.errors import NotFoundError, QueryTooExpensive
from familychat_music.functions import FUNCTIONS
from familychat_music.guard import LONGEST_STATEMENT, check
from familychat_music.replies import QueryStopped, error_of, file_error, rows_of
from familychat_music.rows import Limits, Rows, Value
from familychat_music.working import EndedError, Worker

__all__ = ["QueryStopped", "Runner", "run_checked"]

DEFAULT_LIMITS = Limits()
IDLE_WORKERS = 2
"""So many wait for questions; more are started when more people ask at once, and end when they are done."""


@dataclass(frozen=True, slots=True)
class _Question:
    database: str | Path
    sql: str
    tables: Collection[str] | None
    limits: Limits
    parameters: Sequence[Value]


class _Call:
    """One question under way, which may be stopped from elsewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._stopped = False

    def begin(self, worker: Worker) -> None:
        with self._lock:
            self._worker = worker
            if self._stopped:
                worker.kill("stopped")

    def end(self) -> None:
        """Let go of the worker: the next question may have it."""
        with self._lock:
            self._worker = None

    def stop(self) -> None:
        """Kill the worker, now or as soon as there is one."""
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.kill("stopped")


class Runner:
    """Warm worker processes that run statements. Any number of threads may use one; close it when done.

    It doesn't look at the statement: reading only the allowed tables, calling only harmless functions, and ending in
    time hold whatever the statement is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._calls: set[_Call] = set()
        self._closed = False

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def warm_up(self) -> None:
        """Start a worker, without waiting for it, so that the first question finds it ready."""
        self._put(None)

    def run(
        self,
        database: str | Path,
        sql: str,
        *,
        tables: Collection[str] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        parameters: Sequence[Value] = (),
    ) -> Rows:
        """The rows of ``sql`` over the SQLite file ``database``.

        ``tables`` are the readable tables and views, caseless; None opens every ordinary one: not SQLite's own, not
        virtual ones. ``parameters`` fill the statement's ``?``. Every call reads the file anew and read-only.

        Raises UnsafeQuery, BrokenQuery and QueryTooExpensive, its subclass QueryStopped after :meth:`stop`,
        NotFoundError if there is no such file, and other StoreErrors if it can't be read.
        """
        return self._run(_Call(), _Question(database, sql, tables, limits, parameters))

    async def run_async(
        self,
        database: str | Path,
        sql: str,
        *,
        tables: Collection[str] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        parameters: Sequence[Value] = (),
    ) -> Rows:
        """As :meth:`run`, off the event loop. Cancelling the task kills the statement and returns at once."""
        call = _Call()
        question = _Question(database, sql, tables, limits, parameters)
        future = asyncio.get_running_loop().run_in_executor(None, self._run, call, question)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            call.stop()
            future.add_done_callback(_forget)
            raise

    def stop(self) -> None:
        """Kill what is running at once: those calls raise QueryStopped, the next ones work."""
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.stop()

    def close(self) -> None:
        """Stop everything and end the workers; later calls raise RuntimeError."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        self.stop()
        for worker in idle:
            worker.end()

    def columns(
        self, database: str | Path, *, tables: Collection[str] | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> dict[str, tuple[str, ...]]:
        """The columns of each readable table and view, by its name; raises what :meth:`run` does about files."""
        path = existing(database)
        reply = self._reply(_Call(), path, {}, tables, limits)
        if "error" in reply:
            raise error_of(reply["error"], reply.get("detail", ""), path)
        return {name: tuple(names) for name, names in reply["tables"].items()}

    def _run(self, call: _Call, question: _Question) -> Rows:
        _refuse_long(question.sql)
        path = existing(question.database)
        asked = {"sql": question.sql, "parameters": list(question.parameters), "functions": sorted(FUNCTIONS)}
        reply = self._reply(call, path, asked, question.tables, question.limits)
        return rows_of(reply, path)

    def _reply(
        self, call: _Call, path: Path, asked: dict[str, Any], tables: Collection[str] | None, limits: Limits
    ) -> dict[str, Any]:
        """The worker's reply, while the call can be stopped."""
        readable = None if tables is None else sorted(tables)
        with self._lock:
            self._calls.add(call)
        try:
            return self._ask(call, {**asked, **asdict(limits), "path": str(path), "tables": readable}, limits)
        finally:
            with self._lock:
                self._calls.discard(call)

    def _ask(self, call: _Call, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """The reply to the request. A worker that died while it waited is passed over."""
        worker = self._take()
        try:
            call.begin(worker)
            reply = worker.ask(request, limits)
        except EndedError as ended:
            reply = {"error": ended.why, "worn": True}
        except BaseException:  # Ctrl-C: what the worker still says is nobody's answer
            worker.end()
            raise
        call.end()
        if reply.pop("worn", False) or worker.dead:
            worker.end()
            self._put(None)
        else:
            self._put(worker)
        return reply

    def _take(self) -> Worker:
        with self._lock:
            if self._closed:
                raise RuntimeError("the runner is closed")
            while self._idle:
                worker = self._idle.pop()
                if worker.alive():
                    return worker
                worker.end()
        return Worker()

    def _put(self, worker: Worker | None) -> None:
        """Keep a worker for the next question; None starts one, which takes its time in the background."""
        with self._lock:
            if not self._closed and len(self._idle) < IDLE_WORKERS:
                self._idle.append(worker or Worker())
                return
        if worker is not None:
            worker.end()


def _forget(future: asyncio.Future[Rows]) -> None:
    """Take note of how a cancelled question ended, which nobody waits for."""
    if not future.cancelled():
        future.exception()


def _refuse_long(sql: str) -> None:
    if len(sql) > LONGEST_STATEMENT:
        raise QueryTooExpensive(
            "The SQL for this question is far too long, so it wasn't run; your music list is unchanged.",
            "Ask for less at once.",
        )


def existing(database: str | Path) -> Path:
    """The file's absolute path. Raises NotFoundError if there is none, StoreError if its folder can't be read."""
    path = Path(os.path.abspath(database))  # noqa: PTH100 -- Path.absolute() keeps "..", resolve() follows links
    try:
        if path.is_file():
            return path
    except ValueError:  # a NUL in the name: no file is called that
        pass
    except OSError as error:
        raise file_error(path, str(error)) from None
    raise NotFoundError("That music library isn't there any more; nothing was changed.", "Import the music list again.")


@functools.cache
def default_runner() -> Runner:
    """The program's own runner, closed when the program ends."""
    runner = Runner()
    atexit.register(runner.close)
    return runner


def run_checked(
    database: str | Path, sql: str, *, tables: Collection[str] | None = None, limits: Limits = DEFAULT_LIMITS
) -> Rows:
    """Check the statement, then run it over any SQLite file; both walls, each of which would do alone.

    ``tables`` are the readable tables and views; None opens every ordinary one. Raises what :meth:`Runner.run` does.
    """
    runner = default_runner()
    _refuse_long(sql)
    columns = runner.columns(database, tables=tables, limits=limits)
    return runner.run(database, check(sql, tables=columns, row_limit=limits.rows), tables=tables, limits=limits)
