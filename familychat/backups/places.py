"""Where backups lie and what they are called, and the private folder in which they are made and opened."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from familychat.errors import ConflictError, NotFoundError, StoreError, StoreFullError, StoreReadOnlyError
from familychat.store.files import private_folder
from familychat.wording import Text

SUFFIX = ".fcbackup"
AUTOMATIC = "-auto"
UNFINISHED = SUFFIX + ".unfinished"
FOLDER = "backups"
WORKSPACE = "backup-work"
NOTE = "unfinished-backup"
"""A file in the workspace that says which backup is being written, so that what a killed one left is found."""

ENCRYPTED_MARK = b"FCBACKUP"
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"familychat-(\d{8}T\d{6}Z)(" + AUTOMATIC + ")?" + re.escape(SUFFIX))
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup file, as far as its name and first bytes tell. ``size`` is in bytes; ``made_at`` is in UTC."""

    path: Path
    made_at: datetime
    size: int
    automatic: bool
    encrypted: bool


def default_folder(data_dir: Path) -> Path:
    """Where backups go unless another folder is named."""
    return data_dir / FOLDER


def backups(folder: Path) -> list[Backup]:
    """The backups in a folder, oldest first; none if there is no such folder."""
    try:
        found = [_backup(path) for path in folder.glob(f"*{SUFFIX}") if path.is_file()]
    except OSError as error:
        raise StoreError(
            Text("%(path)s can't be read: %(reason)s.", path=folder, reason=error.strerror), "Check who may read it."
        ) from error
    return sorted(found, key=lambda one: (one.made_at, one.path.name))


def _backup(path: Path) -> Backup:
    status = path.stat()
    made_at = datetime.fromtimestamp(status.st_mtime, UTC)
    known = _NAME.fullmatch(path.name)
    automatic = False
    if known:
        with contextlib.suppress(ValueError):  # digits that are no date: not a name of ours
            made_at = datetime.strptime(known[1], _STAMP).replace(tzinfo=UTC)
            automatic = known[2] is not None
    return Backup(path, made_at, status.st_size, automatic, is_encrypted(path))


def is_encrypted(path: Path) -> bool:
    """Whether a file begins as an encrypted backup does. Raises :class:`StoreError` if it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(ENCRYPTED_MARK)) == ENCRYPTED_MARK
    except OSError as error:
        raise StoreError(
            Text("%(path)s can't be read: %(reason)s.", path=path, reason=error.strerror), "Check who may read it."
        ) from error


def find_backup(folder: Path, name: str | None) -> Path:
    """A backup by its path, or by its name in ``folder``; None means the newest there.

    Raises :class:`NotFoundError`.
    """
    if name is None:
        there = backups(folder)
        if not there:
            raise NotFoundError(
                Text("There is no backup in %(path)s.", path=folder), "familychat backup create makes one."
            )
        return there[-1].path
    for path in (Path(name).expanduser().absolute(), folder / name, folder / (name + SUFFIX)):
        with contextlib.suppress(OSError, ValueError):  # a name too long for a file, or with a NUL, names none
            if path.is_file():
                return path
    raise NotFoundError(Text("There is no backup %(name)s.", name=name), "familychat backup list shows what there is.")


@contextlib.contextmanager
def writing(place: Path, kept: Text) -> Iterator[None]:
    """Turn the operating system's errors while ``place`` is written into ours; ``kept`` says what is still there."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFullError(
                Text("There isn't enough room at %(path)s. %(kept)s", path=place, kept=kept),
                "Make some room, or choose another place.",
            ) from error
        raise StoreReadOnlyError(
            Text(
                "%(path)s can't be written: %(reason)s. %(kept)s",
                path=place,
                reason=error.strerror or str(error),
                kept=kept,
            ),
            "Check who owns it, or choose another place.",
        ) from error


@contextlib.contextmanager
def workspace(data_dir: Path) -> Iterator[Path]:
    """A private folder for the copies that are made on the way, removed afterwards.

    It lies inside the data folder: what is unpacked there moves into place by renaming, and nothing that may be
    encrypted later lies open elsewhere. One at a time, so what lies there already was left by somebody killed, and
    is cleared away. Raises :class:`ConflictError` while another one is at work.
    """
    import filelock

    private_folder(data_dir)
    folder = data_dir / WORKSPACE
    lock = filelock.FileLock(data_dir / "backup.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise ConflictError(
            "Another familychat is busy with a backup. Nothing was changed.", "Wait for it, then try again."
        ) from error
    except OSError as error:
        raise StoreReadOnlyError(
            Text("The data folder %(path)s can't be written.", path=data_dir), "Check who owns it."
        ) from error
    try:
        _clear(folder)
        yield private_folder(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _clear(folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        left = Path((folder / NOTE).read_text(encoding="utf-8"))
        if left.name.endswith(UNFINISHED):
            left.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def unfinished(folder: Path, work: Path, moment: datetime, *, automatic: bool) -> Iterator[tuple[Path, Path]]:
    """A new file to write a backup to, and the name that it gets once it is whole. What isn't renamed is removed."""
    while True:
        stem = f"familychat-{moment.astimezone(UTC).strftime(_STAMP)}"
        by_hand, by_itself = folder / (stem + SUFFIX), folder / (stem + AUTOMATIC + SUFFIX)
        final = by_itself if automatic else by_hand
        path = final.with_name(final.name.removesuffix(SUFFIX) + UNFINISHED)
        (work / NOTE).write_text(str(path), encoding="utf-8")
        if not by_hand.exists() and not by_itself.exists():  # so that sorting by name is sorting by time
            with contextlib.suppress(FileExistsError):  # another household writes here in the same second
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                break
        moment += timedelta(seconds=1)
    try:
        yield path, final
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder last through a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
