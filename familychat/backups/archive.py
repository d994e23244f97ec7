"""The file itself: a zip with a manifest, for itself or inside the encryption. Nothing in it is believed unchecked."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from familychat.backups import manifest as contents
from familychat.backups.encryption import CHUNK, STANDARD, Cost, Sealing, Unsealed
from familychat.backups.manifest import Entry, Manifest, damaged
from familychat.backups.places import ENCRYPTED_MARK, writing
from familychat.errors import InvalidInputError, StoreError
from familychat.wording import Text

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how many bytes of how many are."""

BLOCK = 1024 * 1024
MOST_FILES = 10_000
_ZIP_MARK = b"PK\x03\x04"
SQLITE_MARK = b"SQLite format 3\0"
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED_ENTRY = 0x1

# What zipfile and zlib raise over files that are damaged, or made to be.
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
    struct.error,
)


def quiet(_step: str, _done: int, _total: int) -> None:
    """A progress that nobody follows."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to save: its name in the backup, what it is read from, and its size in bytes."""

    name: str
    stream: IO[bytes]
    size: int


def write(
    target: IO[bytes],
    sources: Sequence[Source],
    about: Manifest,
    *,
    passphrase: str | None = None,
    cost: Cost = STANDARD,
    progress: Progress = quiet,
) -> Manifest:
    """Write a whole backup, read in blocks; returns ``about`` with the files that went in."""
    if passphrase is None:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            return _pack(archive, sources, about, progress)
    sealing = Sealing(target, passphrase, cost)
    with zipfile.ZipFile(sealing, "w", zipfile.ZIP_DEFLATED) as archive:
        written = _pack(archive, sources, about, progress)
    sealing.finish()
    return written


def _pack(archive: zipfile.ZipFile, sources: Sequence[Source], about: Manifest, progress: Progress) -> Manifest:
    done, total = 0, sum(source.size for source in sources)
    entries = []
    for source in sources:
        digest, size = hashlib.sha256(), 0
        information = _entry_information(source.name)
        information.file_size = source.size  # decides whether the entry has room for more than 4 GB
        with archive.open(information, "w") as entry:
            while block := source.stream.read(BLOCK):
                digest.update(block)
                entry.write(block)
                size += len(block)
                done += len(block)
                progress("Saving", done, total)
        entries.append(Entry(source.name, size, digest.hexdigest()))
    written = dataclasses.replace(about, files=tuple(entries))
    archive.writestr(_entry_information(contents.NAME), contents.encode(written))
    return written


def _entry_information(name: str) -> zipfile.ZipInfo:
    information = zipfile.ZipInfo(name)
    information.compress_type = zipfile.ZIP_DEFLATED
    information.external_attr = 0o600 << 16
    return information


class Archive:
    """An open backup whose list of contents was found sound. Made by :func:`opened`."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._entries = _checked_entries(archive, size)
        self._done = 0
        listing = self._entries[contents.NAME]
        if listing.file_size > contents.LARGEST:
            raise damaged(Text("its list of contents is far too long"))
        with _translated():
            self.manifest = contents.decode(archive.read(listing))
        sizes = {name: entry.file_size for name, entry in self._entries.items() if name != contents.NAME}
        if sizes != {entry.name: entry.size for entry in self.manifest.files}:
            raise damaged(Text("it doesn't hold the files that it lists"))

    def check(self, entry: Entry, progress: Progress = quiet) -> None:
        """Read a file's every byte. Raises :class:`familychat.errors.StoreCorruptError`."""
        for _ in self._blocks(entry, progress):
            pass

    def unpack(self, entry: Entry, target: Path, progress: Progress = quiet) -> None:
        """As :meth:`check`, and write the file to ``target``, which is new, private, and safe on the disk then."""
        with writing(target.parent, Text("Nothing was changed.")):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with target.open("xb") as file:
                target.chmod(0o600)
                for block in self._blocks(entry, progress):
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())

    def _blocks(self, entry: Entry, progress: Progress) -> Iterator[bytes]:
        """The file's content: never more bytes than the list of contents says, and at the end none other than saved."""
        digest, first = hashlib.sha256(), True
        with _translated(), self._archive.open(self._entries[entry.name]) as stream:
            while block := stream.read(BLOCK):
                # Seen at once, so that a file made to fill the disk with nothing doesn't get far.
                if first and entry.name.endswith(".db") and not block.startswith(SQLITE_MARK):
                    raise damaged(Text("%(name)s isn't a database", name=entry.name))
                first = False
                digest.update(block)
                self._done += len(block)
                progress("Checking", self._done, self.manifest.size)
                yield block
        if digest.hexdigest() != entry.sha256:
            raise damaged(Text("%(name)s isn't what was saved", name=entry.name))


def _checked_entries(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if len(entries) > MOST_FILES or len(names) != len(entries) or contents.NAME not in names:
        raise damaged(Text("it doesn't hold what a backup holds"))
    for entry in entries:
        if not contents.belongs(entry.filename):
            raise damaged(
                Text("it holds something that is no part of a backup (%(name)s)", name=repr(entry.filename[:60]))
            )
        if entry.compress_type not in _METHODS or entry.flag_bits & _ENCRYPTED_ENTRY:
            raise damaged(Text("%(name)s is packed in a way that familychat doesn't use", name=entry.filename))
    # Files that share their packed bytes are how a small zip becomes an endless one.
    if sum(entry.compress_size for entry in entries) > size:
        raise damaged(Text("its files lie on top of each other"))
    return {entry.filename: entry for entry in entries}


@contextlib.contextmanager
def opened(path: Path, passphrase: str | None) -> Iterator[Archive]:
    """Open a backup to read.

    Raises :class:`familychat.errors.StoreCorruptError` for a file that is damaged or no backup, and
    :class:`InvalidInputError` if the passphrase is wrong, missing, or given for a file that isn't encrypted: else
    somebody could put an open file in the place of an encrypted one, and nobody would notice.
    """
    with contextlib.ExitStack() as stack:
        with _translated():
            file = stack.enter_context(path.open("rb"))
            start = file.read(len(ENCRYPTED_MARK))
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
        plain: IO[bytes] = file
        if start == ENCRYPTED_MARK:
            if passphrase is None:
                raise InvalidInputError(
                    Text("%(name)s is encrypted.", name=path.name),
                    "Type its passphrase, or send it with --passphrase-stdin.",
                )
            with _translated():
                plain = stack.enter_context(io.BufferedReader(Unsealed(file, passphrase), CHUNK))
        elif not start.startswith(_ZIP_MARK):
            raise damaged(Text("it isn't a familychat backup, or its beginning is damaged"))
        elif passphrase is not None:
            raise InvalidInputError(
                Text("%(name)s isn't encrypted, but a passphrase came with it. Nothing was changed.", name=path.name),
                "If you trust that file, leave the passphrase out.",
            )
        with _translated():
            archive = stack.enter_context(zipfile.ZipFile(plain))
        yield Archive(archive, size)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what goes wrong while a backup is read into our errors."""
    try:
        yield
    except _BROKEN as error:
        raise damaged(Text("it is damaged or cut off")) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # the file says that something lies before its beginning
            raise damaged(Text("it is damaged or cut off")) from error
        raise StoreError(
            Text("The backup can't be read: %(reason)s. Nothing was changed.", reason=error.strerror or error),
            "Check who may read it.",
        ) from error
