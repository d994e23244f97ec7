"""The database's files: private to their owner, locked while they change, and SQLite's errors as ours."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from familychat.errors import (
    ConflictError,
    InvalidInputError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
)
from familychat.wording import Text

BUSY_TIMEOUT_SECONDS = 5.0
SETUP_TIMEOUT_SECONDS = 60.0


def data_folder(path: Path, file_name: str) -> Path:
    """The folder of a household, made on first use and private to its owner.

    A folder that others can enter is only closed if it is ours, which it is with ``file_name`` inside, or empty:
    somebody else's folder, named by mistake, stays as it is. Raises :class:`StoreReadOnlyError`.
    """
    try:
        strangers = path.is_dir() and not (path / file_name).exists() and any(path.iterdir())
        if strangers and path.stat().st_mode & 0o077:
            raise StoreReadOnlyError(
                Text(
                    "The folder %(path)s holds other things, and others can look into it. It was left as it is.",
                    path=path,
                ),
                "Choose an empty or a new folder with --data-dir.",
            )
    except OSError:
        pass  # private_folder finds the same trouble and says so
    return private_folder(path)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can enter; raises :class:`StoreReadOnlyError` if that can't be."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise StoreReadOnlyError(
            Text("The data folder %(path)s can't be used: %(reason)s.", path=path, reason=error.strerror),
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
            Text("%(path)s can't be used: %(reason)s.", path=path, reason=error.strerror),
            "Check who owns it, or choose another with --data-dir.",
        ) from error
    return path


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about ``path`` into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(path, error) from error
    except UnicodeEncodeError as error:
        raise InvalidInputError("That holds half a letter, which can't be stored. Nothing was changed.") from error


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
            Text("The database %(path)s can't be opened for writing. Nothing was changed.", path=path),
            "Check who owns it and its folder.",
        )
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return StoreFullError(
            "The disk is full or can't be written. What was saved before is safe.",
            "Make some room, then try again.",
        )
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreCorruptError(
            Text("The database %(path)s is damaged, or isn't one. It was left as it is.", path=path),
            "familychat db restore brings back a snapshot.",
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return ConflictError("That clashes with what is already there. Nothing was changed.")
    return StoreError(
        Text("The database could not do that: %(reason)s.", reason=str(error)), "familychat doctor looks for the cause."
    )


@contextlib.contextmanager
def setup_lock(path: Path) -> Iterator[None]:
    """Only one process at a time opens, migrates or replaces the database at ``path``."""
    import filelock

    lock = filelock.FileLock(path.with_suffix(".lock"), timeout=SETUP_TIMEOUT_SECONDS, mode=0o600)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise StoreLockedError(
            "Another familychat is busy with the database.", "Wait for it, then try again."
        ) from error
    except OSError as error:
        raise StoreReadOnlyError(
            Text("The data folder %(path)s can't be written.", path=path.parent), "Check who owns it."
        ) from error
    try:
        yield
    finally:
        lock.release()


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that can't change the file, for looking before anything else happens."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_SECONDS)
    connection.row_factory = sqlite3.Row
    return connection


def applied_migrations(connection: sqlite3.Connection, migration_set: str) -> list[str]:
    """The names that sqlite-utils has recorded, oldest first; empty for a file without migrations."""
    table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone()
    if table is None:
        return []
    query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid"
    return [row[0] for row in connection.execute(query, [migration_set])]
