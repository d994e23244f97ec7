"""Snapshots: whole, verified copies of the database, taken with SQLite's backup API while it is in use."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from familychat.clock import utc_now
from familychat.errors import ConflictError, InvalidInputError, NotFoundError, StoreCorruptError, StoreTooNewError
from familychat.store.files import (
    applied_migrations,
    private_file,
    private_folder,
    read_only,
    setup_lock,
    translated,
)
from familychat.store.leases import live_processes
from familychat.wording import Text

KEEP_AUTOMATIC = 5
FOLDER = "snapshots"


@dataclass(frozen=True, slots=True)
class Check:
    """What an inspection of a database file found; ``problems`` is empty when all is well."""

    path: Path
    problems: tuple[str, ...]
    rows: dict[str, int]
    migrations: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def snapshots(database: Path) -> list[Path]:
    """The snapshots beside a database, oldest first."""
    return sorted((database.parent / FOLDER).glob("*.db"), key=lambda path: path.name)


def take_snapshot(
    database: Path, *, reason: str | None = None, destination: Path | None = None, keep: Path | None = None
) -> Path:
    """Copy the database, consistently, and return the copy's path.

    With a ``reason`` (such as ``before-m002``) it is automatic, and only the last five automatic ones are kept;
    without, it is a person's own and stays, as does ``keep``. A killed one leaves no half file under the final name.
    """
    path = destination or database.parent / FOLDER / f"{_stamp()}-{reason or 'by-hand'}.db"
    if destination is not None:
        if path.exists():
            raise ConflictError(
                Text("%(path)s is there already. It was left as it is.", path=path), "Choose another name."
            )
        _copy(database, path)
        return path
    private_folder(path.parent)
    with _taking(path.parent):
        _copy(database, path)
        if reason:
            automatic = [old for old in snapshots(database) if not old.stem.endswith("-by-hand")]
            for old in automatic[:-KEEP_AUTOMATIC]:
                if old != keep:
                    old.unlink(missing_ok=True)
    return path


def _stamp() -> str:
    """The present moment in a file name that sorts by time."""
    return utc_now().strftime("%Y%m%dT%H%M%S%fZ")


@contextlib.contextmanager
def _taking(folder: Path) -> Iterator[None]:
    """One at a time, so that what lies there unfinished belongs to somebody who was killed, and can go."""
    import filelock

    with filelock.FileLock(folder / "taking.lock", mode=0o600):
        for unfinished in folder.glob("*.unfinished"):
            unfinished.unlink(missing_ok=True)
        yield


def _copy(source: Path, path: Path) -> None:
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        private_file(unfinished)
        with (
            translated(source),
            contextlib.closing(read_only(source)) as original,
            contextlib.closing(sqlite3.connect(unfinished)) as copy,
        ):
            original.backup(copy)
            # A copy of a WAL database starts as WAL; on its own, one plain file is easier to keep and move.
            copy.execute("PRAGMA journal_mode = DELETE")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def check(path: Path) -> Check:
    """Inspect a database file without changing it: integrity, foreign keys, row counts.

    Raises :class:`NotFoundError` if there is no file.
    """
    if not path.is_file():
        raise NotFoundError(Text("There is no database at %(path)s.", path=path), "familychat chat makes one.")
    try:
        with contextlib.closing(read_only(path)) as connection:
            problems = [row[0] for row in connection.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
            problems += [
                Text("a row of %(table)s points to a missing %(other)s", table=row[0], other=row[2])
                for row in broken[:20]
            ]
            migrations = tuple(applied_migrations(connection, "familychat"))
            rows = _row_counts(connection)
    except sqlite3.DatabaseError as error:
        return Check(path, (str(error),), {}, ())
    if not migrations:
        problems.append(Text("it isn't a familychat database"))
    return Check(path, tuple(problems), rows, migrations)


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


def restore(database: Path, snapshot: Path) -> Path | None:
    """Put a verified copy of ``snapshot`` in the database's place; returns where the replaced one was kept.

    Verified means: the integrity check passes and every table of the copy has as many rows as the snapshot. Until
    then the database in place isn't touched. Raises :class:`ConflictError` while another familychat is running,
    :class:`StoreCorruptError` if the snapshot is damaged, :class:`StoreTooNewError` if a newer version wrote it.
    """
    found = check(snapshot)
    if not found.ok:
        raise StoreCorruptError(
            Text(
                "The snapshot %(name)s can't be used: %(reason)s. Nothing was changed.",
                name=snapshot.name,
                reason=found.problems[0],
            ),
            "familychat db snapshot --list shows the others.",
        )
    refuse_newer(
        found,
        Text("The snapshot was written by a newer familychat (it knows %(version)s). Nothing was changed."),
    )
    with nobody_else(database):
        return put_in_place(database, snapshot, found.rows)


@contextlib.contextmanager
def nobody_else(database: Path) -> Iterator[None]:
    """Inside, no familychat uses the database and none can start; raises :class:`ConflictError` if one is running."""
    with setup_lock(database):
        if live_processes(database.parent):
            raise ConflictError(
                "familychat is still running in another window. Nothing was changed.", "Close it, then try again."
            )
        yield


def put_in_place(database: Path, snapshot: Path, rows: dict[str, int]) -> Path | None:
    """The last step of :func:`restore`, inside :func:`nobody_else`: ``rows`` is what a check of ``snapshot`` found."""
    candidate = database.with_name(database.name + ".restoring")
    _copy(snapshot, candidate)
    try:
        if check(candidate).rows != rows:
            raise StoreCorruptError(
                "The copy of the snapshot isn't complete. Nothing was changed.", "Is the disk full?"
            )
        kept = _set_aside(database, snapshot)
        # SQLite would replay a log that belongs to the old file into the new one.
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        candidate.replace(database)
    finally:
        candidate.unlink(missing_ok=True)
    return kept


def refuse_newer(found: Check, wrong: Text) -> None:
    """Raises :class:`StoreTooNewError` if what was found holds migrations that this version doesn't know.

    It says ``wrong``, in which ``version`` is the name of one of them.
    """
    from familychat.store.migrations import MIGRATIONS

    known = {migration.name for migration in MIGRATIONS._migrations}
    newer = sorted(set(found.migrations) - known)
    if newer:
        raise StoreTooNewError(Text(wrong, version=newer[0]), "Update familychat first.")


def library_versions(path: Path) -> dict[str, int]:
    """The version in use of each music library, by its id, in a database file that is only looked at."""
    with translated(path), contextlib.closing(read_only(path)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'libraries'").fetchone() is None:
            return {}  # from before there was music
        return dict(connection.execute("SELECT id, version FROM libraries ORDER BY id").fetchall())


def set_library_version(path: Path, library_id: str, version: int) -> None:
    """Let a music library in a database file that nobody uses point at another version of its songs."""
    with translated(path), contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE libraries SET version = ? WHERE id = ?", [version, library_id])


def _set_aside(database: Path, snapshot: Path) -> Path | None:
    """Keep what is in place: as a snapshot, or file by file if it is too damaged for that."""
    if not database.exists():
        return None
    try:
        kept = take_snapshot(database, reason="before-restore", keep=snapshot)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (StoreCorruptError, sqlite3.DatabaseError):
        kept = private_folder(database.parent / FOLDER) / f"{_stamp()}-damaged.db-kept"
        for suffix in ("", "-wal"):
            part = database.with_name(database.name + suffix)
            if part.exists():
                shutil.copy2(part, kept.with_name(kept.name + suffix))
    return kept


def find_snapshot(database: Path, name: str | None) -> Path:
    """A snapshot by file path or by (part of) its name; None means the newest. Raises when none or several fit."""
    available = snapshots(database)
    if name is None:
        if not available:
            raise NotFoundError("There is no snapshot yet.", "familychat db snapshot takes one.")
        return available[-1]
    if Path(name).is_file():
        return Path(name)
    fitting = [path for path in available if name in path.name]
    if not fitting:
        raise NotFoundError(
            Text("There is no snapshot %(name)s.", name=name), "familychat db snapshot --list shows what there is."
        )
    if len(fitting) > 1:
        raise InvalidInputError(
            Text("%(count)s snapshots are called %(name)s.", count=len(fitting), name=name), "Give more of the name."
        )
    return fitting[0]
