"""Telling thought from answer where a model writes ``<think>...</think>`` into its text."""

from __future__ import annotations

from collections.abc import Iterator

from familychat.events import Delta, Reasoning

OPEN, CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Feed it pieces of text in any cut; it hands back Reasoning and Delta, tags left out.

    Only a tag at the very start of an answer opens a thought, so that an answer may speak about the tag.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, text: str) -> Iterator[Delta | Reasoning]:
        """Split one more piece. What could be the beginning of a tag is held back until more comes."""
        if self._state == "answer":
            yield Delta(text)
            return
        self._held += text
        if self._state == "gap":
            self._held = self._held.lstrip()
            if self._held:
                yield from self._answer()
            return
        if self._state == "start":
            start = self._held.lstrip()
            if OPEN.startswith(start[: len(OPEN)]) and len(start) < len(OPEN):
                return
            if start.startswith(OPEN):
                self._held = start[len(OPEN) :]
                self._state = "thought"
            else:
                yield from self._answer()
                return
        yield from self._thought()

    def _thought(self) -> Iterator[Delta | Reasoning]:
        thought, closed, rest = self._held.partition(CLOSE)
        if closed:
            if thought:
                yield Reasoning(thought)
            # The blank lines after the tag belong to neither, and may come in a later piece.
            self._held, self._state = "", "gap"
            yield from self.feed(rest)
            return
        keep = _tag_start(self._held)
        if len(self._held) > keep:
            yield Reasoning(self._held[: len(self._held) - keep])
            self._held = self._held[len(self._held) - keep :]

    def _answer(self) -> Iterator[Delta]:
        text, self._held, self._state = self._held, "", "answer"
        if text:
            yield Delta(text)

    def finish(self) -> Iterator[Delta | Reasoning]:
        """Hand back what was held when the stream ends."""
        if self._held:
            yield Reasoning(self._held) if self._state == "thought" else Delta(self._held)
            self._held = ""


def _tag_start(text: str) -> int:
    """How many characters at the end could be the beginning of the closing tag."""
    return next((n for n in range(len(CLOSE) - 1, 0, -1) if text.endswith(CLOSE[:n])), 0)
