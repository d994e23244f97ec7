"""One import from beginning to end: beside the old library, complete or not at all."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from familychat.wording import Text
from familychat_music.importing import Progress
from familychat_music.importing.detect import FileKind, kind_of
from familychat_music.importing.refusals import refused
from familychat_music.importing.report import ImportOptions, ImportReport

PROGRESS_SECONDS = 0.25
"""Between two calls of a ``Progress``."""
CACHE_KIB = 4 * 1024
"""Indexes are sorted in pieces of this size: small ones stay in the processor's cache, which saves a third."""
PAGE_SIZE = 16_384
"""Bytes; larger pages make the indexes of a large library quicker to build."""


class Pace:
    """Passes on progress, but not more often than people can see."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._next = time.monotonic() + PROGRESS_SECONDS

    def tell(self, rows: int, fraction: float | None) -> None:
        """Pass it on if it is time to."""
        if self._progress is not None and time.monotonic() >= self._next:
            self._progress(rows, fraction)
            self._next = time.monotonic() + PROGRESS_SECONDS

    def finish(self, rows: int) -> None:
        """All is in."""
        if self._progress is not None:
            self._progress(rows, 1.0)


def run_import(source: Path, destination: Path, options: ImportOptions, progress: Progress | None) -> ImportReport:
    """See :func:`familychat_music.importing.import_library`."""
    if destination.exists():
        raise refused(
            Text("There is already something at %(path)s.", path=destination), Text("Import into a new file.")
        )
    kind = kind_of(source)
    part = destination.with_name(destination.name + ".part")
    try:
        part.unlink(missing_ok=True)
        report = _into(part, kind, source, options, Pace(progress))
        _sync(part)
        part.replace(destination)
    except sqlite3.Error as problem:
        raise _broken(problem) from None
    except OSError as problem:
        raise refused(
            Text("The import stopped: %(reason)s.", reason=problem.strerror or problem),
            Text("Check the disk and the file, and try again."),
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return report


def _into(part: Path, kind: FileKind, source: Path, options: ImportOptions, pace: Pace) -> ImportReport:
    if kind is FileKind.SQLITE:
        from familychat_music.importing.database import copy_database

        return copy_database(source, part, options, pace)
    from familychat_music.importing.flat import import_list

    connection = new_library(part)
    try:
        return import_list(connection, kind, source, options, pace)
    finally:
        connection.close()


def new_library(path: Path) -> sqlite3.Connection:
    """An empty file that is filled fast: it isn't a library before it is complete, so it needs no journal."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        f"PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        f"PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -{CACHE_KIB}; PRAGMA secure_delete = OFF;"
        "PRAGMA trusted_schema = OFF;"
    )
    return connection


def _sync(path: Path) -> None:
    """Have the file on the disk before it gets its name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _broken(problem: sqlite3.Error) -> Exception:
    if "full" in str(problem):
        return refused(Text("The disk is full."), Text("Make room on it, and import again."))
    return refused(
        Text("The library could not be written: %(reason)s.", reason=str(problem)),
        Text("Try again; if it stays so, check the disk."),
    )
