"""Claude's data export: ``conversations.json``, alone or in the zip that it comes in.

A conversation has ``chat_messages``, a list in which ``parent_message_uuid`` makes a tree where it is there; the first
ones name a parent that doesn't exist. Nothing says which path was shown: the newest message ends it.
"""

from __future__ import annotations

from typing import Any

from familychat.documents import ConversationDocument
from familychat.importers.tree import Draft, Facts, Node, build, chain
from familychat.importers.values import Place, fenced, items, joined, mapping, mention, name, origin, text, when
from familychat.models import Author, Status

TITLE = "Claude"

_AUTHORS = {"human": Author.USER, "user": Author.USER, "assistant": Author.ASSISTANT}


def fits(value: dict[str, Any]) -> bool:
    """Whether this is such a conversation."""
    return isinstance(value.get("chat_messages"), list)


def conversation(value: dict[str, Any], place: Place) -> ConversationDocument:
    """Raises :class:`familychat.errors.InvalidInputError` if it doesn't hold together."""
    messages = [mapping(message) for message in items(value["chat_messages"])]
    model = name(value.get("model"))
    drafts = [_draft(message, model) for message in messages]
    facts = Facts(
        origin=origin("claude", value.get("uuid"), value["chat_messages"]),
        title=text(value.get("name")),
        created_at=when(value.get("created_at")),
        last_at=when(value.get("updated_at")),
        pinned=value.get("is_starred") is True,
    )
    if any(text(message.get("parent_message_uuid")) for message in messages):
        nodes = [
            Node(text(message.get("uuid")) or f"#{at}", text(message.get("parent_message_uuid")) or None, draft)
            for at, (message, draft) in enumerate(zip(messages, drafts, strict=True))
        ]
    else:
        nodes = chain(drafts)
    return build(facts, nodes, text(value.get("current_leaf_message_uuid")) or None, place)


def _draft(message: dict[str, Any], model: str | None) -> Draft | None:
    author = _AUTHORS.get(text(message.get("sender")))
    if author is None:
        return None
    blocks = [mapping(block) for block in items(message.get("content"))]
    thoughts = (text(block.get("thinking")) for block in blocks if block.get("type") == "thinking")
    said = joined(*map(_block, blocks)) or text(message.get("text"))
    attached = map(_attachment, items(message.get("attachments")))
    files = (mention("file", mapping(one).get("file_name")) for one in items(message.get("files")))
    return Draft(
        author,
        joined(said, *attached, *files),
        at=when(message.get("created_at")),
        reasoning=joined(*thoughts),
        status=Status.STOPPED if message.get("stop_reason") == "user_canceled" else Status.COMPLETE,
        model=model if author is Author.ASSISTANT else None,
    )


def _block(block: dict[str, Any]) -> str:
    kind = text(block.get("type"))
    if kind == "text":
        return text(block.get("text"))
    if kind == "tool_use":
        made = mapping(block.get("input"))
        written = text(made.get("content")) or text(made.get("code"))
        title = text(made.get("title"))
        return joined(mention("used", block.get("name")), title, fenced(written) if written else "")
    if kind in {"thinking", "redacted_thinking", "tool_result", "token_budget", "flag", ""}:
        return ""  # a thought has its own place; what a tool replied is in the answer
    return mention(name(kind) or "attachment")


def _attachment(value: Any) -> str:
    """A file that was attached. Long texts that were pasted in are kept as such, so their text belongs to it."""
    attachment = mapping(value)
    return joined(mention("file", attachment.get("file_name")), text(attachment.get("extracted_content")))
