"""What there is to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True, slots=True)
class Source:
    """A JSON file to read. ``inner`` is its name inside the folder or archive, empty for a file that was named.

    ``name`` is what to call a chat in it that has no title, ``size`` counts bytes.
    """

    name: str
    inner: str
    modified_at: str
    size: int
    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be read, or must not be, and why."""

    inner: str
    reason: str


def stem(name: str) -> str:
    """The file's own name without ``.json`` or ``.conversation.json``."""
    last = name.replace("\\", "/").rpartition("/")[2]
    for ending in (".json", ".conversation"):
        if last.casefold().endswith(ending) and len(last) > len(ending):
            last = last[: -len(ending)]
    return last.encode("utf-8", "replace").decode()  # a name that isn't UTF-8 holds half letters
