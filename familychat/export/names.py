"""Names for files, made from titles: safe on Linux, macOS and Windows, and no two the same."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable

LONGEST_NAME = 120
"""Bytes of UTF-8, without the suffix; file systems end at 255, and some count differently."""

UNNAMED = "Conversation"
_DASHED, _DROPPED = frozenset("/\\:|"), frozenset('<>"?*')
_JOINER = "\u200d"
"""Holds an emoji of several parts together; all other invisible characters go."""

# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in "0123456789¹²³")}


def safe_name(title: str) -> str:
    """A title as a file's name, without a suffix; never empty, hidden, or a path."""
    kept = "".join(_safe(character) for character in unicodedata.normalize("NFC", title))
    name = _cut(" ".join(kept.split()).strip(" .-~_"), LONGEST_NAME)
    name = name or UNNAMED
    return f"{name}_" if name.split(".")[0].strip().casefold() in _RESERVED else name


def file_names(titles: Iterable[str], suffix: str) -> list[str]:
    """A name for each title, in their order; those that are the same, by case too, are numbered."""
    taken: set[str] = set()
    names = []
    for title in titles:
        base = safe_name(title)
        name, number = base + suffix, 1
        while _key(name) in taken:
            number += 1
            name = f"{base} ({number}){suffix}"
        taken.add(_key(name))
        names.append(name)
    return names


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _safe(character: str) -> str:
    if character in _DASHED:
        return "-"
    if character == _JOINER:
        return character
    category = unicodedata.category(character)
    if character in _DROPPED or category[0] == "Z" or category == "Cc":
        return " "
    return "" if category[0] == "C" else _encodable(character)


def _encodable(character: str) -> str:
    """Nothing for a letter that this computer can't write in file names."""
    try:
        os.fsencode(character)
    except UnicodeEncodeError:
        return ""
    return character


def _cut(name: str, size: int) -> str:
    if len(name.encode()) <= size:
        return name
    cut = name.encode()[:size].decode(errors="ignore")
    return cut.rstrip(f" .-~_{_JOINER}\ufe0f")
