"""Where the list is on a sheet: its header rows, its columns, its first song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from familychat.wording import Text
from familychat_music.importing.cells import Cell, Grid, Row, Span, is_blank, is_blank_row
from familychat_music.importing.headings import claims_of
from familychat_music.importing.refusals import refused
from familychat_music.importing.roles import is_heading

HEADER_SEARCH_ROWS = 40
"""The header row is looked for among this many, from the first filled one on."""
HEADER_SEARCH_CELLS = 8_000
"""In a wide list it is looked for among fewer rows."""
COMPARED_ROWS = 100
"""So many rows below it tell whether a row of unknown words is a header."""
LONGEST_HEADER = 200
"""Characters of a header that are kept."""


@dataclass(frozen=True, slots=True)
class Heading:
    """One column: ``index`` is its cell in a row, ``text`` its header, empty if it has none."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Layout:
    """``first_row`` is the index (from 0) of the first row below the header; ``left_out`` counts rows above it.

    ``header`` are the cells of the header row itself, to know it when it comes again; empty without one.
    """

    headings: tuple[Heading, ...]
    first_row: int
    left_out: int = 0
    header: tuple[str, ...] = ()


def find_layout(rows: Sequence[Row], grid: Grid) -> Layout:
    """Find the list in the first rows of a sheet; ``ImportRefusedError`` if there is none."""
    filled = [index for index, row in enumerate(rows) if not is_blank_row(row)]
    if not filled:
        raise refused(
            Text("The list is empty: there isn't a single filled cell."), Text("Choose a file with songs in it.")
        )
    searched = filled[0] + min(HEADER_SEARCH_ROWS, max(1, HEADER_SEARCH_CELLS // max(map(len, rows))))
    top = _header_row(rows, [index for index in filled if index < searched])
    if top is None:
        return Layout(_columns(rows, [], 0), 0)
    bottom = top + 1 if top + 1 < len(rows) and _continues(rows[top], rows[top + 1], grid.merged, top) else top
    texts = _header_texts(rows, top, bottom, grid.merged)
    if not any(index > bottom for index in filled):
        raise refused(Text("There are headings, but no songs below them."), Text("Choose a file with songs in it."))
    above = sum(1 for index in filled if index < top)
    return Layout(_columns(rows, texts, bottom + 1), bottom + 1, above, tuple(map(text_in, rows[bottom])))


def text_in(cell: Cell) -> str:
    """A cell as a header: one line, no more than ``LONGEST_HEADER`` characters."""
    if is_blank(cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).replace("\0", " ").split())[:LONGEST_HEADER]


def known_headers(row: Row) -> int:
    """How many different roles the cells of a row name."""
    roles = {claims[0].role for cell in row if isinstance(cell, str) and len(cell) <= LONGEST_HEADER
             and (claims := claims_of(cell))}  # fmt: skip
    return len(roles)


def music_likeness(rows: Sequence[Row]) -> int:
    """How much the first rows of a sheet look like a music list: the most roles that one row names."""
    return max((known_headers(row) for row in rows[:HEADER_SEARCH_ROWS]), default=0)


def _header_row(rows: Sequence[Row], filled: list[int]) -> int | None:
    """The index of the header row, None if the list has none."""
    known = {index: known_headers(rows[index]) for index in filled}
    best = max(filled, key=lambda index: (known[index], -index))
    wide = _first_wide(rows, filled)
    if known[best] > 1:
        return best
    if known[wide] == 1 and all(is_blank(cell) or is_heading(cell) for cell in rows[wide]):
        return wide
    return wide if _reads_as_header(rows, wide) else None


def _width(row: Row) -> int:
    return sum(1 for cell in row if not is_blank(cell))


def _first_wide(rows: Sequence[Row], filled: list[int]) -> int:
    """The first row that is as wide as most: titles and remarks above a list are narrower."""
    widths = sorted(_width(rows[index]) for index in filled)
    usual = widths[len(widths) // 2]
    return next((index for index in filled if _width(rows[index]) * 2 > usual), filled[0])


def _reads_as_header(rows: Sequence[Row], index: int) -> bool:
    """Whether a row of unknown words is a header: only texts, all different, and none of them a value below."""
    cells = [(column, text_in(cell)) for column, cell in enumerate(rows[index]) if not is_blank(cell)]
    texts = [text for _, text in cells]
    if len(texts) < 2 or len(set(texts)) < len(texts):  # noqa: PLR2004 -- one word heads no list
        return False
    if not all(is_heading(rows[index][column]) and len(text) <= 60 for column, text in cells):  # noqa: PLR2004
        return False
    below = [row for row in rows[index + 1 : index + COMPARED_ROWS] if _width(row)]
    return bool(below) and not any(
        text == text_in(row[column]) for row in below for column, text in cells if column < len(row)
    )


def _continues(header: Row, below: Row, merged: Sequence[Span], top: int) -> bool:
    """Whether the row below a header belongs to it: all its cells are headers, under blanks or merged cells."""
    columns = [column for column, cell in enumerate(below) if not is_blank(cell)]
    if not columns or not all(is_heading(below[column]) for column in columns):
        return False
    known = sum(1 for column in columns if claims_of(text_in(below[column])))
    wide = {column for span in merged if span.top <= top <= span.bottom and span.left < span.right
            for column in range(span.left, span.right + 1)}  # fmt: skip
    under_nothing = all(column >= len(header) or is_blank(header[column]) or column in wide for column in columns)
    return known * 2 >= len(columns) and under_nothing


def _header_texts(rows: Sequence[Row], top: int, bottom: int, merged: Sequence[Span]) -> list[str]:
    """The header of each column, put together from a group row above it where there is one."""
    lower = [text_in(cell) for cell in rows[bottom]]
    group_row = top if bottom > top else top - 1
    if group_row < 0 or not _is_group_row(rows[group_row], lower, group_row, merged, certain=bottom > top):
        return lower
    upper = [text_in(cell) for cell in rows[group_row]]
    for span in merged:
        if span.top <= group_row <= span.bottom and span.left < len(upper):
            upper[span.left : span.right + 1] = [upper[span.left]] * (min(span.right, len(upper) - 1) - span.left + 1)
    width = max(len(upper), len(lower))
    pairs = zip(upper + [""] * (width - len(upper)), lower + [""] * (width - len(lower)), strict=True)
    return [_joined(above, below) for above, below in pairs]


def _is_group_row(row: Row, lower: list[str], index: int, merged: Sequence[Span], *, certain: bool) -> bool:
    """Whether the row above a header groups its columns: it fills a blank of the header, or merges cells over it."""
    if certain:
        return True
    texts = [text_in(cell) for cell in row]
    fills = any(text and not (lower[column] if column < len(lower) else "") for column, text in enumerate(texts))
    merges = sum(1 for span in merged if span.top <= index <= span.bottom)
    return _width(row) > 1 and (fills or merges > 1)


def _joined(above: str, below: str) -> str:
    if not above or not below or above == below:
        return below or above
    both = f"{above} {below}"
    return both if claims_of(both) and not claims_of(below) else below


def _columns(rows: Sequence[Row], texts: list[str], first_row: int) -> tuple[Heading, ...]:
    """The columns that have a header, or a filled cell among the rows looked at."""
    width = max((len(row) for row in rows), default=0)
    texts = texts + [""] * (width - len(texts))
    used = {column for column, text in enumerate(texts) if text}
    for row in rows[first_row:]:
        if len(used) == width:
            break
        used.update(column for column, cell in enumerate(row) if column not in used and not is_blank(cell))
    return tuple(Heading(column, texts[column]) for column in sorted(used))
