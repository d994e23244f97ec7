"""Writing a file so that nothing half-done ever has its name, and nothing that was there is lost."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from familychat.errors import ConflictError, FamilychatError, InvalidInputError, StoreFullError, StoreReadOnlyError
from familychat.wording import Text

_PREFIX, _SUFFIX = ".familychat-", ".part"
ABANDONED_SECONDS = 24 * 60 * 60
"""An unfinished file that old belongs to somebody who was killed."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_STRANGE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ELOOP}


@contextlib.contextmanager
def new_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """A file to write into, which gets its name once it is whole and on the disk. Readable by its owner only.

    Raises :class:`ConflictError` if something has the name and ``replace`` isn't said, and our errors for a disk
    that is full or can't be written; then nothing is left behind. A device or a pipe is written to as it is.
    """
    with translated(path):
        path = Path(os.path.realpath(path))  # what a link points to is replaced, not the link
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as device:
                yield device
            return
        refuse_taken([path], replace=replace)
        _clear_abandoned(path.parent)
        unfinished = path.parent / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        try:
            with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _publish(unfinished, path, replace=replace)
        finally:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)


def refuse_taken(paths: list[Path], *, replace: bool) -> None:
    """Raises :class:`ConflictError` if one of the names is taken and may not be replaced."""
    for path in paths:
        if path.is_dir():
            raise ConflictError(Text("%(path)s is a folder. Nothing was written.", path=path), "Give another name.")
        if not replace and os.path.lexists(path):
            raise ConflictError(
                Text("There is %(path)s already. Nothing was written.", path=path),
                "Give another name, or say --force to replace it.",
            )


def make_folder(path: Path) -> None:
    """Make a folder, private to its owner, unless it is there."""
    with translated(path):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)


def _publish(unfinished: Path, path: Path, *, replace: bool) -> None:
    if replace:
        unfinished.replace(path)
    else:
        try:
            path.hardlink_to(unfinished)  # unlike a rename, it never replaces what came there in the meantime
        except FileExistsError:
            refuse_taken([path], replace=False)
            raise
        except OSError:  # a USB stick's file system has no links
            refuse_taken([path], replace=False)
            unfinished.replace(path)
    with contextlib.suppress(OSError):  # where folders can't be synced, the name may be lost in a power cut
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _clear_abandoned(folder: Path) -> None:
    """Take away what an export that was killed left there: nobody would look for a chat in a hidden file."""
    oldest = time.time() - ABANDONED_SECONDS
    for unfinished in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if unfinished.stat().st_mtime < oldest:
                unfinished.unlink()


@contextlib.contextmanager
def translated(path: Path | str) -> Iterator[None]:
    """Turn the system's errors about ``path`` into ours."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read it went away: no trouble of ours
    except OSError as error:
        raise _ours(path, error) from error


def _ours(path: Path | str, error: OSError) -> FamilychatError:
    if error.errno in _FULL:
        return StoreFullError(
            Text("The disk is full or can't be written, so %(path)s wasn't. Your conversations are safe.", path=path),
            "Make some room, or choose another place with --to.",
        )
    if error.errno in _STRANGE:
        return InvalidInputError(
            Text(
                "%(path)s can't be written: %(reason)s. Your conversations are safe.",
                path=path,
                reason=(error.strerror or "no reason given").lower(),
            ),
            "Check the name, or choose another place with --to.",
        )
    return StoreReadOnlyError(
        Text(
            "%(path)s can't be written: %(reason)s. Your conversations are safe.",
            path=path,
            reason=(error.strerror or "no reason given").lower(),
        ),
        "Check who owns the folder, or choose another place with --to.",
    )
