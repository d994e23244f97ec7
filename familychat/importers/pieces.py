"""Cutting a long JSON file into its conversations without ever holding more than one of them.

A JSON reader would need the whole file in memory, and one bad letter anywhere would cost all of it. Here only brackets
and strings are followed, so that each conversation is decoded alone, and a broken one costs only itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from familychat.importers.limits import USUAL, size

CUT_OFF = "The file ends in the middle of it: the rest is missing."

# Possessive, so that neither can ever go back: both take time in proportion to the bytes they pass.
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_BETWEEN = re.compile(rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+', re.DOTALL)
_BLANK = b" \t\r\n,"
_QUOTE, _OPENING = ord('"'), frozenset(b"[{")


class Piece(NamedTuple):
    """The JSON of one conversation, or what is wrong with it."""

    raw: bytes
    problem: str = ""


class _Cutter:
    """Fed with chunks, it hands back the arrays and objects that begin at the depth ``base``."""

    def __init__(self, base: int, depth: int, longest: int) -> None:
        self.longest = longest
        self.base = base
        self.depth = depth
        self.in_string = False
        self.escaped = False
        self.inside = False
        self.stray = False
        self.too_long = False
        self.held: list[bytes] = []
        self.size = 0

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        begun = at = 0
        if self.escaped:
            at, self.escaped = 1, False
        while (at := self._next(chunk, at)) < len(chunk):
            sign = chunk[at]
            at += 1
            if sign == _QUOTE:
                self.in_string = not self.in_string
            elif self.in_string:  # a backslash, with what it is for in the next chunk
                self.escaped = True
            elif sign in _OPENING:
                if not self.inside:
                    yield from self._between(chunk[begun : at - 1])
                    self.inside = self.depth == self.base
                    begun = at - self.inside
                self.depth += 1
            else:
                self.depth -= 1
                if self.inside and self.depth == self.base:
                    self._hold(chunk[begun:at])
                    yield self._take()
                    begun = at
        if self.inside:
            self._hold(chunk[begun:])
        elif chunk[begun:].strip(_BLANK):
            self.stray = True

    def _next(self, chunk: bytes, at: int) -> int:
        """Where the next sign is that changes anything."""
        return (_STRING if self.in_string else _BETWEEN).match(chunk, at).end()  # type: ignore[union-attr]

    def end(self) -> Iterator[Piece]:
        """What is to be said at the end of the file."""
        if self.inside or self.in_string or self.depth > 0:
            yield Piece(b"", CUT_OFF)

    def _between(self, text: bytes) -> Iterator[Piece]:
        """What stands where only commas should."""
        if (self.stray or text.strip(_BLANK)) and self.depth == self.base:
            yield Piece(b"", "It isn't a conversation.")
        self.stray = False

    def _hold(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > self.longest:
            self.too_long = True
            self.held.clear()
        else:
            self.held.append(part)

    def _take(self) -> Piece:
        piece = Piece(b"", f"It is longer than {size(self.longest)}.") if self.too_long else Piece(b"".join(self.held))
        self.held, self.size, self.inside, self.too_long = [], 0, False, False
        return piece


def pieces(
    chunks: Iterable[bytes], *, base: int, depth: int = 0, longest: int = USUAL.conversation_bytes
) -> Iterator[Piece]:
    """The arrays and objects at the depth ``base``, where the chunks begin at ``depth``.

    For a list of conversations that is 1, for a file with one conversation 0. Those over ``longest`` bytes are passed.
    """
    cutter = _Cutter(base, depth, longest)
    for chunk in chunks:
        yield from cutter.feed(chunk)
    yield from cutter.end()
