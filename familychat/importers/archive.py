"""JSON files in a zip archive, read where they lie: nothing is unpacked to the disk, whatever their names say."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from familychat.errors import ImportRefusedError
from familychat.importers.limits import Limits, size
from familychat.importers.source import Source, Unread, stem
from familychat.importers.values import when
from familychat.wording import Text

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, struct.error, ValueError)
"""What reading a damaged archive raises."""

_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
_ENCRYPTED = 0x1


def is_archive(file: BinaryIO) -> bool:
    """Whether it begins as zip archives do; the file is at its beginning again afterwards."""
    start = file.read(4)
    file.seek(0)
    return start in {b"PK\x03\x04", b"PK\x05\x06"}


def archived(path: Path, file: BinaryIO, limits: Limits) -> Iterator[Source | Unread]:
    """The JSON files in the archive, one after another.

    Raises :class:`ImportRefusedError` for an archive that is damaged, locked, or far too large.
    """
    try:
        _check_directory(path, file, limits)
        with zipfile.ZipFile(file) as archive:
            members = [one for one in archive.infolist() if _is_json(one.filename)]
            _check_members(path, members, limits)
            for member in members:
                yield from _opened(archive, member)
    except DAMAGE as error:
        raise ImportRefusedError(
            Text("%(path)s is damaged or incomplete, so it can't be unpacked. Nothing of it came in.", path=path),
            "Download it once more, then try again.",
        ) from error


def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[Source | Unread]:
    try:
        opened = archive.open(member)
    except DAMAGE:
        yield Unread(member.filename, Text("It is damaged."))
        return
    with opened:
        yield Source(stem(member.filename), member.filename, _time(member), member.file_size, opened)


def _check_directory(path: Path, file: BinaryIO, limits: Limits) -> None:
    """Refuse a list of contents that wouldn't fit into memory, before it is read."""
    end = file.seek(0, 2)
    file.seek(max(0, end - _END_SIZE - _LONGEST_COMMENT))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0:
        raise zipfile.BadZipFile
    members, length = struct.unpack("<HI", tail[at + 10 : at + 16])
    # With more than these fields can tell there are millions of files.
    if length > limits.directory_bytes or members > limits.files:
        raise _refused(Text("%(path)s holds too many files. Nothing of it came in.", path=path))


def _check_members(path: Path, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise ImportRefusedError(
            Text("%(path)s is locked with a password. Nothing of it came in.", path=path),
            "Unpack it, then import the folder.",
        )
    if sum(member.file_size for member in members) > limits.json_bytes:
        raise _refused(
            Text(
                "%(path)s holds more than %(size)s of JSON. Nothing of it came in.",
                path=path,
                size=size(limits.json_bytes),
            )
        )
    for member in members:
        if member.file_size > max(limits.free_bytes, limits.ratio * member.compress_size):
            raise _refused(
                Text(
                    "%(path)s holds a file that is packed far more tightly than words can be. Nothing of it came in.",
                    path=path,
                )
            )


def _refused(why: Text) -> ImportRefusedError:
    return ImportRefusedError(why, "Unpack what you trust, and import that.")


def _is_json(name: str) -> bool:
    parts = name.casefold().split("/")
    return parts[-1].endswith(".json") and not parts[-1].startswith(".") and "__macosx" not in parts


def _time(member: zipfile.ZipInfo) -> str:
    """When the packed file was changed, by a clock whose zone isn't told."""
    try:
        moment = when(datetime(*member.date_time).isoformat())  # noqa: DTZ001 -- read as UTC
    except ValueError:
        moment = None
    return moment or "1980-01-01T00:00:00.000Z"
