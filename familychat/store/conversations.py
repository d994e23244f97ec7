"""Conversations, always looked up through their owner."""

from __future__ import annotations

from typing import Any

from familychat.clock import new_id
from familychat.errors import InvalidInputError, NotFoundError
from familychat.models import Conversation, Parameters
from familychat.store.database import Database, Row

_COLUMNS = (
    "id, owner_id, title, task, model, temperature, top_p, max_tokens, system_prompt, "
    "created_at, last_message_at, deleted_at, head_id"
)
_CHANGEABLE = frozenset({"title", "model", "temperature", "top_p", "max_tokens", "system_prompt"})
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
    )


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
        parameters = parameters or Parameters()
        conversation = Conversation(
            id=new_id(),
            owner_id=owner_id,
            title=title,
            task=task,
            model=model,
            parameters=parameters,
            system_prompt=system_prompt,
            created_at=at,
            last_message_at=at,
            deleted_at=None,
            head_id=None,
        )
        self._database.insert(
            "conversations",
            {
                "id": conversation.id,
                "owner_id": owner_id,
                "title": title,
                "task": task,
                "model": model,
                "temperature": parameters.temperature,
                "top_p": parameters.top_p,
                "max_tokens": parameters.max_tokens,
                "system_prompt": system_prompt,
                "created_at": at,
                "last_message_at": at,
            },
        )
        return conversation

    def get(self, owner_id: str, conversation_id: str) -> Conversation:
        """Raises :class:`NotFoundError` if the person has no such conversation."""
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM conversations WHERE id = ? AND owner_id = ?",  # noqa: S608
            [conversation_id, owner_id],
        )
        if row is None:
            raise NotFoundError("You have no such conversation.", "familychat conversations list shows yours.")
        return _conversation(row)

    def newest(self, owner_id: str, limit: int, *, before: Conversation | None = None) -> list[Conversation]:
        """The person's conversations by last message, newest first; ``before`` continues a page after that one."""
        where = "owner_id = ? AND deleted_at IS NULL"
        parameters: list[Any] = [owner_id]
        if before is not None:
            where += " AND (last_message_at, id) < (?, ?)"
            parameters += [before.last_message_at, before.id]
        return self._select(f"{where} ORDER BY last_message_at DESC, id DESC LIMIT ?", [*parameters, limit])

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
                    f"Several of your conversations are called {reference}.", f"Give the id: {ids}."
                )
        raise NotFoundError(
            f"You have no conversation {reference}.",
            "familychat trash list shows deleted ones." if deleted else "familychat conversations list shows yours.",
        )

    def _select(self, rest: str, parameters: list[Any] | dict[str, Any]) -> list[Conversation]:
        query = f"SELECT {_COLUMNS} FROM conversations WHERE {rest}"  # noqa: S608 -- rest is ours
        return [_conversation(row) for row in self._database.rows(query, parameters)]

    def update(self, owner_id: str, conversation_id: str, **values: Any) -> Conversation:
        """Change title, model, temperature, top_p, max_tokens or system_prompt; the order of the list stays."""
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
