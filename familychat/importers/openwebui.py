"""Open WebUI's chat export: a JSON list of chats, or one of them.

Each has ``chat.history`` with ``messages``, a tree by id with ``parentId`` and ``childrenIds``, and ``currentId``,
which ends the shown path; old ones have only the list ``chat.messages``. Times of messages and ``updated_at`` are
seconds, ``chat.timestamp`` is milliseconds. Thoughts stand in the text as ``<details type="reasoning">``.
"""

from __future__ import annotations

import html
import re
from typing import Any

from familychat.documents import ConversationDocument
from familychat.importers.tree import Draft, Facts, Node, build, chain
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
    usage,
    when,
)
from familychat.models import Author, Status

TITLE = "Open WebUI"

_OPEN = re.compile(r'<details type="(reasoning|tool_calls)"([^>]{0,20000})>')
_CLOSE = "</details>"
_SUMMARY = re.compile(r"\s*<summary>[^<]{0,500}</summary>")
_TOOL = re.compile(r'name="([^"]{1,200})"')


def fits(value: dict[str, Any]) -> bool:
    """Whether this is such a chat."""
    chat = _chat(value)
    history = mapping(chat.get("history"))
    return isinstance(history.get("messages"), dict) or ("chat" in value and isinstance(chat.get("messages"), list))


def _chat(value: dict[str, Any]) -> dict[str, Any]:
    return mapping(value.get("chat")) if "chat" in value else value


def conversation(value: dict[str, Any], place: Place) -> ConversationDocument:
    """Raises :class:`familychat.errors.InvalidInputError` if it doesn't hold together."""
    chat = _chat(value)
    history, asked = mapping(chat.get("history")), mapping(chat.get("params"))
    tree = {key: mapping(message) for key, message in mapping(history.get("messages")).items()}
    messages = list(tree.values()) or [mapping(message) for message in items(chat.get("messages"))]
    system = (text(message.get("content")) for message in messages if message.get("role") == "system")
    facts = Facts(
        origin=origin("openwebui", value.get("id") or chat.get("id"), messages),
        title=text(value.get("title")) or text(chat.get("title")),
        created_at=when(value.get("created_at")) or when(chat.get("timestamp")),
        last_at=when(value.get("updated_at")),
        model=name(*items(chat.get("models"))),
        parameters=parameters(asked.get("temperature"), asked.get("top_p"), asked.get("max_tokens")),
        system_prompt=next(filter(None, (text(asked.get("system")), text(chat.get("system")), *system)), None),
        pinned=value.get("pinned") is True,
        archived=value.get("archived") is True,
    )
    if not tree:
        return build(facts, chain([_draft(message) for message in messages]), None, place)
    nodes = [
        Node(
            key,
            text(message.get("parentId")) or None,
            _draft(message),
            [child for child in items(message.get("childrenIds")) if isinstance(child, str)],
        )
        for key, message in tree.items()
    ]
    return build(facts, nodes, text(history.get("currentId")) or None, place)


def _draft(message: dict[str, Any]) -> Draft | None:
    role = text(message.get("role"))
    if role not in {"user", "assistant"}:
        return None
    said, thought = _content(message.get("content"))
    files = (mention(_kind(mapping(one)), _called(mapping(one))) for one in items(message.get("files")))
    author = Author.USER if role == "user" else Author.ASSISTANT
    if author is Author.ASSISTANT:
        said, inner = _apart(said)
        thought = joined(thought, inner, text(message.get("reasoning_content")))
    error, took = _error(message.get("error")), mapping(message.get("usage")) or mapping(message.get("info"))
    status = Status.PARTIAL if message.get("done") is False else Status.COMPLETE
    return Draft(
        author,
        joined(said, *files),
        at=when(message.get("timestamp")),
        reasoning=thought,
        status=Status.FAILED if error else status,
        model=name(message.get("model")) if author is Author.ASSISTANT else None,
        usage=usage(took.get("prompt_tokens"), took.get("completion_tokens")),
        error=error,
    )


def _content(content: Any) -> tuple[str, str]:
    if isinstance(content, list):
        parts = (mapping(part) for part in content)
        return joined(*(text(part.get("text")) or mention(_kind(part)) for part in parts)), ""
    return split_thought(text(content))


def _kind(file: dict[str, Any]) -> str:
    return "image" if text(file.get("type")).startswith("image") else "file"


def _called(file: dict[str, Any]) -> Any:
    return file.get("name") or mapping(file.get("file")).get("filename")


def _error(value: Any) -> str | None:
    if not value:
        return None
    return text(value) or text(mapping(value).get("content")) or "Open WebUI had no answer."


def _apart(content: str) -> tuple[str, str]:
    """The words of an answer and the thoughts in it; the use of a tool is mentioned."""
    said, thoughts, at = [], [], 0
    while opened := _OPEN.search(content, at):
        end = content.find(_CLOSE, opened.end())
        if end < 0:  # cut off while it thought
            end = len(content)
        said.append(content[at : opened.start()])
        if opened[1] == "reasoning":
            thoughts.append(_unquoted(content[opened.end() : end]))
        else:
            tool = _TOOL.search(opened[2])
            said.append(f"\n\n{mention('used', html.unescape(tool[1]) if tool else None)}\n\n")
        at = min(end + len(_CLOSE), len(content))
    if not thoughts and not said:
        return content, ""
    said.append(content[at:])
    return joined(*(part.strip() for part in said)), joined(*thoughts)


def _unquoted(inner: str) -> str:
    """A thought, which is written as a quotation, escaped, under a heading."""
    summary = _SUMMARY.match(inner)
    lines = html.unescape(inner[summary.end() if summary else 0 :]).strip().splitlines()
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
