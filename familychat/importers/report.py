"""What an import did, for people and for scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MOST_NAMED = 20
"""Of the conversations that were skipped; the others are counted."""

Progress = Callable[[int, int, int], None]
"""Told now and then: bytes read, bytes to read, conversations found so far."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A conversation or a file that stayed outside, by its title, name or number, and why."""

    name: str
    reason: str


@dataclass(slots=True)
class Report:
    """What came of one file or folder.

    ``formats`` are the names of the formats found. ``added`` came in (or would have, in a dry run); ``already_here``
    were here before, be it in the trash, and weren't touched. ``skipped`` names the first few of ``skipped_count``.
    """

    path: str
    formats: list[str] = field(default_factory=list)
    added: int = 0
    messages: int = 0
    already_here: int = 0
    skipped_count: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def found(self, name: str) -> None:
        """Something in this format was in it."""
        if name not in self.formats:
            self.formats.append(name)

    def skip(self, name: str, reason: str) -> None:
        """Count what stays outside, and name it unless many are named already."""
        self.skipped_count += 1
        if len(self.skipped) < MOST_NAMED:
            self.skipped.append(Skipped(name, reason))
