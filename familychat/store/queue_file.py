"""The small file in which the processes of a data folder share their queues.

It holds nothing that is worth keeping: each process knows its own places and writes them again into a file that was
made anew. So it is never synced to the disk, and a broken, foreign or older one is thrown away.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from familychat.errors import StoreLockedError, StoreReadOnlyError
from familychat.store.files import private_file, private_folder, translated
from familychat.store.leases import FOLDER
from familychat.wording import Text

FILE_NAME = "queue.db"
VERSION = 1
BUSY_TIMEOUT_SECONDS = 0.05
"""Short, since the event loop stands still meanwhile; whoever uses the file tries again."""

Result = TypeVar("Result")

_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
"""What a new file wouldn't mend."""


class QueueFile:
    """Texts by key, changed by one process at a time. Opened with the first use.

    SQLite's errors leave it as :class:`familychat.errors.StoreError`; :class:`StoreLockedError` means to try again.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FOLDER / FILE_NAME
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._version: int | None = None

    def change(self, key: str, by: Callable[[bytes | None], bytes]) -> None:
        """Replace the text of ``key`` by what ``by`` makes of it (None: there is none). No change, nothing written.

        ``by`` is called once more if the file has to be made anew in between.
        """

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            try:
                row = connection.execute("SELECT line FROM queues WHERE server = ?", [key]).fetchone()
                before = row[0] if row else None
                after = by(before)
                if after != before:
                    connection.execute("INSERT OR REPLACE INTO queues (server, line) VALUES (?, ?)", [key, after])
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

        self._mended(work)

    def all(self) -> list[bytes]:
        """The texts of all keys."""
        return self._mended(lambda connection: [row[0] for row in connection.execute("SELECT line FROM queues")])

    def changed(self) -> bool:
        """Whether another process may have changed something since this was last asked."""

        def work(connection: sqlite3.Connection) -> int:
            version: int = connection.execute("PRAGMA data_version").fetchone()[0]
            return version

        # A connection of its own counts anew.
        opened = self._opened
        version = self._mended(work)
        before, self._version = self._version, version
        return version != before or opened != self._opened

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _mended(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do it, on a new file if the old one turns out to be broken."""
        with translated(self.path):
            try:
                return work(self._current())
            except sqlite3.DatabaseError as error:
                if _code(error) in _PASSING:
                    raise
            self.close()
            with self._alone():
                if self._opened == self._lying():  # nobody else has made it anew meanwhile
                    self._remove()
            return work(self._current())

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that lies there now, which may be another than the one opened before."""
        if self._connection is None or self._opened != self._lying():
            self.close()
            with self._alone():
                self._connection = self._open()
        return self._connection

    def _lying(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            if not _ours(connection):
                connection.close()
                self._remove()
                connection = self._connect()
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("CREATE TABLE queues (server TEXT PRIMARY KEY, line BLOB NOT NULL) WITHOUT ROWID")
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("PRAGMA synchronous = OFF")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> sqlite3.Connection:
        private_file(self.path)
        self._opened = self._lying()
        return sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time opens or removes the file. The lock's name isn't that of a lease."""
        import filelock

        private_folder(self.path.parent)
        try:
            with filelock.FileLock(self.path.with_suffix(".setup"), timeout=BUSY_TIMEOUT_SECONDS, mode=0o600):
                yield
        except filelock.Timeout as error:
            raise StoreLockedError(
                "Another familychat is busy with the queue. Nothing was changed.", "Wait a moment and try again."
            ) from error
        except OSError as error:
            raise StoreReadOnlyError(
                Text("The folder %(path)s can't be used: %(reason)s.", path=self.path.parent, reason=error.strerror),
                "Check who owns it.",
            ) from error


def _ours(connection: sqlite3.Connection) -> bool:
    """Whether the file is a whole one of this version; an empty one isn't."""
    try:
        return bool(connection.execute("PRAGMA user_version").fetchone()[0] == VERSION)
    except sqlite3.DatabaseError as error:
        if _code(error) in _PASSING:
            raise
        return False


def _code(error: sqlite3.Error) -> int:
    # Extended codes carry the primary code in their low byte: https://sqlite.org/rescode.html
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
