"""What the formats for people show: the shown path, who said it and when, without what could steer a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from familychat.clock import to_the_minute
from familychat.documents import ConversationDocument, MessageDocument
from familychat.models import Author, Status

FEW_ROWS = 3
"""Up to so many rows are in the answer's sentence anyway."""

_NOTES = {Status.STOPPED: "stopped", Status.PARTIAL: "cut off", Status.FAILED: "no answer", Status.STREAMING: "cut off"}
_KEPT = {"\n", "\t"}
_UNSEEN = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in _KEPT}
# Marks that turn the direction of text: they could make one thing look like another.
_UNSEEN |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that came with an answer; every cell is text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One message. ``at`` is its time for people; ``note`` says how it ended, if oddly."""

    who: str
    by_person: bool
    at: str
    timestamp: str
    text: str
    note: str
    table: Table | None


def shown_messages(document: ConversationDocument) -> list[Shown]:
    """The shown path, oldest first."""
    return [_shown(message) for message in document.path()]


def _shown(message: MessageDocument) -> Shown:
    by_person = message.author is Author.USER
    return Shown(
        who="You" if by_person else readable(message.model or "") or "Answer",
        by_person=by_person,
        at=local_time(message.created_at),
        timestamp=message.created_at,
        text=readable(message.content).strip("\n"),
        note=note_of(message),
        table=_table(message.details),
    )


def note_of(message: MessageDocument) -> str:
    """How a message ended, unless it ended well, with its error."""
    note = _NOTES.get(message.status, "")
    return f"{note}: {line(message.error)}" if note and message.error else note


def about(document: ConversationDocument) -> str:
    """When it was, and what it was about besides its title, in a line."""
    words = [local_time(document.created_at)]
    if document.folder:
        words.append(line(document.folder))
    if document.task != "general":
        words.append(line(document.task))
    return " · ".join(words)


def title_of(document: ConversationDocument) -> str:
    return line(document.title) or "Conversation"


def readable(text: str) -> str:
    """The text with plain line ends and without control characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSEEN)


def line(text: str) -> str:
    """The same on one line."""
    return " ".join(readable(text).split())


def local_time(timestamp: str) -> str:
    """A stored time by the computer's own clock, to the minute."""
    try:
        return to_the_minute(timestamp, None)
    except (ValueError, OverflowError):  # the year 1, from an import
        return timestamp


def _table(details: dict[str, Any]) -> Table | None:
    """What a task kept as columns and rows, if there are many; details may hold anything."""
    columns, rows = details.get("columns"), details.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list) or len(rows) <= FEW_ROWS:
        return None
    if not columns or not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return None
    return Table(_cells(columns), tuple(_cells(row) for row in rows))


def _cells(row: list[Any]) -> tuple[str, ...]:
    return tuple("" if cell is None else line(str(cell)) for cell in row)
