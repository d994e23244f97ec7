"""The files behind what a person names: one file, a zip's members, or a folder's files, within limits."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from familychat.clock import timestamp
from familychat.errors import ImportRefusedError, NotFoundError

MAX_JSON = 512_000_000
"""Bytes of one JSON file, unpacked."""

MAX_FILES = 100_000
READ_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A JSON file to read. ``alone``: the person named this very file. ``at``: when it was last changed."""

    name: str
    read: Callable[[], bytes]
    at: str
    alone: bool


def files_in(source: Path) -> Iterator[Source]:
    """What there is to read. Raises :class:`NotFoundError` and :class:`ImportRefusedError`; hidden files, links out of
    a folder, and what isn't JSON are passed over."""
    try:
        if source.is_dir():
            yield from _in_folder(source)
        elif not source.exists():
            raise NotFoundError(f"There is no file {source}.", "Check the name.")
        elif not source.is_file():
            raise ImportRefusedError(f"{source.name} is no file.", "Name a file or a folder.")
        elif zipfile.is_zipfile(source):
            yield from _in_zip(source)
        else:
            yield _file(source, source.name, alone=True)
    except OSError as error:
        raise ImportRefusedError(f"{source.name} can't be read: {error.strerror}.", "Check its permissions.") from None


def _in_folder(folder: Path) -> Iterator[Source]:
    inside = folder.resolve()
    for number, path in enumerate(sorted(folder.rglob("*.json"))):
        if number >= MAX_FILES:
            raise ImportRefusedError(f"{folder.name} has over {MAX_FILES:,} files.", "Bring in one part at a time.")
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and path.resolve().is_relative_to(inside):
            yield _file(path, str(path.relative_to(folder)), alone=False)


def _file(path: Path, name: str, *, alone: bool) -> Source:
    status = path.stat()

    def read() -> bytes:
        if status.st_size > MAX_JSON:
            raise _too_large(name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ImportRefusedError(f"{name} can't be read: {error.strerror}.", "Check its permissions.") from None

    return Source(name, read, timestamp(datetime.fromtimestamp(status.st_mtime, UTC)), alone)


def _in_zip(path: Path) -> Iterator[Source]:
    """The JSON files of a zip; their sizes are counted while unpacking, whatever the zip says."""
    at = timestamp(datetime.fromtimestamp(path.stat().st_mtime, UTC))
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.lower().endswith(".json")]
            if len(members) > MAX_FILES:
                raise ImportRefusedError(f"{path.name} has over {MAX_FILES:,} files.", "Unpack it, and take a part.")
            for member in members:
                yield Source(f"{path.name}/{member.filename}", partial(_unpacked, archive, member), at, False)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise _damaged(path.name) from error


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    data = bytearray()
    try:
        with archive.open(member) as file:
            while some := file.read(READ_AT_ONCE):
                data += some
                if len(data) > MAX_JSON:
                    raise _too_large(member.filename)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(member.filename) from error
    return bytes(data)


def _too_large(name: str) -> ImportRefusedError:
    return ImportRefusedError(f"{name} is larger than {MAX_JSON // 1_000_000:,} MB.", "Export less at once.")


def _damaged(name: str) -> ImportRefusedError:
    return ImportRefusedError(f"{name} is damaged, encrypted or cut off. Nothing of it was added.", "Export it anew.")
