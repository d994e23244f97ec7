"""The manifest: what a backup says it holds, and whether that can be true."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from familychat.errors import StoreCorruptError, StoreTooNewError
from familychat.tasks.definitions import MAX_FILE_BYTES
from familychat.tasks.folder import FOLDER, SUFFIX
from familychat.wording import Text

FORMAT = "familychat backup"
VERSION = 1
NAME = "manifest.json"
DATABASE = "database.db"
SETTINGS = "settings.toml"
LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest: room for tens of thousands of files."""
MOST_TASKS = 1_000
"""Task files that a backup holds at most."""

_MUSIC = re.compile(r"music/([0-9a-f-]{36})/([1-9][0-9]{0,8})\.db")
# 60 letters of any language still fit into a file name of 255 bytes.
_TASK = re.compile(rf"{FOLDER}/\w[\w .-]{{,59}}{re.escape(SUFFIX)}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a backup: its size in bytes and its SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds. ``missing`` names the music libraries (by id) whose songs were gone when it was made.

    ``tasks_saved`` is false in backups from before they held the household's own tasks, which say nothing about them;
    ``tasks_left_out`` names the task files that were there and couldn't be saved.
    """

    format: str = FORMAT
    version: int = VERSION
    created_at: str
    familychat: str
    migrations: tuple[str, ...]
    secrets: bool
    missing: tuple[str, ...] = ()
    tasks_saved: bool = False
    tasks_left_out: tuple[str, ...] = ()
    files: tuple[Entry, ...] = ()

    @property
    def libraries(self) -> dict[str, tuple[int, Entry]]:
        """The music libraries' files: version and entry by the library's id."""
        parts = ((music_parts(entry.name), entry) for entry in self.files)
        return {found[0]: (found[1], entry) for found, entry in parts if found}

    @property
    def tasks(self) -> tuple[Entry, ...]:
        """The files of the household's own tasks."""
        return tuple(entry for entry in self.files if _TASK.fullmatch(entry.name))

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(entry.size for entry in self.files)


@dataclass(frozen=True, slots=True)
class _Kind:
    format: str
    version: int


def music_name(library_id: str, version: int) -> str:
    """The name of a library's file inside a backup."""
    return f"music/{library_id}/{version}.db"


def music_parts(name: str) -> tuple[str, int] | None:
    """The library's id and version in a name that :func:`music_name` wrote; None for any other name."""
    found = _MUSIC.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def task_name(file_name: str) -> str | None:
    """The name of a task's file inside a backup; None if it has signs that not every computer takes in a name."""
    name = f"{FOLDER}/{file_name}"
    return name if _TASK.fullmatch(name) else None


def belongs(name: str) -> bool:
    """Whether a backup may hold a file of this name: a path that leads elsewhere is none of these."""
    return name in {NAME, DATABASE, SETTINGS} or any(shape.fullmatch(name) for shape in (_MUSIC, _TASK))


def encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)


def decode(content: bytes) -> Manifest:
    """Read a manifest. Raises :class:`StoreTooNewError` for a newer format, else :class:`StoreCorruptError`."""
    try:
        kind = msgspec.json.decode(content, type=_Kind)
        if kind.format == FORMAT and kind.version > VERSION:
            raise StoreTooNewError(
                Text(
                    "A newer familychat made this backup (format %(version)s). Nothing was changed.",
                    version=kind.version,
                ),
                "Update familychat first.",
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(Text("its list of contents can't be read")) from error
    names = [entry.name for entry in manifest.files]
    libraries = [found[0] for found in map(music_parts, names) if found]
    wrong = (
        manifest.format != FORMAT
        or manifest.version != VERSION
        or len({name.casefold() for name in names}) != len(names)
        or len(set(libraries)) != len(libraries)
        or DATABASE not in names
        or NAME in names
        or not all(map(belongs, names))
        or any(entry.size < 0 for entry in manifest.files)
        or len(manifest.tasks) > (MOST_TASKS if manifest.tasks_saved else 0)
        or any(entry.size > MAX_FILE_BYTES for entry in manifest.tasks)
    )
    if wrong:
        raise damaged(Text("its list of contents makes no sense"))
    return manifest


def damaged(why: Text) -> StoreCorruptError:
    """The error for a backup that can't be trusted."""
    return StoreCorruptError(
        Text("The backup can't be used: %(reason)s. Nothing was changed.", reason=why),
        "Use another one: familychat backup list.",
    )
