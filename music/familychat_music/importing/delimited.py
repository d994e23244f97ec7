"""Lists as text: commas, semicolons, tabs or bars between the cells."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from familychat.wording import Text
from familychat_music.importing.cells import Batch, Grid
from familychat_music.importing.encodings import Encoding, find_encoding
from familychat_music.importing.headings import claims_of
from familychat_music.importing.refusals import refused

BATCH = 600
"""Rows per batch: enough to make calls cheap, and few enough that the garbage collector never looks at them."""
ROWS_AT_ONCE = 20
MAX_CELLS = 16_384
"""In a row, as in the largest spreadsheets."""
CELLS_PER_BATCH = 100_000
LONGEST_ROWS = 64 << 20
"""Characters that ``ROWS_AT_ONCE`` rows may have. It is looked at in files above ``WATCHED_FROM`` bytes: it takes time,
and a smaller file fits into the memory whatever is in it."""
WATCHED_FROM = 128 << 20
SNIFFED = 65_536
"""Characters from which the delimiter is told."""
DELIMITERS = (",", ";", "\t", "|")
REGULAR = 0.4
"""In a table at least this share of the rows is equally wide."""
LONGEST_CELL = 131_072
"""Characters; the limit of Python's csv module, which is the same for the whole program and so is left alone."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells are separated; ``skip`` is the number of lines that say so themselves (``sep=;``)."""

    delimiter: str
    escape: str | None = None
    skip: int = 0


class DelimitedSource:
    """A csv, tsv or similar file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoding = Encoding("utf-8")
        self._dialect = Dialect(",")
        self._size = max(1, path.stat().st_size)
        self._since_row = 0
        self._raw: BufferedReader | None = None

    def open(self) -> Grid:
        """Tell the encoding and the delimiter."""
        self._encoding = find_encoding(self._path)
        with self._text() as file:
            sample = file.read(SNIFFED).replace("\0", "")
        whole = len(sample) < SNIFFED
        found = sniff(sample if whole else sample[: sample.rfind("\n") + 1] or sample)
        if found is None:
            raise refused(
                Text(
                    "%(name)s is a text, but not a table with commas, semicolons, tabs or bars.", name=self._path.name
                ),
                Text("Save your list as xlsx or csv."),
            )
        self._dialect = found
        notes = [self._encoding.note] if self._encoding.note else []
        return Grid("tsv" if found.delimiter == "\t" else "csv", notes=notes)

    def batches(self) -> Generator[Batch, None, None]:
        """The rows, as the csv module reads them."""
        with self._text() as file:
            lines: Iterable[str] = file
            if self._encoding.has_nul:
                lines = (line.replace("\0", "") for line in lines)
            if self._size > WATCHED_FROM:
                lines = self._bounded(lines)
            reader = csv.reader(
                itertools.islice(lines, self._dialect.skip, None) if self._dialect.skip else lines,
                delimiter=self._dialect.delimiter,
                escapechar=self._dialect.escape,
            )
            try:
                yield from self._batched(reader)
            except csv.Error as problem:
                raise self._broken(reader.line_num, problem) from None

    def _batched(self, reader: Iterator[list[str]]) -> Generator[Batch, None, None]:
        """So many rows at a time, but never too many cells."""
        batch: Batch = []
        cells = 0
        while some := list(itertools.islice(reader, ROWS_AT_ONCE)):
            self._since_row = 0
            batch += some
            widths = list(map(len, some))
            cells += sum(widths)
            if max(widths) > MAX_CELLS:
                raise refused(
                    Text(
                        "%(name)s has a row with %(count)s cells; spreadsheets have %(most)s at most.",
                        name=self._path.name,
                        count=f"{max(widths):,}",
                        most=f"{MAX_CELLS:,}",
                    ),
                    Text("Keep the columns about music and import it again."),
                )
            if len(batch) >= BATCH or cells > CELLS_PER_BATCH:
                yield batch
                batch, cells = [], 0
        if batch:
            yield batch

    def _bounded(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines, unless a few rows go on for far too many of them."""
        for line in lines:
            self._since_row += len(line)
            if self._since_row > LONGEST_ROWS:
                raise refused(
                    Text("%(name)s has a row that never ends.", name=self._path.name),
                    Text("Look for a missing quotation mark."),
                )
            yield line

    def fraction(self) -> float | None:
        """How far the file has been read, by bytes."""
        if self._raw is None or self._raw.closed:
            return None
        return min(1.0, self._raw.tell() / self._size)

    def _text(self) -> TextIOWrapper:
        self._raw = self._path.open("rb")
        return TextIOWrapper(self._raw, encoding=self._encoding.name, errors=self._encoding.errors, newline="")

    def _broken(self, line: int, problem: csv.Error) -> Exception:
        if "field limit" in str(problem):
            return refused(
                Text(
                    "A cell near line %(line)s of %(name)s has more than %(most)s characters.",
                    line=f"{line:,}",
                    name=self._path.name,
                    most=f"{LONGEST_CELL:,}",
                ),
                Text("Look for a quotation mark that is never closed."),
            )
        return refused(
            Text(
                "%(name)s can't be read near line %(line)s: %(reason)s.",
                name=self._path.name,
                line=f"{line:,}",
                reason=str(problem),
            ),
            Text("Save it again as csv."),
        )


def sniff(sample: str) -> Dialect | None:
    """Tell the delimiter from the first lines; None if there is only one column, and it isn't known."""
    first, _, rest = sample.lstrip("\ufeff").partition("\n")
    if first.lower().startswith("sep=") and len(first.strip("\r")) == 5:  # noqa: PLR2004 -- "sep=;"
        return Dialect(first[4], _escape(rest), skip=1)
    escape = _escape(sample)
    best, chosen = (0.0, 0), ""
    for delimiter in DELIMITERS:
        if (merit := _merit(sample, delimiter, escape)) > best:
            best, chosen = merit, delimiter
    if chosen:
        return Dialect(chosen, escape)
    return Dialect(",", escape) if claims_of(first.strip().strip('"')) else None


def _escape(sample: str) -> str | None:
    """The backslash, where it is what protects quotation marks."""
    return "\\" if '\\"' in sample and '""' not in sample else None


def _merit(sample: str, delimiter: str, escape: str | None) -> tuple[float, int]:
    """How well a delimiter explains the sample: the share of rows that are equally wide, and how wide."""
    try:
        reader = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter, escapechar=escape)
        widths = Counter(len(row) for row in itertools.islice(reader, 200) if row)
    except csv.Error:
        return (0.0, 0)
    wide = {width: count for width, count in widths.items() if width > 1}
    if not wide:
        return (0.0, 0)
    width, count = max(wide.items(), key=lambda item: (item[1], item[0]))
    share = round(count / widths.total(), 1)
    return (share, width) if share >= REGULAR else (0.0, 0)
