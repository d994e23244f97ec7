"""Searching a person's own index (see :mod:`familychat.store.search_index`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from familychat.store.database import Database, Row
from familychat.store.search_index import index_name

CANDIDATES = 500
"""So many of the newest fitting messages are ranked; older ones come on later pages. It bounds the cost of words that
are in every other message."""

LONGEST_READ = 100_000
"""Characters of a message that are looked at for a snippet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for. ``match`` and ``without`` are FTS5 expressions of quoted words, ``title`` one for titles.

    ``parts`` and ``no_parts`` are texts that must, or must not, be somewhere in a message as they are: what FTS5 has
    no words for. ``below`` continues after a message's number.
    """

    match: str = ""
    without: str = ""
    title: str = ""
    parts: tuple[str, ...] = ()
    no_parts: tuple[str, ...] = ()
    author: str | None = None
    task: str | None = None
    model: str | None = None
    folder: str | None = None
    since: str | None = None
    until: str | None = None
    below: int | None = None

    @property
    def is_about_conversations(self) -> bool:
        """Whether something of the conversation itself is wanted."""
        return bool(self.title) or self.task is not None or self.folder is not None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that fits, by its number; 0 for a title. ``weight`` grows with how well (BM25 with its sign turned);
    0 where no words were asked for."""

    number: int
    conversation_id: str
    created_at: str
    weight: float


@dataclass(frozen=True, slots=True)
class Text:
    """A message as far as a snippet needs it."""

    number: int
    message_id: str
    author: str
    content: str


class SearchStore:
    """Reads of the full-text indexes; each call reads one person's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def messages(self, owner_id: str, wanted: Wanted) -> list[Candidate]:
        """The newest fitting messages, newest first, at most :data:`CANDIDATES`."""
        name = index_name(owner_id)
        tests, parameters = _tests(name, wanted)
        if wanted.match:
            # The index is read in the order of its rows, newest first, and no further than it takes; the rest of
            # what is read here stands in the index messages_number.
            source = f"{name} CROSS JOIN messages m ON m.number = {name}.rowid"
            tests = [f"{name} MATCH ?", f"{name}.rowid > 0", *tests]
            parameters = [wanted.match, *parameters]
            number, weight = f"{name}.rowid", f"-bm25({name})"
        else:
            source = "conversations mine CROSS JOIN messages m ON m.conversation_id = mine.id"
            tests = ["mine.owner_id = ?", "m.status <> 'streaming'", *tests]
            parameters = [owner_id, *parameters]
            number, weight = "m.number", "0.0"
        if wanted.is_about_conversations:
            source += " CROSS JOIN conversations c ON c.id = m.conversation_id"
        if wanted.below is not None:
            tests.append(f"{number} < ?")
            parameters.append(wanted.below)
        tests.append(
            "m.conversation_id NOT IN (SELECT id FROM conversations WHERE owner_id = ? AND deleted_at IS NOT NULL)"
        )
        rows = self._database.rows(
            f"SELECT {number} AS number, m.conversation_id, m.created_at, {weight} AS weight "  # noqa: S608 -- all ours
            f"FROM {source} WHERE {' AND '.join(tests)} ORDER BY {number} DESC LIMIT ?",
            [*parameters, owner_id, CANDIDATES],
        )
        return [_candidate(row) for row in rows]

    def titles(self, owner_id: str, wanted: Wanted) -> list[Candidate]:
        """The newest conversations with all that is wanted in their titles."""
        name = index_name(owner_id)
        tests, parameters = _conversation_tests(wanted)
        tests = ["c.deleted_at IS NULL", *tests, *["instr(c.title, ?)"] * len(wanted.parts)]
        parameters += wanted.parts
        if wanted.match:
            source = f"{name} CROSS JOIN conversations c ON c.number = -{name}.rowid"
            tests = [f"{name} MATCH ?", f"{name}.rowid < 0", *tests]
            parameters = [f"title : ({wanted.match})", *parameters]
            weight, order = f"-bm25({name})", f"{name}.rowid"
        else:
            source, weight, order = "conversations c", "1.0", "c.number DESC"
            tests = ["c.owner_id = ?", *tests]
            parameters = [owner_id, *parameters]
        rows = self._database.rows(
            f"SELECT 0 AS number, c.id AS conversation_id, c.last_message_at AS created_at, "  # noqa: S608 -- all ours
            f"{weight} AS weight FROM {source} WHERE {' AND '.join(tests)} ORDER BY {order} LIMIT ?",
            [*parameters, CANDIDATES],
        )
        return [_candidate(row) for row in rows]

    def texts(self, numbers: list[int]) -> dict[int, Text]:
        """These messages, by their numbers."""
        marks = ", ".join("?" for _ in numbers)
        rows = self._database.rows(
            "SELECT number, id, author, substr(content, 1, ?) AS content "  # noqa: S608 -- marks only
            f"FROM messages WHERE number IN ({marks})",
            [LONGEST_READ, *numbers],
        )
        return {row["number"]: Text(row["number"], row["id"], row["author"], row["content"]) for row in rows}

    def beginning(self, message_id: str) -> str:
        """The text of a message, as far as it is shown."""
        row = self._database.row(
            "SELECT substr(content, 1, ?) AS content FROM messages WHERE id = ?", [LONGEST_READ, message_id]
        )
        return row["content"] if row else ""


def _candidate(row: Row) -> Candidate:
    return Candidate(row["number"], row["conversation_id"], row["created_at"], row["weight"])


def _conversation_tests(wanted: Wanted) -> tuple[list[str], list[Any]]:
    """What a conversation ``c`` must pass."""
    said = {"c.task = ?": wanted.task, "c.folder = ?": wanted.folder}
    tests = [test for test, value in said.items() if value is not None]
    return tests, [value for value in said.values() if value is not None]


def _tests(name: str, wanted: Wanted) -> tuple[list[str], list[Any]]:
    """What a message ``m`` in a conversation ``c`` must pass besides the words."""
    tests, parameters = _conversation_tests(wanted)
    tested: list[tuple[str, Any]] = [
        ("m.author = ?", wanted.author),
        ("m.model = ?", wanted.model),
        ("m.created_at >= ?", wanted.since),
        ("m.created_at < ?", wanted.until),
        *(("instr(m.content, ?)", part) for part in wanted.parts),
        *(("NOT instr(m.content, ?)", part) for part in wanted.no_parts),
        (f"m.number NOT IN (SELECT rowid FROM {name} WHERE {name} MATCH ?)", wanted.without or None),  # noqa: S608
        (f"c.number IN (SELECT -rowid FROM {name} WHERE {name} MATCH ? AND rowid < 0)", wanted.title or None),  # noqa: S608
    ]
    said = [(test, value) for test, value in tested if value is not None]
    return tests + [test for test, _ in said], parameters + [value for _, value in said]
