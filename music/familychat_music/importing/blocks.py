"""From a sheet's raw rows to the rows of the list: no blanks, no repeated headers, no totals, all equally long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from familychat_music.importing.cells import Batch, Row, is_blank, is_blank_row
from familychat_music.importing.layout import Layout, text_in
from familychat_music.importing.words import simplified, vocabulary

_BEFORE_NUMBER = re.compile(r"[^\d:=]*")
HELD_BACK = 12
"""So many rows at the end may be totals and remarks."""
FOOTER_WIDTH = 3
"""A lone cell after a blank row is a remark in lists that have at least this many columns."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows with the numbers under which the file shows them, from 1."""

    numbers: Sequence[int]
    rows: Batch


class Cleaner:
    """Goes through the rows once and counts what it leaves out. ``text_columns`` are the indexes of texts."""

    def __init__(self, layout: Layout, text_columns: frozenset[int]) -> None:
        self._layout = layout
        self._text_columns = text_columns
        self._width = max(heading.index for heading in layout.headings) + 1
        self._mark = next(((at, text) for at, text in enumerate(layout.header) if text), None)
        self.blank = self.headers = self.totals = self.long = 0

    def blocks(self, batches: Iterable[Batch]) -> Iterator[Block]:
        """The list's rows, in order."""
        number = 1
        held = Block((), [])
        for batch in batches:
            skipped = min(len(batch), max(0, self._layout.first_row - number + 1))
            block = self._cleaned(Block(range(number + skipped, number + len(batch)), batch[skipped:]))
            number += len(batch)
            block = Block([*held.numbers, *block.numbers], held.rows + block.rows) if held.rows else block
            cut = max(0, len(block.rows) - HELD_BACK)
            held = Block(block.numbers[cut:], block.rows[cut:])
            if cut:
                yield Block(block.numbers[:cut], block.rows[:cut])
        if (last := self._without_totals(held)).rows:
            yield last

    def _cleaned(self, block: Block) -> Block:
        if _may_be_empty(block.rows):
            block = self._only(block, [not is_blank_row(row) for row in block.rows], "blank")
        if set(map(len, block.rows)) - {self._width}:
            block = Block(block.numbers, [self._fitted(row) for row in block.rows])
        if self._mark is not None:
            at, text = self._mark
            if text in [row[at] for row in block.rows]:
                block = self._only(block, [not self._is_header(row) for row in block.rows], "headers")
        return block

    def _only(self, block: Block, keep: list[bool], counter: str) -> Block:
        """The rows to keep; the others are counted."""
        if all(keep):
            return block
        setattr(self, counter, getattr(self, counter) + keep.count(False))
        pairs = [pair for pair, kept in zip(zip(block.numbers, block.rows, strict=True), keep, strict=True) if kept]
        return Block([number for number, _ in pairs], [row for _, row in pairs])

    def _fitted(self, row: Row) -> Row:
        missing = self._width - len(row)
        if missing > 0:
            return [*row, *[None] * missing]
        if missing < 0 and not is_blank_row(row[self._width :]):
            self.long += 1
        return row

    def _is_header(self, row: Row) -> bool:
        return all(text_in(cell) == text for cell, text in zip(row, self._layout.header, strict=False))

    def _without_totals(self, block: Block) -> Block:
        end = len(block.rows)
        while end:
            gap = end > 1 and block.numbers[end - 1] - block.numbers[end - 2] > 1
            if not self._is_total(block.rows[end - 1], after_gap=gap):
                break
            end -= 1
        # A list of nothing but totals is no list of songs with totals below it.
        if end == 0 and len(block.rows) < HELD_BACK:
            return block
        self.totals += len(block.rows) - end
        return Block(block.numbers[:end], block.rows[:end])

    def _is_total(self, row: Row, *, after_gap: bool) -> bool:
        """Whether a row at the end sums up the list, or remarks on it."""
        filled = [index for index, cell in enumerate(row) if not is_blank(cell)]
        texts = [index for index in filled if index in self._text_columns]
        if len(filled) * 2 > len(self._layout.headings) + 1:
            return False
        if not texts and self._text_columns and len(self._layout.headings) > 1:
            return True
        label = text_in(row[filled[0]]) if filled else ""
        words = simplified(_BEFORE_NUMBER.match(label)[0])  # type: ignore[index]  # it matches any text
        if words in vocabulary().totals and len(self._layout.headings) > 1:
            return True
        return after_gap and len(filled) == 1 and len(self._layout.headings) >= FOOTER_WIDTH


def _may_be_empty(rows: Batch) -> bool:
    """Whether the first cell of any row is blank: a quick look, for most lists have no empty rows."""
    try:
        firsts: list[str] = [row[0] for row in rows]  # type: ignore[misc]  # if they are something else, it raises
        return not all(firsts) or any(map(str.isspace, firsts))
    except (TypeError, IndexError):  # a number, or a row without cells
        return True
