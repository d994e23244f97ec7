"""Opening the household's database safely, and running statements on it.

The file is private to its owner, in WAL mode, with foreign keys on. A database that a newer familychat wrote is
refused before anything is touched; before a migration, a snapshot is taken.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from familychat.errors import (
    ConflictError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreTooNewError,
)

if TYPE_CHECKING:
    import sqlite_utils
    from sqlite_utils import Migrations

FILE_NAME = "familychat.db"
BUSY_TIMEOUT_SECONDS = 5.0
SETUP_TIMEOUT_SECONDS = 60.0

Row = Mapping[str, Any]
Parameters = Sequence[Any] | dict[str, Any]


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can enter; raises :class:`StoreReadOnlyError` if that can't be."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise StoreReadOnlyError(
            f"The data folder {path} can't be used: {error.strerror}.",
            "Check who owns it, or choose another with --data-dir.",
        ) from error
    return path


def private_file(path: Path) -> Path:
    """Make sure ``path`` exists and only its owner can read it."""
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        elif path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StoreReadOnlyError(
            f"{path} can't be used: {error.strerror}.", "Check who owns it, or choose another with --data-dir."
        ) from error
    return path


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about ``path`` into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(path, error) from error


def _translate(path: Path, error: sqlite3.Error) -> StoreError | ConflictError:
    # Extended codes carry the primary code in their low byte: https://sqlite.org/rescode.html
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreLockedError(
            "Another program is holding the database. Nothing was changed.",
            "Wait a moment and try again, or close the other program.",
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StoreReadOnlyError(
            f"The database {path} can't be opened for writing. Nothing was changed.",
            "Check who owns it and its folder.",
        )
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return StoreFullError(
            "The disk is full or can't be written. What was saved before is safe.",
            "Make some room, then try again.",
        )
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreCorruptError(
            f"The database {path} is damaged, or isn't one. It was left as it is.",
            "familychat db restore brings back a snapshot.",
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return ConflictError("That clashes with what is already there. Nothing was changed.")
    return StoreError(f"The database could not do that: {error}.", "familychat doctor looks for the cause.")


class Database:
    """One connection to a household's database, safe to use from several threads, one at a time.

    Use it as a context manager or call :meth:`close`. SQLite's errors leave it as :class:`StoreError`.
    """

    def __init__(self, path: Path, *, migrations: Migrations | None = None) -> None:
        self.path = path
        self._lock = threading.RLock()
        if migrations is None:
            from familychat.store.migrations import MIGRATIONS

            migrations = MIGRATIONS
        private_folder(path.parent)
        with setup_lock(path), translated(path):
            is_new = not path.exists() or path.stat().st_size == 0
            pending = [] if is_new else _pending(path, migrations)
            private_file(path)
            self._db = _connect(path)
            try:
                if pending:
                    from familychat.store.snapshots import take_snapshot

                    take_snapshot(path, reason=f"before-{pending[0]}")
                if is_new or pending:
                    migrations.apply(self._db)
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        with self._lock:
            self._db.close()

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a statement, each a mapping from column to value."""
        with self._lock, translated(self.path):
            return self._db.conn.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row, or None."""
        with self._lock, translated(self.path):
            found: Row | None = self._db.conn.execute(sql, parameters).fetchone()
            return found

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement, committed at once unless inside :meth:`transaction`; returns the rows changed."""
        with self._lock, translated(self.path):
            return self._db.execute(sql, parameters).rowcount

    def insert(self, table: str, values: Mapping[str, Any]) -> None:
        """Add one row."""
        columns = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" for _ in values)
        self.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', list(values.values()))  # noqa: S608

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside take effect together, or none does.

        The write lock is taken at once, so that what is read inside can't change before it is written.
        """
        with self._lock:
            if self._db.conn.in_transaction:
                yield
                return
            with translated(self.path):
                self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                with translated(self.path):
                    self._db.commit()
            except BaseException:
                with translated(self.path):
                    self._db.rollback()
                raise


def setup_lock(path: Path) -> contextlib.AbstractContextManager[Any]:
    """Only one process at a time opens, migrates or replaces the database."""
    import filelock

    @contextlib.contextmanager
    def held() -> Iterator[None]:
        lock = filelock.FileLock(path.with_suffix(".lock"), timeout=SETUP_TIMEOUT_SECONDS, mode=0o600)
        try:
            with lock:
                yield
        except filelock.Timeout as error:
            raise StoreLockedError(
                "Another familychat is busy with the database.", "Wait for it, then try again."
            ) from error
        except PermissionError as error:
            raise StoreReadOnlyError(
                f"The data folder {path.parent} can't be written.", "Check who owns it."
            ) from error

    return held()


def _connect(path: Path) -> sqlite_utils.Database:
    import sqlite_utils

    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL syncs at every commit, so that even a power cut keeps what was acknowledged.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return sqlite_utils.Database(connection, execute_plugins=False)


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that can't change the file, for looking before anything else happens."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_SECONDS)
    connection.row_factory = sqlite3.Row
    return connection


def _pending(path: Path, migrations: Migrations) -> list[str]:
    """The names of the migrations still to run; refuses a database from a newer version."""
    with contextlib.closing(read_only(path)) as connection:
        applied = applied_migrations(connection, migrations.name)
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and not applied:
        raise StoreCorruptError(
            f"{path} is a database, but not one of familychat's. It was left as it is.",
            "Choose another data folder with --data-dir.",
        )
    known = [migration.name for migration in migrations._migrations]
    newer = sorted(set(applied) - set(known))
    if newer:
        raise StoreTooNewError(
            f"The database was written by a newer familychat (it knows {newer[0]}). It was not touched.",
            "Update familychat, or use another data folder with --data-dir.",
        )
    return [name for name in known if name not in applied]


def applied_migrations(connection: sqlite3.Connection, migration_set: str) -> list[str]:
    """The names that sqlite-utils has recorded, oldest first; empty for a file without migrations."""
    table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone()
    if table is None:
        return []
    query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid"
    return [row[0] for row in connection.execute(query, [migration_set])]
