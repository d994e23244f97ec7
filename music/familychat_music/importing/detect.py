"""What a file is, by its content."""

from __future__ import annotations

import stat
from enum import StrEnum
from pathlib import Path

from familychat_music.importing.refusals import refused

HEAD = 65_536
"""So many bytes at the beginning are looked at."""
MAX_CONTROLS = 0.02
"""A text has fewer control characters than this share."""

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SQLITE = b"SQLite format 3\0"
_OTHERS = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"PK\x05\x06": "an empty archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"ID3": "an audio file",
    b"fLaC": "an audio file",
    b"OggS": "an audio file",
    b"RIFF": "an audio or video file",
    b"{\\rtf": "a text document",
}
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table", b"<workbook")
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1b\x1a\0")


class FileKind(StrEnum):
    """How a source is read."""

    WORKBOOK = "workbook"
    DELIMITED = "delimited"
    SQLITE = "sqlite"
    AUDIO = "audio"


def kind_of(path: Path) -> FileKind:
    """What is at a path; ``ImportRefusedError`` if it can't be a music list."""
    head = _head(path)
    if head is None:
        return FileKind.AUDIO
    if head.startswith(_SQLITE):
        return FileKind.SQLITE
    if head.startswith((_ZIP, _OLE)):
        return FileKind.WORKBOOK
    _refuse_others(path, head)
    return FileKind.DELIMITED


def _head(path: Path) -> bytes | None:
    """The file's first bytes, None for a folder. Nothing but files and folders is ever opened."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            raise refused(f"{path.name} is neither a file nor a folder.", "Choose the file with your music list.")
        with path.open("rb") as file:
            head = file.read(HEAD)
    except (FileNotFoundError, NotADirectoryError):
        raise refused(f"There is no file {path}.", "Check its name and folder.") from None
    except (OSError, ValueError) as problem:
        raise refused(f"{path} can't be read: {_reason(problem)}.", "Check who may read it.") from None
    if not head:
        raise refused(f"{path.name} is empty.", "Choose a file with songs in it.")
    return head


def _reason(problem: Exception) -> str:
    return (problem.strerror or "it isn't reachable") if isinstance(problem, OSError) else "its name isn't valid"


def _refuse_others(path: Path, head: bytes) -> None:
    """Raise for what is known to be something else, or isn't text at all."""
    todo = "Music lists are spreadsheets (xlsx, xls, ods, csv), SQLite databases or folders of audio files."
    for magic, name in _OTHERS.items():
        if head.startswith(magic) and not (magic in {b"MZ", b"ID3", b"BZh"} and _is_text(head)):
            if name == "an audio file":
                todo = "Give the folder it is in, to import all its audio files."
            raise refused(f"{path.name} is {name}, not a music list.", todo)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise refused(
            f"{path.name} is a web page or an XML document, whatever its name says.",
            "Open it in your spreadsheet program and save it as xlsx or csv.",
        )
    if not _is_text(head):
        raise refused(f"{path.name} is not a text, so it can't be a list with commas or tabs.", todo)


def _is_text(head: bytes) -> bool:
    """Whether bytes can be text. UTF-16 has a NUL in most of its characters; a few NULs are a fault, not a format."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or utf16_without_mark(head):
        return True
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls <= MAX_CONTROLS * len(head) and head.count(0) <= MAX_CONTROLS * len(head) + 4


def utf16_without_mark(head: bytes) -> str | None:
    """The byte order of UTF-16 that doesn't begin with a mark; None if it is something else."""
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if half and odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if half and even > 0.6 * half and odd < 0.1 * half else None
