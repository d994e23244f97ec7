"""An answer while it grows: its Markdown in blocks, of which only the last one can still change.

What a patch costs doesn't grow with the answer: finished blocks are rendered once, code that is still coming is only
appended to, and a block that gets very long is cut into several. Once the answer has ended, the page shows the
stored one, rendered as a whole.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from familychat.rendering import markdown_parser, render_markdown

if TYPE_CHECKING:
    from markdown_it.token import Token

LONGEST_BLOCK = 6000
"""Characters that are rendered again with each patch; of code, any number is fine."""

Patch = tuple[int, str, str]
"""A block's number, what to do, and with what: ``html`` is the whole block, ``text`` is more at the end of its code."""

_BLANK_LINES = re.compile(r"(?:[ \t]*\n)+")
_MAYBE_THE_END = re.compile(r"[ \t]*(`+|~+)?[ \t]*")


class Growing:
    """Takes an answer piece by piece, and tells what has to be shown anew. ``text`` is what there is already."""

    def __init__(self, text: str = "") -> None:
        self._number = 0
        self._block = ""
        """What can still change."""
        self._looked = 0
        """How much of the block has been looked at for its end."""
        self._told = 0
        """How much of the block has been told; of code that is still coming, only this matters."""
        self._end_of_code: re.Pattern[str] | None = None
        self._finished: list[tuple[int, str]] = []
        self.add(text)

    def add(self, text: str) -> None:
        self._block += text.replace("\r", "")
        self._take_off_what_is_finished()

    def forget(self) -> None:
        """What has come so far is known already."""
        self._finished.clear()
        self._told = len(self._block) if self._end_of_code is None else self._tellable()

    def patches(self) -> list[Patch]:
        """What is new since the last call."""
        told: list[Patch] = [(number, "html", render_markdown(text)) for number, text in self._finished]
        self._finished.clear()
        end = len(self._block) if self._end_of_code is None else self._tellable()
        if end > self._told and self._block.strip():
            if self._end_of_code is not None and self._told > self._block.find("\n"):
                told.append((self._number, "text", self._block[self._told : end]))
            else:
                told.append((self._number, "html", render_markdown(self._block[:end])))
            self._told = end
        return told

    def _tellable(self) -> int:
        """Where the last line of code begins, if that may become the end of it; else the end."""
        line = self._block.rfind("\n") + 1
        return line if _MAYBE_THE_END.fullmatch(self._block, line) else len(self._block)

    def _take_off_what_is_finished(self) -> None:
        while self._end_of_code is not None or self._take_off_blocks():
            if self._end_of_code is not None:
                closing = self._end_of_code.search(self._block, self._looked)
                self._looked = self._block.rfind("\n") + 1
                if closing is None:
                    return
                self._take_off(closing.end())

    def _take_off_blocks(self) -> bool:
        """Take off all blocks but the last; true if what is left is code that hasn't ended."""
        self._drop(_BLANK_LINES.match(self._block))
        end = _certain(self._block)
        if end > self._looked:
            self._looked = end
            tokens = list(_top_level(self._block[:end]))
            lines = self._block[:end].split("\n")
            starts = [token.map[0] for token in tokens if token.map]
            for start, following in itertools.pairwise(starts):
                self._take_off(sum(len(line) + 1 for line in lines[start:following]))
            if tokens and tokens[-1].type == "fence":
                markup = tokens[-1].markup
                self._end_of_code = re.compile(rf"^ {{0,3}}{markup[0]}{{{len(markup)},}}[ \t]*\n", re.MULTILINE)
                self._looked = self._block.find("\n") + 1
                return True
        while len(self._block) > LONGEST_BLOCK:
            self._take_off(_seam(self._block))
        return False

    def _take_off(self, length: int) -> None:
        self._finished.append((self._number, self._block[:length]))
        self._number += 1
        self._block = self._block[length:]
        self._looked, self._told, self._end_of_code = max(0, self._looked - length), 0, None

    def _drop(self, blank: re.Match[str] | None) -> None:
        """Drop blank lines at the block's beginning."""
        if blank is not None:
            self._block = self._block[blank.end() :]
            self._looked, self._told = max(0, self._looked - blank.end()), max(0, self._told - blank.end())


def _certain(text: str) -> int:
    """How much of the text can be understood: an unfinished line may turn out to belong to what is before it, unless
    it begins with a letter after a blank one."""
    line = text.rfind("\n") + 1
    before = text[text.rfind("\n", 0, max(0, line - 1)) + 1 : line]
    return line + 1 if line and not before.strip() and text[line : line + 1].isalpha() else line


def _top_level(text: str) -> Iterator[Token]:
    """Where each block begins; what is inside them isn't read."""
    tokens: list[Token] = []
    parser = markdown_parser()
    parser.block.parse(text, parser, {}, tokens)
    return (token for token in tokens if token.level == 0 and token.nesting >= 0 and token.map)


def _seam(text: str) -> int:
    """Where to cut a long block: before a line that isn't indented, at a line's end, between words, or anywhere."""
    half, most = LONGEST_BLOCK // 2, LONGEST_BLOCK
    lines = [found.end() for found in re.finditer(r"\n(?=[^ \t\n])", text[half:most])]
    if lines:
        return half + lines[-1]
    return max(text.rfind("\n", half, most), text.rfind(" ", half, most)) + 1 or most
