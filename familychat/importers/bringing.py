"""Bringing in what is in a file, an archive or a folder: each conversation once and whole, whatever the others are."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from familychat.conversations import Conversations
from familychat.documents import FORMAT, LONGEST_NAME, ConversationDocument, checked
from familychat.errors import ImportRefusedError, InvalidInputError
from familychat.importers import own
from familychat.importers.archive import DAMAGE
from familychat.importers.decoding import decoded
from familychat.importers.detect import FORMATS, Format, format_named, format_of, kind_of
from familychat.importers.limits import USUAL, Limits
from familychat.importers.pieces import Piece, pieces
from familychat.importers.reading import sources, total
from familychat.importers.report import Progress, Report
from familychat.importers.source import Source, Unread
from familychat.importers.values import Place, mapping, one_line, text
from familychat.models import User
from familychat.wording import Text

CHUNK = 1024 * 1024
TOGETHER_MESSAGES = 2_500
TOGETHER_BYTES = 4 * CHUNK
"""So much is written at once: each write waits for the disk. A kill loses what is being written, nothing else."""

TRIED = 50
"""When so many things in a file are no conversations and none is one, the rest isn't looked at."""

PROGRESS_SECONDS = 0.1
ACCOMPANYING = {
    "user.json", "users.json", "message_feedback.json", "model_comparisons.json", "shared_conversations.json",
    "projects.json", "memories.json", "user_settings.json", "export_manifest.json", "group_chats.json",
    "shopping.json", "sora.json",
}  # fmt: skip
"""What lies beside the conversations in the exports of others and never holds any."""

_OWN_START = re.compile(
    rb'\s*\{\s*"format"\s*:\s*"%s"\s*,\s*"version"\s*:\s*([0-9]{1,9})\s*,\s*"conversations"\s*:\s*\[' % FORMAT.encode()
)
NOT_OURS = Text("It is nothing that familychat knows how to read.")
HELP = Text("familychat import --help says what it reads.")


def bring_in(
    conversations: Conversations,
    user: User,
    path: Path,
    *,
    format_name: str | None = None,
    dry_run: bool = False,
    limits: Limits = USUAL,
    progress: Progress | None = None,
) -> Report:
    """Bring in every conversation of a file, a zip archive or a folder as ``user``'s own.

    The format is detected unless ``format_name`` (a key of :data:`familychat.importers.FORMATS`) says it. What is here
    already stays as it is, what can't be read is skipped and named in the report, and the files are only ever read.
    With ``dry_run`` nothing is stored. Raises :class:`ImportRefusedError` if the file as a whole can't be taken.
    """
    wanted = format_named(format_name) if format_name else None
    run = _Run(conversations, user, Report(os.fspath(path)), dry_run)
    shown = _Shown(run, progress, total(path) if progress else 0)
    for source in sources(path, limits):
        if isinstance(source, Unread):
            run.report.skip(source.inner, source.reason)
            continue
        try:
            _File(run, source, wanted, limits).read(shown)
        except ImportRefusedError as error:
            if not source.inner:
                raise
            if source.inner.replace("\\", "/").rpartition("/")[2].casefold() not in ACCOMPANYING:
                run.report.skip(source.inner, error.message)
    run.store()
    if not run.report.formats and not run.report.skipped_count:
        raise ImportRefusedError(Text("%(path)s holds no conversations that familychat can read.", path=path), HELP)
    return run.report


@dataclass(slots=True)
class _Run:
    """One import. Conversations wait in ``waiting`` until enough of them are worth a write."""

    conversations: Conversations
    user: User
    report: Report
    dry_run: bool
    waiting: list[tuple[str, ConversationDocument]] = field(default_factory=list)
    messages: int = 0
    bytes: int = 0
    seen: set[str] = field(default_factory=set)

    def add(self, name: str, document: ConversationDocument, size: int) -> None:
        """Store a conversation soon; it is skipped if it doesn't hold together."""
        if self.dry_run:
            self._pretend(name, document)
            return
        self.waiting.append((name, document))
        self.messages += len(document.messages)
        self.bytes += size
        if self.messages >= TOGETHER_MESSAGES or self.bytes >= TOGETHER_BYTES:
            self.store()

    def store(self) -> None:
        """Write what waits."""
        waiting, self.waiting, self.messages, self.bytes = self.waiting, [], 0, 0
        if not waiting:
            return
        outcomes = self.conversations.bring_in_all(self.user, [document for _, document in waiting])
        for (name, document), outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, InvalidInputError):
                self.report.skip(name, str(outcome))
            else:
                self._count(document, is_new=outcome is not None)

    def _pretend(self, name: str, document: ConversationDocument) -> None:
        try:
            checked(document)
        except InvalidInputError as error:
            self.report.skip(name, str(error))
            return
        known = document.origin or document.id
        self._count(document, is_new=known not in self.seen and not self.conversations.is_here(self.user, document))
        self.seen.add(known)

    def _count(self, document: ConversationDocument, *, is_new: bool) -> None:
        self.report.added += is_new
        self.report.messages += len(document.messages) * is_new
        self.report.already_here += not is_new


@dataclass(slots=True)
class _Shown:
    """Tells how far it is, not too often."""

    run: _Run
    progress: Progress | None
    total: int
    done: int = 0
    last: float = 0.0

    def tell(self, size: int) -> None:
        self.done += size
        if self.progress and time.monotonic() - self.last >= PROGRESS_SECONDS:
            self.last = time.monotonic()
            self.progress(self.done, self.total, self.run.report.added + self.run.report.already_here)


@dataclass(slots=True)
class _File:
    """One JSON file. What is wrong in it waits in ``problems`` until it is known to hold conversations at all."""

    run: _Run
    source: Source
    wanted: Format | None
    limits: Limits
    known: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)

    def read(self, shown: _Shown) -> None:
        """Raises :class:`ImportRefusedError` if there is no conversation in it that could be read."""
        for number, piece in enumerate(self._pieces(shown), 1):
            for at, value in enumerate(self._values(piece, f"number {number}")):
                self._take(value, f"number {number + at}", len(piece.raw))
            if not self.known and len(self.problems) >= TRIED:
                break
        if not self.known:
            why = self.problems[0][1] if self.problems else "It holds no conversations."
            raise self._refused(NOT_OURS if len(self.problems) > 1 else why)

    def _pieces(self, shown: _Shown) -> Iterator[Piece]:
        chunks, longest = _chunks(self.source, shown), self.limits.conversation_bytes
        start = next(chunks, b"").removeprefix(b"\xef\xbb\xbf")
        first = start.lstrip()
        if first[:1] not in {b"[", b"{"}:
            raise self._refused(
                Text("It is no JSON but %(kind)s.", kind=kind_of(first)) if first else Text("It is empty.")
            )
        ours = _OWN_START.match(start)
        if ours is None:
            return pieces(itertools.chain([start], chunks), base=int(first[:1] == b"["), longest=longest)
        try:
            own.check_version(int(ours[1]))
        except ImportRefusedError as error:
            raise self._refused(error.message) from error
        self._found(FORMATS["familychat"])
        return pieces(itertools.chain([start[ours.end() :]], chunks), base=2, depth=2, longest=longest)

    def _values(self, piece: Piece, name: str) -> Iterable[Any]:
        if piece.problem:
            self._problem(name, piece.problem)
            return []
        try:
            value = decoded(piece.raw)
        except InvalidInputError as error:
            self._problem(name, str(error))
            return []
        if not own.is_file(mapping(value)):
            return [value]
        try:
            return own.conversations(value)
        except ImportRefusedError as error:
            raise self._refused(error.message) from error

    def _take(self, value: Any, number: str, size: int) -> None:
        value = mapping(value)
        name = one_line(text(value.get("title")) or text(value.get("name")))[:LONGEST_NAME] or number
        found = self.wanted or format_of(value)
        if found is None or not found.fits(value):
            self._problem(name, NOT_OURS)
            return
        self._found(found)
        try:
            document = found.conversation(value, Place(self.source.name, self.source.modified_at))
        except (InvalidInputError, RecursionError) as error:
            self._problem(name, str(error))
        else:
            self.run.add(name, document, size)

    def _found(self, form: Format) -> None:
        self.known += 1
        self.run.report.found(form.title)
        for name, reason in self.problems:
            self.run.report.skip(self._named(name), reason)
        self.problems.clear()

    def _problem(self, name: str, reason: str) -> None:
        if self.known:
            self.run.report.skip(self._named(name), reason)
        else:
            self.problems.append((name, reason))

    def _named(self, name: str) -> str:
        return f"{self.source.inner}, {name}" if self.source.inner else name

    def _refused(self, why: str) -> ImportRefusedError:
        if self.source.inner:
            return ImportRefusedError(why)
        return ImportRefusedError(
            Text("%(path)s can't be brought in. %(reason)s", path=self.run.report.path, reason=why), HELP
        )


def _chunks(source: Source, shown: _Shown) -> Iterator[bytes]:
    """What is in the file, up to where it is damaged."""
    with contextlib.suppress(*DAMAGE):
        while chunk := source.file.read(CHUNK):
            shown.tell(len(chunk))
            yield chunk
