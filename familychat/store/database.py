"""Opening the household's database safely, and running statements on it.

The file is private to its owner, in WAL mode, with foreign keys on. A database that a newer familychat wrote is
refused before anything is touched; before a migration, a snapshot is taken.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from familychat.errors import StoreCorruptError, StoreTooNewError
from familychat.store.files import (
    BUSY_TIMEOUT_SECONDS,
    applied_migrations,
    data_folder,
    private_file,
    read_only,
    setup_lock,
    translated,
)
from familychat.store.snapshots import take_snapshot
from familychat.wording import Text

if TYPE_CHECKING:
    import sqlite_utils
    from sqlite_utils import Migrations

FILE_NAME = "familychat.db"
CACHE_KIB = 16 * 1024
"""Memory that SQLite may keep pages in, once it has read that many."""

Row = Mapping[str, Any]
Parameters = Sequence[Any] | dict[str, Any]


class Database:
    """One connection to a household's database, safe to use from several threads, one at a time.

    Use it as a context manager or call :meth:`close`. SQLite's errors leave it as
    :class:`familychat.errors.StoreError`.
    """

    def __init__(self, path: Path, *, migrations: Migrations | None = None) -> None:
        self.path = path
        self._lock = threading.RLock()
        if migrations is None:
            from familychat.store.migrations import MIGRATIONS

            migrations = MIGRATIONS
        data_folder(path.parent, path.name)
        with setup_lock(path), translated(path):
            applied = _applied(path, migrations) if path.exists() else []
            private_file(path)
            self._db = _connect(path)
            try:
                pending = migrations.pending(self._db)
                if applied and pending:
                    take_snapshot(path, reason=f"before-{pending[0].name}")
                if pending:
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

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row, all or none; inside :meth:`transaction` only."""
        with self._lock, translated(self.path):
            self._db.conn.executemany(sql, rows)

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


def _connect(path: Path) -> sqlite_utils.Database:
    import sqlite_utils

    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL syncs at every commit, so that even a power cut keeps what was acknowledged.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        # Triggers keep the search indexes, and with an untrusted schema older SQLites let none write to FTS5. All that
        # the trust opens to a planted schema is the one harmless function below.
        connection.execute("PRAGMA trusted_schema = ON")
        # SQLite's own lower() and LIKE know only the letters of English.
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
    except BaseException:
        connection.close()
        raise
    return sqlite_utils.Database(connection, execute_plugins=False)


def _applied(path: Path, migrations: Migrations) -> list[str]:
    """The names of the migrations that have run; none for a start that was cut off before the first had.

    Refuses a database from a newer version, and one that isn't familychat's.
    """
    with contextlib.closing(read_only(path)) as connection:
        applied = applied_migrations(connection, migrations.name)
        query = "SELECT count(*) FROM sqlite_master WHERE tbl_name <> ?"
        others = connection.execute(query, [migrations.migrations_table]).fetchone()[0]
    if others and not applied:
        raise StoreCorruptError(
            Text("%(path)s is a database, but not one of familychat's. It was left as it is.", path=path),
            "Choose another data folder with --data-dir.",
        )
    newer = sorted(set(applied) - {migration.name for migration in migrations._migrations})
    if newer:
        raise StoreTooNewError(
            Text(
                "The database was written by a newer familychat (it knows %(version)s). It was not touched.",
                version=newer[0],
            ),
            "Update familychat, or use another data folder with --data-dir.",
        )
    return applied
