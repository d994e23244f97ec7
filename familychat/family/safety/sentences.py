"""Cutting a text that is still being written into sentences, list items and lines."""

from __future__ import annotations

import re

# A full stop ends a sentence when a space follows, one of East Asia or India by itself, and a line ends it anyway.
_END = re.compile(r"[.!?…]+[\"'”“’»)\]*]*\s|[。！？।॥]|\n")  # noqa: RUF001
LONGEST = 1500
"""Letters after which even a sentence without an end is cut, between two words where that can be."""


class Sentences:
    """Takes pieces of any size and gives whole sentences; together they are exactly what was taken."""

    def __init__(self) -> None:
        self._begun = ""

    def feed(self, text: str) -> list[str]:
        """What has become whole."""
        self._begun += text
        whole, start = [], 0
        for end in _END.finditer(self._begun):
            whole.append(self._begun[start : end.end()])
            start = end.end()
        rest = self._begun[start:]
        while len(rest) > LONGEST:
            between = max(rest.rfind(space, 0, LONGEST) for space in " \t\r")
            cut = between + 1 or LONGEST
            whole.append(rest[:cut])
            rest = rest[cut:]
        self._begun = rest
        return whole

    def rest(self) -> str:
        """What has begun and is not whole; it is forgotten here."""
        rest, self._begun = self._begun, ""
        return rest
