"""From another program's messages to a document: what every format needs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from familychat.clock import new_id, timestamp
from familychat.documents import LONGEST_TITLE, ConversationDocument, MessageDocument
from familychat.errors import InvalidInputError
from familychat.models import Author, Parameters, Status, TitledBy

MILLISECONDS_FROM = 100_000_000_000
"""Numbers from here on are milliseconds since 1970; as seconds they would be in the year 5138."""


@dataclass(frozen=True, slots=True)
class Node:
    """A message in another program's terms. ``author`` None: it isn't kept, and what follows it moves up."""

    key: str
    parent: str | None
    author: Author | None
    content: str = ""
    reasoning: str = ""
    model: str | None = None
    at: str | None = None
    status: Status = Status.COMPLETE


@dataclass(frozen=True, slots=True)
class Whole:
    """A conversation in another program's terms; ``current`` ends the path that it shows."""

    origin: str
    title: str
    nodes: Iterable[Node]
    current: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    folder: str | None = None
    pinned: bool = False
    archived: bool = False


def document(whole: Whole, changed: str) -> ConversationDocument:
    """The document, under ids of our own. ``changed`` stands in for times that are missing.

    Raises :class:`InvalidInputError` if messages come twice or follow each other in a circle, or if there are none.
    """
    kept = _kept(list(whole.nodes))
    if not kept:
        raise InvalidInputError("It has no messages.")
    times = [node.at for node in kept if node.at]
    created = whole.created_at or (min(times) if times else changed)
    last = max([*times, whole.updated_at or created])
    ids = {node.key: new_id() for node in kept}
    head = whole.current if whole.current in ids else kept[-1].key
    shown: dict[str, str] = {}
    parents = {node.key: node.parent for node in kept}
    at: str | None = head
    while at is not None:
        before = parents[at]
        if before is not None:
            shown[before] = ids[at]
        at = before
    return ConversationDocument(
        id=new_id(),
        title=titled(whole.title),
        titled_by=TitledBy.PERSON,
        task="general",
        created_at=created,
        last_message_at=last,
        head=ids[head],
        model=whole.model,
        parameters=whole.parameters,
        system_prompt=whole.system_prompt or None,
        folder=whole.folder,
        pinned=whole.pinned,
        archived_at=last if whole.archived else None,
        origin=whole.origin,
        messages=[
            MessageDocument(
                id=ids[node.key],
                parent=None if node.parent is None else ids[node.parent],
                author=node.author or Author.USER,
                content=node.content,
                status=node.status,
                created_at=node.at or created,
                reasoning=node.reasoning,
                model=node.model,
                shown=shown.get(node.key),
            )
            for node in kept
        ],
    )


def _kept(nodes: list[Node]) -> list[Node]:
    """The nodes to keep, parents first, each after the nearest kept one before it."""
    by_key: dict[str, Node] = {}
    for node in nodes:
        if node.key in by_key:
            raise InvalidInputError("Two of its messages have the same id.")
        by_key[node.key] = node
    kept_before: dict[str, str | None] = {}
    thoughts: dict[str, str] = {}
    ordered: list[Node] = []
    for node in nodes:
        waiting: dict[str, Node] = {}
        at: Node | None = node
        while at is not None and at.key not in kept_before:
            if at.key in waiting:
                raise InvalidInputError("Its messages follow each other in a circle.")
            waiting[at.key] = at
            at = by_key.get(at.parent) if at.parent is not None else None
        for one in reversed(waiting.values()):
            parent = one.parent if one.parent in by_key else None
            before = kept_before[parent] if parent is not None else None
            thought = "\n\n".join(filter(None, [thoughts.get(parent or "", ""), one.reasoning]))
            if one.author is None or not (one.content or one.reasoning):
                kept_before[one.key] = before
                thoughts[one.key] = thought
            else:
                kept_before[one.key] = one.key
                ordered.append(replace(one, parent=before, reasoning=thought if one.author is Author.ASSISTANT else ""))
    return ordered


def text_of(value: Any) -> str:
    """Text that can be stored, whatever is there; half characters become question marks."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def name_of(value: Any) -> str | None:
    """A model's or folder's name."""
    return text_of(value).strip()[:200] or None


def titled(value: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in value).split())
    return line[:LONGEST_TITLE] or "Without a title"


def moment(value: Any) -> str | None:
    """A time as other programs write it: seconds or milliseconds since 1970, or ISO 8601; None if it is none."""
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, (int, float)):
            if not math.isfinite(value):
                return None
            seconds = value / 1000 if abs(value) >= MILLISECONDS_FROM else value
            return timestamp(datetime.fromtimestamp(seconds, UTC))
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return timestamp(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError, OSError):
        return None
    return None


def digest(*parts: str) -> str:
    """A short name for what has none of its own: the same for the same parts."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or of an object's values; nothing of anything else."""
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [one for one in values if isinstance(one, dict)]


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}
