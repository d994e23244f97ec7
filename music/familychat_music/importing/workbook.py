"""Workbooks: xlsx, xlsb, xls and ods, read by a process that can be ended at any moment."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as day_time
from pathlib import Path
from typing import IO, Any

import msgspec

from familychat.errors import ImportRefusedError
from familychat.wording import Text
from familychat_music.importing.cells import Batch, Grid, Span
from familychat_music.importing.layout import music_likeness
from familychat_music.importing.reader import DATE, TIME, Refusal
from familychat_music.importing.refusals import listed, refused

READING_SECONDS = 3.8
"""From the first look at a workbook to its last row; with the indexes after it, an import stays below five."""
READING_MEMORY = 200 << 20
"""Bytes of address space of the reading process. A hundred thousand rows of ten columns take about 110 MB."""
MAX_FRAME = 64 << 20

_SMALLER = Text("Keep only the sheet with the songs, or save it as csv: that may be of any size.")
_TOO_LARGE = {
    "large": Text("it has more than %(most)s MB"),
    "unpacked": Text("it unpacks to more than %(most)s MB"),
    "packed": Text("it is packed so tightly that it can't be a list"),
    "memory": Text("it needs too much memory"),
}
"""By the reader's code for it."""


@dataclass(slots=True)
class Deadline:
    """Ends a process when its time is up, and says whether it did."""

    process: subprocess.Popen[bytes]
    seconds: float
    passed: bool = False

    def start(self) -> threading.Timer:
        timer = threading.Timer(max(0.01, self.seconds), self._end)
        timer.daemon = True
        timer.start()
        return timer

    def _end(self) -> None:
        self.passed = True
        self.process.kill()


class WorkbookSource:
    """One worksheet of a workbook: the one that was named, else the one that looks most like a music list."""

    def __init__(self, path: Path, sheet: str | None) -> None:
        self._path = path
        self._sheet = sheet
        self._until = time.monotonic() + READING_SECONDS
        self._height = self._read = 0
        self._first: Iterator[Any] | None = None

    def open(self) -> Grid:
        """Start reading, and choose the worksheet."""
        frames = self._frames()
        kind, self._sheet, about = next(frames)
        self._height = about["height"]
        notes: list[str] = []
        if about["formulas"]:
            notes.append(
                Text(
                    "%(count)s formulas had no saved value, so their cells are empty. Open the file in your "
                    "spreadsheet program and save it to have them.",
                    count=f"{about['formulas']:,}",
                )
            )
        self._first = frames
        merged = tuple(Span(*span) for span in about["merged"])
        first = about["first_column"]
        merged = tuple(Span(s.top, s.left - first, s.bottom, s.right - first) for s in merged if s.left >= first)
        return Grid(kind, self._sheet, first, merged, notes)

    def batches(self) -> Generator[Batch, None, None]:
        """The rows of the worksheet; the reading that ``open`` began goes on, later calls begin anew."""
        frames, self._first = self._first, None
        if frames is None:
            frames = self._frames()
            next(frames)
        self._read = 0
        for batch in frames:
            self._read += len(batch)
            yield batch

    def fraction(self) -> float | None:
        """How many of the worksheet's rows have been read."""
        return min(1.0, self._read / self._height) if self._height else None

    def _frames(self) -> Iterator[Any]:
        """Run the reader: first the kind, the worksheet's name and what is known about it, then its batches."""
        command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("reader.py"))]
        arguments = [
            json.dumps([folder for folder in sys.path if folder]),
            str(self._path.absolute()),
            self._sheet or "",
            str(READING_MEMORY),
        ]
        with subprocess.Popen(  # noqa: S603 -- our own script; the path is one argument
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            deadline = Deadline(process, self._until - time.monotonic())
            timer = deadline.start()
            try:
                yield from self._conversation(process, deadline)
            finally:
                timer.cancel()
                process.kill()

    def _conversation(self, process: subprocess.Popen[bytes], deadline: Deadline) -> Iterator[Any]:
        opening = self._frame(process, deadline)
        sheet = _most_musical(opening["peeks"])
        assert process.stdin is not None  # noqa: S101 -- for the type checker: it is a pipe
        try:
            process.stdin.write(json.dumps(sheet).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise self._died(process, deadline) from None
        yield opening["kind"], sheet, self._frame(process, deadline)
        while batch := self._frame(process, deadline):
            yield batch

    def _frame(self, process: subprocess.Popen[bytes], deadline: Deadline) -> Any:
        assert process.stdout is not None  # noqa: S101
        size = int.from_bytes(_exactly(process.stdout, 4), "big")
        content = _exactly(process.stdout, size) if 0 < size <= MAX_FRAME else b""
        if not content:
            raise self._died(process, deadline)
        message = _DECODER.decode(content)
        if isinstance(message, dict) and "refused" in message:
            raise self._refusal(Refusal(message["refused"], message["detail"]))
        return message

    def _died(self, process: subprocess.Popen[bytes], deadline: Deadline) -> ImportRefusedError:
        """Why the reader stopped in the middle."""
        if deadline.passed:
            return refused(Text("%(name)s takes too long to read.", name=self._path.name), _SMALLER)
        process.kill()
        if process.wait() in {1, -signal.SIGSEGV}:
            return self._refusal(Refusal("damaged"))
        return self._refusal(Refusal("memory"))

    def _refusal(self, refusal: Refusal) -> ImportRefusedError:
        name = self._path.name
        if refusal.code == "sheet":
            sheets = listed(refusal.detail.split("\n"))
            return refused(
                Text('%(name)s has no worksheet "%(sheet)s".', name=name, sheet=self._sheet),
                Text("Its worksheets are: %(sheets)s.", sheets=sheets),
            )
        if refusal.code in _TOO_LARGE:
            reason = Text(_TOO_LARGE[refusal.code], most=refusal.detail)
            return refused(
                Text("%(name)s is too large to be read safely: %(reason)s.", name=name, reason=reason), _SMALLER
            )
        if refusal.code == "cell":
            return refused(
                Text("%(name)s has a cell in row %(row)s that is far too long.", name=name, row=refusal.detail),
                Text("Shorten that cell."),
            )
        if refusal.code == "password":
            return refused(
                Text("%(name)s is protected with a password.", name=name),
                Text("Save a copy without the password, and import that."),
            )
        if refusal.code == "other":
            return refused(
                Text("%(name)s is an archive or an office document, but not a spreadsheet.", name=name),
                Text("Choose the spreadsheet with your music list, or save it as xlsx or csv."),
            )
        return refused(
            Text("%(name)s is damaged, or not a workbook.", name=name),
            Text("Open it in your spreadsheet program and save it again."),
        )


def _most_musical(peeks: list[list[Any]]) -> str:
    """The worksheet that looks most like a music list; of equals the longest, then the first."""
    if not peeks:
        raise refused(Text("The workbook has no worksheet."), Text("Choose a file with a list of songs."))
    best = max(range(len(peeks)), key=lambda at: (music_likeness(peeks[at][1]), peeks[at][2] > 1, -at))
    return str(peeks[best][0])


def _exactly(stream: IO[bytes], size: int) -> bytes:
    """So many bytes, or none if the stream ends before."""
    content = stream.read(size)
    return content if len(content) == size else b""


def _from_extension(code: int, data: memoryview) -> date | day_time | timedelta:
    text = bytes(data).decode()
    if code == DATE:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    return day_time.fromisoformat(text) if code == TIME else timedelta(seconds=float(text))


_DECODER = msgspec.msgpack.Decoder(ext_hook=_from_extension)
