"""Conversations, always looked up through their owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from familychat.clock import new_id
from familychat.errors import InvalidInputError, NotFoundError
from familychat.models import Conversation, Parameters, TitledBy
from familychat.store.database import Database, Row
from familychat.store.search_index import learn
from familychat.wording import Text

_COLUMNS = (
    "id, owner_id, title, task, model, temperature, top_p, max_tokens, system_prompt, "
    "created_at, last_message_at, deleted_at, head_id, folder, pinned, archived_at, titled_by, origin"
)
_MARKS = ", ".join("?" for _ in range(_COLUMNS.count(",") + 2))
_CHANGEABLE = frozenset({
    "title", "titled_by", "task", "model", "temperature", "top_p", "max_tokens", "system_prompt", "folder", "pinned",
    "archived_at", "head_id",
})  # fmt: skip
MIN_REFERENCE = 4
ID_LENGTH = 36


def _conversation(row: Row) -> Conversation:
    return Conversation(
        id=row["id"],
        owner_id=row["owner_id"],
        title=row["title"],
        task=row["task"],
        model=row["model"],
        parameters=Parameters(row["temperature"], row["top_p"], row["max_tokens"]),
        system_prompt=row["system_prompt"],
        created_at=row["created_at"],
        last_message_at=row["last_message_at"],
        deleted_at=row["deleted_at"],
        head_id=row["head_id"],
        folder=row["folder"],
        pinned=bool(row["pinned"]),
        archived_at=row["archived_at"],
        titled_by=TitledBy(row["titled_by"]),
        origin=row["origin"],
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which conversations are meant; None means that it doesn't matter. Times are UTC, ``until`` is exclusive.

    ``title`` are words somewhere in it, whatever their case. What is in the trash is never meant.
    """

    archived: bool | None = False
    pinned: bool | None = None
    folder: str | None = None
    task: str | None = None
    model: str | None = None
    title: str | None = None
    since: str | None = None
    until: str | None = None


ANY = Chosen()
EVERY = Chosen(archived=None)


def _where(owner_id: str, chosen: Chosen) -> tuple[str, list[Any]]:
    tests: list[tuple[str, Any]] = [
        ("owner_id = ?", owner_id),
        ("folder = ?", chosen.folder),
        ("task = ?", chosen.task),
        ("model = ?", chosen.model),
        ("instr(casefold(title), ?)", chosen.title and chosen.title.casefold()),
        ("last_message_at >= ?", chosen.since),
        ("last_message_at < ?", chosen.until),
        ("pinned = ?", None if chosen.pinned is None else int(chosen.pinned)),
    ]
    said = [(test, value) for test, value in tests if value is not None]
    where = ["deleted_at IS NULL", *(test for test, _ in said)]
    if chosen.archived is not None:
        where.append("archived_at IS NOT NULL" if chosen.archived else "archived_at IS NULL")
    return " AND ".join(where), [value for _, value in said]


class ConversationStore:
    """Rows of ``conversations``. Every method takes the owner; somebody else's look like none at all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        owner_id: str,
        at: str,
        *,
        title: str,
        task: str,
        model: str | None = None,
        parameters: Parameters | None = None,
        system_prompt: str | None = None,
    ) -> Conversation:
        return self.put(
            Conversation(
                id=new_id(),
                owner_id=owner_id,
                title=title,
                task=task,
                model=model,
                parameters=parameters or Parameters(),
                system_prompt=system_prompt,
                created_at=at,
                last_message_at=at,
                deleted_at=None,
                head_id=None,
            )
        )

    def put(self, conversation: Conversation) -> Conversation:
        """Add a conversation as it is."""
        self.put_all([conversation])
        return conversation

    def put_all(self, conversations: Sequence[Conversation]) -> None:
        """Add conversations of one person as they are, such as imported ones."""
        with self._database.transaction():
            row = self._database.row("SELECT coalesce(max(number), 0) + 1 AS next FROM conversations")
            first = row["next"] if row else 1
            self._database.execute_many(
                f"INSERT INTO conversations (number, {_COLUMNS}) VALUES ({_MARKS})",  # noqa: S608
                (
                    (
                        first + place, conversation.id, conversation.owner_id, conversation.title, conversation.task,
                        conversation.model, conversation.parameters.temperature, conversation.parameters.top_p,
                        conversation.parameters.max_tokens, conversation.system_prompt, conversation.created_at,
                        conversation.last_message_at, conversation.deleted_at, conversation.head_id,
                        conversation.folder, int(conversation.pinned), conversation.archived_at,
                        conversation.titled_by.value, conversation.origin,
                    )
                    for place, conversation in enumerate(conversations)
                ),
            )  # fmt: skip
            titles = [(-(first + place), conversation.title, "") for place, conversation in enumerate(conversations)]
            learn(self._database.execute_many, conversations[0].owner_id, reversed(titles))

    def known(self, owner_id: str, conversation_id: str, origin: str | None) -> Conversation | None:
        """The person's conversation of this id or origin, also in the trash."""
        rows = self._select("owner_id = ? AND (id = ? OR origin = ?) LIMIT 1", [owner_id, conversation_id, origin])
        return rows[0] if rows else None

    def is_taken(self, conversation_id: str) -> bool:
        """Whether anybody has a conversation of this id."""
        return self._database.row("SELECT 1 FROM conversations WHERE id = ?", [conversation_id]) is not None

    def get(self, owner_id: str, conversation_id: str) -> Conversation:
        """Raises :class:`NotFoundError` if the person has no such conversation."""
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM conversations WHERE id = ? AND owner_id = ?",  # noqa: S608
            [conversation_id, owner_id],
        )
        if row is None:
            raise NotFoundError("You have no such conversation.", "familychat conversations list shows yours.")
        return _conversation(row)

    def newest(
        self, owner_id: str, limit: int, *, before: Conversation | None = None, chosen: Chosen = ANY
    ) -> list[Conversation]:
        """The person's conversations, pinned ones first, then by last message, newest first.

        ``before`` continues a page after that one.
        """
        where, parameters = _where(owner_id, chosen)
        if before is not None:
            where += " AND (pinned, last_message_at, id) < (?, ?, ?)"
            parameters += [int(before.pinned), before.last_message_at, before.id]
        order = "ORDER BY pinned DESC, last_message_at DESC, id DESC LIMIT ?"
        return self._select(f"{where} {order}", [*parameters, limit])

    def last_spoken(self, owner_id: str) -> Conversation | None:
        """The conversation that was last talked in, whatever is pinned."""
        rows = self._select(
            "owner_id = ? AND deleted_at IS NULL ORDER BY last_message_at DESC, id DESC LIMIT 1", [owner_id]
        )
        return rows[0] if rows else None

    def chosen(self, owner_id: str, chosen: Chosen) -> list[Conversation]:
        """All of the person's conversations that a filter is for, oldest first."""
        where, parameters = _where(owner_id, chosen)
        return self._select(f"{where} ORDER BY number", parameters)

    def folders(self, owner_id: str) -> dict[str, int]:
        """The person's folders, by name, and how many conversations each holds."""
        rows = self._database.rows(
            "SELECT folder, count(*) AS n FROM conversations "
            "WHERE owner_id = ? AND folder IS NOT NULL AND deleted_at IS NULL GROUP BY folder ORDER BY folder",
            [owner_id],
        )
        return {row["folder"]: row["n"] for row in rows}

    def outlived(self, owner_id: str, before: str) -> list[Conversation]:
        """What nobody has talked in since ``before``, pinned ones excepted."""
        return self._select(
            "owner_id = ? AND deleted_at IS NULL AND pinned = 0 AND last_message_at < ? ORDER BY last_message_at",
            [owner_id, before],
        )

    def purge(self, before: str) -> int:
        """Delete for good what was moved to anybody's trash before that time; returns how many conversations."""
        if self._database.row("SELECT 1 FROM conversations WHERE deleted_at < ? LIMIT 1", [before]) is None:
            return 0  # without waiting for whoever is writing
        return self._database.execute("DELETE FROM conversations WHERE deleted_at < ?", [before])

    def trash(self, owner_id: str) -> list[Conversation]:
        """What the person has deleted, latest first."""
        return self._select("owner_id = ? AND deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC", [owner_id])

    def find(self, owner_id: str, reference: str, *, deleted: bool = False) -> Conversation:
        """A conversation by what a person would type: its id, the id's end (from four characters), or its title.

        Raises :class:`NotFoundError` if none fits and :class:`InvalidInputError` if several do.
        """
        reference = reference.strip()
        if not reference:
            raise InvalidInputError("Which conversation?", "Give its id or some words of its title.")
        state = "deleted_at IS NOT NULL" if deleted else "deleted_at IS NULL"
        attempts = ["casefold(title) = :folded", "instr(casefold(title), :folded)"]
        if MIN_REFERENCE <= len(reference) <= ID_LENGTH:
            attempts.insert(0, "substr(id, -length(:text)) = lower(:text)")
        parameters = {"text": reference, "folded": reference.casefold(), "owner": owner_id}
        for where in attempts:
            fitting = self._select(
                f"{where} AND owner_id = :owner AND {state} ORDER BY last_message_at DESC LIMIT 9", parameters
            )
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                ids = ", ".join(f"{found.short_id} ({found.title[:30]})" for found in fitting[:3])
                raise InvalidInputError(
                    Text("Several of your conversations are called %(reference)s.", reference=reference),
                    Text("Give the id: %(ids)s.", ids=ids),
                )
        raise NotFoundError(
            Text("You have no conversation %(reference)s.", reference=reference),
            "familychat trash list shows deleted ones." if deleted else "familychat conversations list shows yours.",
        )

    def _select(self, rest: str, parameters: list[Any] | dict[str, Any]) -> list[Conversation]:
        query = f"SELECT {_COLUMNS} FROM conversations WHERE {rest}"  # noqa: S608 -- rest is ours
        return [_conversation(row) for row in self._database.rows(query, parameters)]

    def update(self, owner_id: str, conversation_id: str, **values: Any) -> Conversation:
        """Change what may be changed; the order of the list stays."""
        unknown = values.keys() - _CHANGEABLE
        if unknown:
            raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
        columns = ", ".join(f"{name} = ?" for name in values)
        self._database.execute(
            f"UPDATE conversations SET {columns} WHERE id = ? AND owner_id = ?",  # noqa: S608
            [*values.values(), conversation_id, owner_id],
        )
        return self.get(owner_id, conversation_id)

    def set_deleted(self, owner_id: str, conversation_id: str, at: str | None) -> None:
        """Move to the trash (a time) or back (None)."""
        self._database.execute(
            "UPDATE conversations SET deleted_at = ? WHERE id = ? AND owner_id = ?",
            [at, conversation_id, owner_id],
        )

    def empty_trash(self, owner_id: str) -> int:
        """Delete what is in the person's trash for good; returns how many conversations."""
        return self._database.execute(
            "DELETE FROM conversations WHERE owner_id = ? AND deleted_at IS NOT NULL", [owner_id]
        )

    def count(self, owner_id: str) -> int:
        row = self._database.row("SELECT count(*) AS n FROM conversations WHERE owner_id = ?", [owner_id])
        return int(row["n"]) if row else 0
