"""In which encoding a text is, told by reading all of it once."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from familychat.wording import Text
from familychat_music.importing.detect import HEAD, utf16_without_mark
from familychat_music.importing.refusals import refused

CHUNK = 256 << 10
LONGEST_LINE = 512 << 10
"""Bytes. A longer line would have to be held in memory, and is no row of a list."""
MOSTLY = 20
"""So many valid characters for each invalid one make a text UTF-8 with faults, rather than something else."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec's name, what to do with faults, and whether there are NULs to be left out."""

    name: str
    errors: str = "strict"
    has_nul: bool = False
    note: str = ""


def find_encoding(path: Path) -> Encoding:
    """Tell UTF-8 and UTF-16, with or without a mark; anything else is taken as Windows-1252."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _check_lines(path)
        return Encoding("utf-16", "replace", has_nul=True)
    if name := utf16_without_mark(head):
        _check_lines(path)
        return Encoding(name, "replace", has_nul=True)
    has_nul = _check_lines(path)
    if _is_utf8(path):
        return Encoding("utf-8-sig", has_nul=has_nul)
    bad, good = _count_faults(path)
    if good > MOSTLY * bad:
        note = Text(
            "%(count)s characters were damaged in the file; they show as %(sign)s.", count=f"{bad:,}", sign="\ufffd"
        )
        return Encoding("utf-8-sig", "replace", has_nul=has_nul, note=note)
    return Encoding("cp1252", "replace", has_nul=has_nul)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _check_lines(path: Path) -> bool:
    """Refuse a file with an endless line; return whether it has NULs."""
    has_nul, length = False, 0
    for chunk in _chunks(path):
        has_nul = has_nul or b"\0" in chunk
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        length = length + len(chunk) if last < 0 else len(chunk) - last
        if length > LONGEST_LINE:
            raise refused(
                Text(
                    "%(name)s has a line of more than %(most)s KB, so it is no list.",
                    name=path.name,
                    most=LONGEST_LINE >> 10,
                ),
                Text("Save your list as xlsx or csv."),
            )
    return has_nul


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _count_faults(path: Path) -> tuple[int, int]:
    """How many faults there are if the text is UTF-8, and how many characters beyond ASCII are right."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    bad = good = 0
    for chunk in _chunks(path):
        text = decoder.decode(chunk)
        if not text.isascii():
            faults = text.count("\ufffd")
            bad += faults
            good += len(text) - len(text.encode("ascii", "ignore")) - faults
    bad += decoder.decode(b"", final=True).count("\ufffd")
    return bad, good
