"""What a file is, by its content."""

from __future__ import annotations

import stat
from enum import StrEnum
from pathlib import Path

from familychat.wording import Text
from familychat_music.importing.refusals import refused

HEAD = 65_536
"""So many bytes at the beginning are looked at."""
MAX_CONTROLS = 0.02
"""A text has fewer control characters than this share."""

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SQLITE = b"SQLite format 3\0"
_AUDIO = Text("%(name)s is an audio file, not a music list.")
_OTHERS = {
    b"\xff\xd8\xff": Text("%(name)s is a JPEG picture, not a music list."),
    b"\x89PNG": Text("%(name)s is a PNG picture, not a music list."),
    b"GIF8": Text("%(name)s is a GIF picture, not a music list."),
    b"%PDF": Text("%(name)s is a PDF document, not a music list."),
    b"\x1f\x8b": Text("%(name)s is a gzip archive, not a music list."),
    b"7z\xbc\xaf": Text("%(name)s is a 7-Zip archive, not a music list."),
    b"Rar!": Text("%(name)s is a RAR archive, not a music list."),
    b"BZh": Text("%(name)s is a bzip2 archive, not a music list."),
    b"\xfd7zXZ": Text("%(name)s is an xz archive, not a music list."),
    b"PK\x05\x06": Text("%(name)s is an empty archive, not a music list."),
    b"\x7fELF": Text("%(name)s is a program, not a music list."),
    b"MZ": Text("%(name)s is a program, not a music list."),
    b"ID3": _AUDIO,
    b"fLaC": _AUDIO,
    b"OggS": _AUDIO,
    b"RIFF": Text("%(name)s is an audio or video file, not a music list."),
    b"{\\rtf": Text("%(name)s is a text document, not a music list."),
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
            raise refused(
                Text("%(name)s is neither a file nor a folder.", name=path.name),
                Text("Choose the file with your music list."),
            )
        with path.open("rb") as file:
            head = file.read(HEAD)
    except (FileNotFoundError, NotADirectoryError):
        raise refused(Text("There is no file %(path)s.", path=path), Text("Check its name and folder.")) from None
    except (OSError, ValueError) as problem:
        raise refused(
            Text("%(path)s can't be read: %(reason)s.", path=path, reason=_reason(problem)),
            Text("Check who may read it."),
        ) from None
    if not head:
        raise refused(Text("%(name)s is empty.", name=path.name), Text("Choose a file with songs in it."))
    return head


def _reason(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return problem.strerror or Text("it isn't reachable")
    return Text("its name isn't valid")


def _refuse_others(path: Path, head: bytes) -> None:
    """Raise for what is known to be something else, or isn't text at all."""
    todo = Text("Music lists are spreadsheets (xlsx, xls, ods, csv), SQLite databases or folders of audio files.")
    for magic, wrong in _OTHERS.items():
        if head.startswith(magic) and not (magic in {b"MZ", b"ID3", b"BZh"} and _is_text(head)):
            if wrong is _AUDIO:
                todo = Text("Give the folder it is in, to import all its audio files.")
            raise refused(Text(wrong, name=path.name), todo)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise refused(
            Text("%(name)s is a web page or an XML document, whatever its name says.", name=path.name),
            Text("Open it in your spreadsheet program and save it as xlsx or csv."),
        )
    if not _is_text(head):
        raise refused(Text("%(name)s is not a text, so it can't be a list with commas or tabs.", name=path.name), todo)


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
