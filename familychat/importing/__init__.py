"""Conversations from elsewhere: other programs' exports, read into documents and added as a person's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from familychat.conversations import Conversations
from familychat.documents import ConversationDocument
from familychat.errors import ImportRefusedError, InvalidInputError
from familychat.importing.formats import Found, Unreadable, conversations_in
from familychat.importing.reading import files_in
from familychat.models import User

TOGETHER = 50
"""So many conversations are stored at once: a sync for each would take most of the time."""

MOST_NAMED = 20

Progress = Callable[[str, int], None]
"""Told the file's name and how many conversations of it were looked at."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A conversation that was left out, and why."""

    name: str
    why: str


@dataclass(slots=True)
class Report:
    """What became of one file. ``refused`` says why nothing of it could be read."""

    file: str
    format: str = ""
    added: int = 0
    here: int = 0
    left_out: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    refused: str = ""

    def skip(self, name: str, why: str) -> None:
        self.left_out += 1
        if len(self.skipped) < MOST_NAMED:
            self.skipped.append(Skipped(name, why))


def bring_in_all(
    conversations: Conversations,
    user: User,
    source: Path,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Iterator[Report]:
    """Add every conversation in a file, a zip or a folder; a report for each file that has some, or should have.

    What doesn't hold together is left out and named; the rest comes in. Raises :class:`ImportRefusedError` if the
    source can't be read at all. The source is never changed.
    """
    files = 0
    for file in files_in(source):
        report = Report(file.name)
        try:
            found = conversations_in(file)
            if found is None:
                if file.alone:
                    raise ImportRefusedError(
                        f"{file.name} holds no conversations that familychat can read. Nothing was added.",
                        "It reads its own JSON and exports of ChatGPT, Claude, Open WebUI and LM Studio.",
                    )
                continue
            report.format = found.format
            _add(conversations, user, found, report, dry_run=dry_run, progress=progress)
        except ImportRefusedError as error:
            if file.alone:
                raise
            report.refused = error.message
        files += 1
        yield report
    if not files:
        raise ImportRefusedError(f"{source.name} holds no conversations. Nothing was added.", "Is it the right folder?")


def _add(
    conversations: Conversations, user: User, found: Found, report: Report, *, dry_run: bool, progress: Progress | None
) -> None:
    documents = iter(found.documents)
    looked_at = 0
    while some := list(islice(documents, TOGETHER)):
        with conversations.together():
            for document in some:
                if isinstance(document, Unreadable):
                    report.skip(document.name, document.why)
                else:
                    _add_one(conversations, user, document, report, dry_run=dry_run)
        looked_at += len(some)
        if progress is not None:
            progress(report.file, looked_at)


def _add_one(
    conversations: Conversations, user: User, document: ConversationDocument, report: Report, *, dry_run: bool
) -> None:
    try:
        if dry_run:
            added = not conversations.would_be_here(user, document)
        else:
            added = conversations.bring_in(user, document) is not None
    except InvalidInputError as error:
        report.skip(document.title or "without a title", error.message)
        return
    if added:
        report.added += 1
    else:
        report.here += 1


__all__ = ["Progress", "Report", "Skipped", "bring_in_all"]
