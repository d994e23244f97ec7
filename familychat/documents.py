"""A conversation as a document: everything in it, apart from whose it is. What exports write and imports read.

The JSON form is versioned and lossless: reading it and writing it again gives the same bytes. Its schema is in
``docs/reference/conversation-json.md``. Times are UTC, ISO 8601 with milliseconds; ids are opaque.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from familychat.clock import parse_timestamp, timestamp
from familychat.errors import InvalidInputError
from familychat.models import Author, Conversation, Message, Parameters, Status, TitledBy, Usage
from familychat.wording import Text

FORMAT = "familychat-conversations"
VERSION = 1
LONGEST_ID = 64
LONGEST_TITLE = 500
LONGEST_NAME = 200
"""Of tasks, models, folders and origins."""

LARGEST_COUNT = 2**63 - 1
"""What the store can hold."""


class MessageDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message. ``parent`` is the id of the one before it; ``shown`` that of the child that was shown last."""

    id: str
    parent: str | None
    author: Author
    content: str
    status: Status
    created_at: str
    reasoning: str = ""
    model: str | None = None
    usage: Usage = Usage()
    error: str | None = None
    details: dict[str, Any] = msgspec.field(default_factory=dict)
    shown: str | None = None


class ConversationDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole conversation, every version of every message, parents before children; ``head`` ends the shown path."""

    id: str
    title: str
    task: str
    created_at: str
    last_message_at: str
    messages: list[MessageDocument]
    head: str | None
    titled_by: TitledBy = TitledBy.WORDS
    model: str | None = None
    parameters: Parameters = Parameters()
    system_prompt: str | None = None
    folder: str | None = None
    pinned: bool = False
    archived_at: str | None = None
    origin: str | None = None

    def path(self) -> list[MessageDocument]:
        """The shown path, oldest first."""
        by_id = {message.id: message for message in self.messages}
        path = []
        at = self.head
        while at is not None:
            message = by_id[at]
            path.append(message)
            at = message.parent
        return path[::-1]


def document_of(conversation: Conversation, messages: Iterable[tuple[Message, str | None]]) -> ConversationDocument:
    """The document of a stored conversation; each message comes with the child that was shown last."""
    return ConversationDocument(
        id=conversation.id,
        title=conversation.title,
        task=conversation.task,
        created_at=conversation.created_at,
        last_message_at=conversation.last_message_at,
        messages=[_message_document(message, shown) for message, shown in messages],
        head=conversation.head_id,
        titled_by=conversation.titled_by,
        model=conversation.model,
        parameters=conversation.parameters,
        system_prompt=conversation.system_prompt,
        folder=conversation.folder,
        pinned=conversation.pinned,
        archived_at=conversation.archived_at,
        origin=conversation.origin,
    )


def _message_document(message: Message, shown: str | None) -> MessageDocument:
    return MessageDocument(
        id=message.id,
        parent=message.parent_id,
        author=message.author,
        content=message.content,
        # An answer that is still being written is cut off in what is taken along.
        status=Status.PARTIAL if message.status is Status.STREAMING else message.status,
        created_at=message.created_at,
        reasoning=message.reasoning,
        model=message.model,
        usage=message.usage,
        error=message.error,
        details=dict(message.details),
        shown=shown,
    )


def conversation_of(document: ConversationDocument, owner_id: str) -> Conversation:
    """The conversation that a checked document describes, as one of ``owner_id``'s."""
    return Conversation(
        id=document.id,
        owner_id=owner_id,
        title=document.title,
        task=document.task,
        model=document.model,
        parameters=document.parameters,
        system_prompt=document.system_prompt,
        created_at=document.created_at,
        last_message_at=document.last_message_at,
        deleted_at=None,
        head_id=document.head,
        folder=document.folder,
        pinned=document.pinned,
        archived_at=document.archived_at,
        titled_by=document.titled_by,
        origin=document.origin,
    )


def message_of(document: MessageDocument, conversation_id: str) -> Message:
    """The message that a checked document describes."""
    return Message(
        id=document.id,
        conversation_id=conversation_id,
        parent_id=document.parent,
        author=document.author,
        content=document.content,
        reasoning=document.reasoning,
        status=document.status,
        model=document.model,
        usage=document.usage,
        error=document.error,
        created_at=document.created_at,
        details=document.details,
    )


def encode(documents: Iterable[ConversationDocument]) -> Iterator[bytes]:
    """The JSON file of these conversations, piece by piece."""
    yield b'{"format":"%s","version":%d,"conversations":[' % (FORMAT.encode(), VERSION)
    for number, document in enumerate(documents):
        yield (b",\n" if number else b"\n") + msgspec.json.encode(document)
    yield b"\n]}\n"


def checked(document: ConversationDocument) -> ConversationDocument:
    """The document with parents before children, if it holds together.

    Raises :class:`InvalidInputError` for ids that come twice, parents that are missing or in a circle, times that
    aren't times, text with half letters in it, and what is too long or too large to be what it is said to be.
    """
    _check_text(document)
    by_id: dict[str, MessageDocument] = {}
    for message in document.messages:
        if message.id in by_id:
            raise InvalidInputError(Text("Two of its messages have the id %(id)s.", id=_short(message.id)))
        by_id[message.id] = message
    _check_names(document)
    _check_count(document.parameters.max_tokens)
    for at in (document.created_at, document.last_message_at, document.archived_at):
        _check_time(at)
    ordered = _parents_first(document.messages, by_id)
    if document.head is not None and document.head not in by_id:
        raise InvalidInputError("The message that it says was shown last isn't in it.")
    return msgspec.structs.replace(document, messages=[_checked_message(message, by_id) for message in ordered])


def _checked_message(message: MessageDocument, by_id: dict[str, MessageDocument]) -> MessageDocument:
    _check_time(message.created_at)
    _check_count(message.usage.prompt_tokens)
    _check_count(message.usage.completion_tokens)
    if not 0 < len(message.id) <= LONGEST_ID:
        raise InvalidInputError("One of its messages has no usable id.")
    if message.status is Status.STREAMING:
        raise InvalidInputError("One of its messages isn't finished.")
    if message.shown is not None:
        child = by_id.get(message.shown)
        if child is None or child.parent != message.id:
            raise InvalidInputError("One of its messages says that another follows it which doesn't.")
    return message


def _check_names(document: ConversationDocument) -> None:
    if not 0 < len(document.id) <= LONGEST_ID:
        raise InvalidInputError("It has no usable id.")
    if len(document.title) > LONGEST_TITLE:
        raise InvalidInputError("Its title is far too long.")
    for name in (document.task, document.model, document.folder, document.origin):
        if name is not None and len(name) > LONGEST_NAME:
            raise InvalidInputError(Text("%(name)s is far too long for a name.", name=_short(name)))


def _check_text(document: ConversationDocument) -> None:
    """What can't be written as JSON could never be taken along again."""
    try:
        msgspec.json.encode(document)
    except (UnicodeEncodeError, OverflowError, RecursionError) as error:
        raise InvalidInputError("There is text in it that is no proper Unicode.") from error


def _check_count(count: int | None) -> None:
    if count is not None and abs(count) > LARGEST_COUNT:
        raise InvalidInputError("It has a count that is far too large.")


def _check_time(at: str | None) -> None:
    if at is not None and not _is_time(at):
        raise InvalidInputError(Text("%(text)s isn't a time such as 2026-01-31T18:05:00.123Z.", text=_short(at)))


@lru_cache(maxsize=1000)
def _is_time(at: str) -> bool:
    try:
        moment = parse_timestamp(at)
        return moment.tzinfo is not None and timestamp(moment) == at
    except (ValueError, OverflowError):
        return False


def _parents_first(messages: list[MessageDocument], by_id: dict[str, MessageDocument]) -> list[MessageDocument]:
    """In the order that they have, but none before its parent."""
    placed: set[str] = set()
    ordered: list[MessageDocument] = []
    for message in messages:
        waiting: dict[str, MessageDocument] = {}
        at: MessageDocument | None = message
        while at is not None and at.id not in placed:
            if at.id in waiting:
                raise InvalidInputError("Its messages follow each other in a circle.")
            waiting[at.id] = at
            if at.parent is None:
                break
            if at.parent not in by_id:
                raise InvalidInputError("One of its messages follows one that is missing.")
            at = by_id[at.parent]
        for found in reversed(waiting.values()):
            placed.add(found.id)
            ordered.append(found)
    return ordered


def _short(text: str) -> str:
    return ascii(text[:40])
