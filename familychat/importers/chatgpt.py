"""ChatGPT's data export: ``conversations.json``, alone, in several numbered files, or in the zip that it comes in.

A conversation has ``mapping``, a tree of nodes by id with ``parent``, ``children`` and ``message``; ``current_node``
ends the shown path. Times are seconds since 1970. Tools' replies, hidden messages and empty nodes aren't anybody's
words: they are left out, and what follows them moves up.
"""

from __future__ import annotations

import re
from typing import Any

from familychat.documents import ConversationDocument
from familychat.importers.tree import Draft, Facts, Node, build
from familychat.importers.values import Place, fenced, items, joined, mapping, mention, name, origin, text, when
from familychat.models import Author, Status

TITLE = "ChatGPT"

_CITATION = re.compile("\ue200[^\ue200\ue201]*\ue201")
"""Marks of sources, which only ChatGPT's own page can show."""

_POINTERS = {
    "image_asset_pointer": "image",
    "audio_asset_pointer": "audio",
    "video_container_asset_pointer": "video",
    "real_time_user_audio_video_asset_pointer": "audio",
}
_STOPPED = {"interrupted", "user_stopped"}


def fits(value: dict[str, Any]) -> bool:
    """Whether this is such a conversation."""
    return isinstance(value.get("mapping"), dict)


def conversation(value: dict[str, Any], place: Place) -> ConversationDocument:
    """Raises :class:`familychat.errors.InvalidInputError` if it doesn't hold together."""
    raw = {key: mapping(node) for key, node in mapping(value["mapping"]).items()}
    messages = {key: mapping(node.get("message")) for key, node in raw.items()}
    nodes = [
        Node(key, text(node.get("parent")) or None, _draft(messages[key]), _texts(node.get("children")))
        for key, node in raw.items()
    ]
    facts = Facts(
        origin=origin("chatgpt", value.get("conversation_id") or value.get("id"), value["mapping"]),
        title=text(value.get("title")),
        created_at=when(value.get("create_time"), per_second=1),
        last_at=when(value.get("update_time"), per_second=1),
        system_prompt=next(filter(None, map(_instructions, messages.values())), None),
        pinned=value.get("is_starred") is True,
        archived=value.get("is_archived") is True,
    )
    return build(facts, nodes, text(value.get("current_node")) or None, place)


def _texts(value: Any) -> list[str]:
    return [item for item in items(value) if isinstance(item, str)]


def _instructions(message: dict[str, Any]) -> str:
    """What a system message says, or what the person had ChatGPT know about them."""
    content = mapping(message.get("content"))
    if content.get("content_type") == "user_editable_context":
        return joined(text(content.get("user_profile")), text(content.get("user_instructions")))
    if mapping(message.get("author")).get("role") != "system":
        return ""
    return joined(*_texts(content.get("parts"))).strip()


def _draft(message: dict[str, Any]) -> Draft | None:
    role = text(mapping(message.get("author")).get("role"))
    metadata, content = mapping(message.get("metadata")), mapping(message.get("content"))
    hidden = metadata.get("is_visually_hidden_from_conversation") is True
    if hidden or role not in {"user", "assistant", "tool"} or content.get("content_type") == "user_editable_context":
        return None
    if role == "tool":
        said, thought = _drawn(content), ""  # of what tools reply, people see the pictures
    else:
        said, thought = _said(message, content)
        attached = (mention("file", mapping(one).get("name")) for one in items(metadata.get("attachments")))
        said = joined(said, *attached)
    return Draft(
        Author.USER if role == "user" else Author.ASSISTANT,
        said,
        at=when(message.get("create_time"), per_second=1),
        reasoning=thought,
        status=_status(message, metadata),
        model=None if role == "user" else name(metadata.get("model_slug")),
    )


def _drawn(content: dict[str, Any]) -> str:
    pictures = (part for part in items(content.get("parts")) if text(mapping(part).get("content_type")) in _POINTERS)
    return joined(*map(_part, pictures))


def _said(message: dict[str, Any], content: dict[str, Any]) -> tuple[str, str]:
    """What a message says, and what was only thought."""
    kind = content.get("content_type")
    if kind == "thoughts":
        thoughts = map(mapping, items(content.get("thoughts")))
        return "", joined(*(joined(text(one.get("summary")), text(one.get("content"))) for one in thoughts))
    if kind == "reasoning_recap":  # "Thought for 5 seconds"
        return "", ""
    said = joined(*map(_part, items(content.get("parts")))) or text(content.get("text")) or text(content.get("result"))
    said = _CITATION.sub("", said)
    recipient = text(message.get("recipient")) or "all"
    if message.get("channel") == "analysis" and recipient == "all":
        return "", said
    if kind == "code" or recipient != "all":
        language = text(content.get("language"))
        code = fenced(said, language if language.isalnum() and language != "unknown" else "") if said.strip() else ""
        return joined(mention("used", recipient) if recipient != "all" else "", code), ""
    return said, ""


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    kind = text(mapping(part).get("content_type"))
    if kind in _POINTERS:
        return mention(_POINTERS[kind])
    return text(mapping(part).get("text")) or (mention(name(kind) or "attachment") if part else "")


def _status(message: dict[str, Any], metadata: dict[str, Any]) -> Status:
    if text(mapping(metadata.get("finish_details")).get("type")) in _STOPPED:
        return Status.STOPPED
    if message.get("status") == "finished_partial_completion":
        return Status.STOPPED
    return Status.PARTIAL if message.get("status") == "in_progress" else Status.COMPLETE
