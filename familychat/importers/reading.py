"""Finding the JSON files in what a person named: a file, a zip archive, or a folder. Nothing is ever written here."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from familychat.errors import ImportRefusedError
from familychat.importers.archive import archived, is_archive
from familychat.importers.limits import USUAL, Limits, size
from familychat.importers.source import Source, Unread, stem
from familychat.importers.values import when
from familychat.wording import Text


def sources(path: Path, limits: Limits = USUAL) -> Iterator[Source | Unread]:
    """The JSON files, one after another; each can be read until the next is asked for.

    Raises :class:`ImportRefusedError` if nothing can be read there at all.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        yield from _in_folder(path, limits)
    elif not stat.S_ISREG(status.st_mode):
        raise ImportRefusedError(
            Text("%(path)s is neither a file nor a folder.", path=path), "Save it to a file first."
        )
    else:
        try:
            file = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        with file:
            yield from _of_file(path, file, status, limits)


def total(path: Path) -> int:
    """How many bytes there are to read, for a progress bar; 0 where only reading could tell."""
    try:
        if path.is_dir():
            return sum(name.lstat().st_size for name in _names(path))
        with path.open("rb") as file:
            return 0 if not path.is_file() or is_archive(file) else path.stat().st_size
    except (OSError, ValueError):
        return 0  # whoever reads it says why


def _of_file(path: Path, file: BinaryIO, status: os.stat_result, limits: Limits) -> Iterator[Source | Unread]:
    if status.st_size == 0:
        raise ImportRefusedError(Text("%(path)s is empty.", path=path), "Export or download it once more.")
    if is_archive(file):
        yield from archived(path, file, limits)
        return
    if status.st_size > limits.json_bytes:
        raise ImportRefusedError(
            Text("%(path)s is larger than %(size)s. Nothing of it came in.", path=path, size=size(limits.json_bytes)),
            "Export fewer chats at once.",
        )
    yield Source(stem(path.name), "", _modified(status), status.st_size, file)


def _in_folder(folder: Path, limits: Limits) -> Iterator[Source | Unread]:
    for seen, name in enumerate(_names(folder)):
        inner = os.path.relpath(name, folder)
        if seen >= limits.files:
            yield Unread(
                inner,
                Text(
                    "There are more than %(most)s files; this one and what follows stayed outside.",
                    most=f"{limits.files:,}",
                ),
            )
            return
        if name.is_symlink():
            # A link could lead out of the folder that was named. What it leads to inside is read where it lies.
            yield Unread(inner, Text("It is a link. Name the file itself to bring it in."))
            continue
        try:
            # Never waits for a pipe, and never follows what has become a link by now.
            handle = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        except OSError as error:
            yield Unread(inner, _why(error))
            continue
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                yield Unread(inner, Text("It isn't a file."))
            elif status.st_size == 0:
                yield Unread(inner, Text("It is empty."))
            elif status.st_size > limits.json_bytes:
                yield Unread(inner, Text("It is larger than %(size)s.", size=size(limits.json_bytes)))
            else:
                yield Source(stem(inner), inner, _modified(status), status.st_size, file)


def _names(folder: Path) -> Iterator[Path]:
    """The JSON files in a folder and those inside it, always in the same order. Linked folders aren't entered."""

    def fail(error: OSError) -> None:
        if error.filename == os.fspath(folder):
            raise _unreadable(folder, error) from error

    for at, inside, names in os.walk(folder, onerror=fail):
        inside.sort()
        for name in sorted(names):
            if name.casefold().endswith(".json") and not name.startswith("."):
                yield Path(at, name)


def _modified(status: os.stat_result) -> str:
    return when(status.st_mtime, per_second=1) or when(time.time(), per_second=1) or ""


def _unreadable(path: Path, error: Exception) -> ImportRefusedError:
    with contextlib.suppress(UnicodeError):
        return ImportRefusedError(
            Text("%(path)s can't be read: %(reason)s", path=path, reason=_why(error)),
            "Check the name, and who owns it.",
        )
    return ImportRefusedError(
        Text("That file can't be read: %(reason)s", reason=_why(error)), "Check the name, and who owns it."
    )


def _why(error: Exception) -> Text:
    reason = getattr(error, "strerror", None)
    return Text("%(reason)s.", reason=reason) if reason else Text("it has no proper name.")
