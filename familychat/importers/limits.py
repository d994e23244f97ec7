"""How much an import takes in, so that neither memory nor patience runs out."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """All in bytes or counts, inclusive.

    Only one conversation at a time is in memory, and decoded it takes several times ``conversation_bytes``; the other
    limits bound time. ``json_bytes`` is for a JSON file, and for all those in an archive together. ``directory_bytes``
    is for an archive's list of contents, all of which Python reads into memory. A packed file of more than
    ``free_bytes`` that is ``ratio`` times as large unpacked holds nothing that anybody wrote.
    """

    json_bytes: int = GIB
    conversation_bytes: int = 64 * MIB
    files: int = 100_000
    directory_bytes: int = 64 * MIB
    free_bytes: int = 50 * MIB
    ratio: int = 200


USUAL = Limits()


def size(count: int) -> str:
    """A limit for people: 64 MB, 1 GB."""
    return f"{count // GIB} GB" if count >= GIB else f"{count // MIB} MB" if count >= MIB else f"{count} bytes"
