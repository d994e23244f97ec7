"""The plain files that small LM Studio proxies write, one for each chat, called what the chat is called.

``{"model", "messages": [{"role", "content"}], "temperature", "max_tokens", "created_at", "updated_at"}``; anything but
the messages may be missing.
"""

from __future__ import annotations

from typing import Any

from familychat.documents import ConversationDocument
from familychat.importers.tree import Draft, Facts, build, chain
from familychat.importers.values import (
    Place,
    items,
    joined,
    mapping,
    mention,
    name,
    origin,
    parameters,
    split_thought,
    text,
    when,
)
from familychat.models import Author, TitledBy

TITLE = "plain chats"


def fits(value: dict[str, Any]) -> bool:
    """Whether this is such a chat."""
    messages = value.get("messages")
    if not isinstance(messages, list):
        return False
    return all({"role", "content"} <= mapping(message).keys() for message in messages[:3])


def conversation(value: dict[str, Any], place: Place) -> ConversationDocument:
    """Raises :class:`familychat.errors.InvalidInputError` if it doesn't hold together."""
    messages = [mapping(message) for message in items(value["messages"])]
    model = name(value.get("model"))
    drafts = [_draft(message, model) for message in messages]
    asked = next((draft.content for draft in drafts if draft and draft.author is Author.USER), "")
    facts = Facts(
        # A file that has grown since is still the same chat, so only its beginning counts.
        origin=origin("plain", None, [place.name, str(value.get("created_at")), asked]),
        title=place.name,
        titled_by=TitledBy.PERSON,
        created_at=when(value.get("created_at")),
        last_at=when(value.get("updated_at")),
        model=model,
        parameters=parameters(value.get("temperature"), value.get("top_p"), value.get("max_tokens")),
        system_prompt=next(
            (_content(message.get("content")) for message in messages if message.get("role") == "system"), None
        ),
    )
    return build(facts, chain(drafts), None, place)


def _draft(message: dict[str, Any], model: str | None) -> Draft | None:
    at = when(message.get("timestamp")) or when(message.get("created_at"))
    content = _content(message.get("content"))
    if message.get("role") == "user":
        return Draft(Author.USER, content, at=at)
    if message.get("role") != "assistant":
        return None
    content, thought = split_thought(content)
    apart = text(message.get("reasoning_content")) or text(message.get("reasoning"))
    return Draft(
        Author.ASSISTANT, content, at=at, reasoning=joined(apart, thought), model=name(message.get("model")) or model
    )


def _content(value: Any) -> str:
    if isinstance(value, str):
        return value
    return joined(*map(_part, items(value)))


def _part(value: Any) -> str:
    part = mapping(value)
    if isinstance(value, str) or isinstance(part.get("text"), str):
        return text(value) or text(part.get("text"))
    kind = text(part.get("type"))
    return mention("image" if "image" in kind else name(kind) or "attachment") if part else ""
