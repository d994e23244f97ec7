"""What other programs write, one function each: from decoded JSON to a conversation in common terms.

Written against what the programs export in 2025 and 2026. Every field may be missing or of another type.
"""

from __future__ import annotations

import re
from typing import Any

from familychat.importing.tree import Node, Whole, dicts, digest, mapping, moment, name_of, text_of
from familychat.models import Author, Parameters, Status

AUTHORS = {
    "user": Author.USER, "human": Author.USER, "assistant": Author.ASSISTANT, "model": Author.ASSISTANT,
}  # fmt: skip
NO_PARENT = "00000000-0000-4000-8000-000000000000"
"""What Claude's export gives as the parent of a first message."""

_REASONING = re.compile(r"<details[^>]*type=\"reasoning\"[^>]*>(.*?)</details>\s*", re.DOTALL)
_SUMMARY = re.compile(r"<summary>.*?</summary>", re.DOTALL)


def chatgpt(data: dict[str, Any], _stem: str) -> Whole:
    """A conversation of ``conversations.json``: a tree of nodes under ``mapping``."""
    nodes, system = [], None
    for key, node in mapping(data.get("mapping")).items():
        if not isinstance(node, dict):
            continue
        message = mapping(node.get("message"))
        role = text_of(mapping(message.get("author")).get("role"))
        content, reasoning = _chatgpt_content(mapping(message.get("content")))
        hidden = mapping(message.get("metadata")).get("is_visually_hidden_from_conversation") is True
        to_tool = message.get("recipient") not in {None, "all"}
        if role == "system" and content and not hidden:
            system = system or content
        author = None if hidden or to_tool or not content else AUTHORS.get(role)
        parent = node.get("parent")
        nodes.append(
            Node(
                key,
                parent if isinstance(parent, str) else None,
                author,
                content,
                reasoning,
                name_of(mapping(message.get("metadata")).get("model_slug")) if author is Author.ASSISTANT else None,
                moment(message.get("create_time")),
                Status.STOPPED if message.get("status") == "in_progress" else Status.COMPLETE,
            )
        )
    own = text_of(data.get("conversation_id")) or text_of(data.get("id"))
    current = data.get("current_node")
    return Whole(
        f"chatgpt:{own or digest(text_of(data.get('title')), str(data.get('create_time')))}"[:200],
        text_of(data.get("title")),
        nodes,
        _nearest(nodes, current if isinstance(current, str) else None),
        moment(data.get("create_time")),
        moment(data.get("update_time")),
        name_of(data.get("default_model_slug")),
        system,
        archived=data.get("is_archived") is True,
    )


def _chatgpt_content(content: dict[str, Any]) -> tuple[str, str]:
    kind = content.get("content_type")
    if kind == "thoughts":
        return "", "\n\n".join(text_of(thought.get("content")) for thought in dicts(content.get("thoughts")))
    if kind in {"user_editable_context", "reasoning_recap", "model_editable_context"}:
        return "", ""
    if isinstance(content.get("text"), str):
        text = text_of(content["text"])
        return (f"```\n{text}\n```" if kind in {"code", "execution_output"} and text else text), ""
    parts = content.get("parts")
    found = [_chatgpt_part(part) for part in parts] if isinstance(parts, list) else []
    return "\n\n".join(filter(None, found)), ""


def _chatgpt_part(part: Any) -> str:
    if isinstance(part, str):
        return text_of(part)
    kind = text_of(mapping(part).get("content_type"))
    if kind == "audio_transcription":
        return text_of(part.get("text"))
    return f"[{kind.split('_')[0]}]" if kind else ""


def _nearest(nodes: list[Node], key: str | None) -> str | None:
    """The last kept message on the way to ``key``."""
    by_key = {node.key: node for node in nodes}
    seen: set[str] = set()
    while key is not None and key in by_key and key not in seen:
        node = by_key[key]
        if node.author is not None and node.content:
            return key
        seen.add(key)
        key = node.parent
    return None


def claude(data: dict[str, Any], _stem: str) -> Whole:
    """A conversation of ``conversations.json``: messages in order, since 2025 with their parents."""
    nodes: list[Node] = []
    for number, message in enumerate(dicts(data.get("chat_messages"))):
        key = text_of(message.get("uuid")) or str(number)
        parent = message.get("parent_message_uuid")
        before = nodes[-1].key if nodes else None
        if isinstance(parent, str):
            before = None if parent == NO_PARENT else parent
        content, reasoning = _claude_content(message)
        author = AUTHORS.get(text_of(message.get("sender")))
        nodes.append(Node(key, before, author, content, reasoning, None, moment(message.get("created_at"))))
    current = data.get("current_leaf_message_uuid")
    own = text_of(data.get("uuid")) or digest(text_of(data.get("name")), str(data.get("created_at")))
    return Whole(
        f"claude:{own}"[:200],
        text_of(data.get("name")),
        nodes,
        current if isinstance(current, str) else None,
        moment(data.get("created_at")),
        moment(data.get("updated_at")),
        name_of(data.get("model")),
    )


def _claude_content(message: dict[str, Any]) -> tuple[str, str]:
    blocks = dicts(message.get("content"))
    text = [text_of(block.get("text")) for block in blocks if block.get("type") == "text"]
    thoughts = [text_of(block.get("thinking")) for block in blocks if block.get("type") == "thinking"]
    if not any(text):
        text = [text_of(message.get("text"))]
    for attached in dicts(message.get("attachments")):
        text.append(
            f"[file: {text_of(attached.get('file_name'))}]\n\n{text_of(attached.get('extracted_content'))}".strip()
        )
    text += [f"[file: {text_of(file.get('file_name'))}]" for file in dicts(message.get("files"))]
    return "\n\n".join(filter(None, text)), "\n\n".join(filter(None, thoughts))


def open_webui(data: dict[str, Any], _stem: str) -> Whole:
    """A chat of the export: a tree under ``chat.history.messages``, else a list under ``chat.messages``."""
    chat = mapping(data.get("chat")) or data
    history = mapping(chat.get("history"))
    nodes: list[Node] = []
    tree = dicts(history.get("messages"))
    for number, message in enumerate(tree or dicts(chat.get("messages"))):
        key = text_of(message.get("id")) or str(number)
        parent = message.get("parentId") if tree else (nodes[-1].key if nodes else None)
        content = text_of(message.get("content"))
        thoughts = [_SUMMARY.sub("", thought).strip() for thought in _REASONING.findall(content)]
        content = _REASONING.sub("", content).strip()
        files = [
            f"[file: {text_of(file.get('name')) or text_of(file.get('type'))}]" for file in dicts(message.get("files"))
        ]
        author = AUTHORS.get(text_of(message.get("role")))
        done = message.get("done") is not False
        nodes.append(
            Node(
                key,
                parent if isinstance(parent, str) else None,
                author,
                "\n\n".join(filter(None, [content, *files])),
                "\n\n".join(thoughts),
                name_of(message.get("model")) if author is Author.ASSISTANT else None,
                moment(message.get("timestamp")),
                Status.COMPLETE if done or author is Author.USER else Status.PARTIAL,
            )
        )
    current = history.get("currentId")
    models = chat.get("models")
    title = text_of(data.get("title")) or text_of(chat.get("title"))
    own = text_of(data.get("id")) or text_of(chat.get("id")) or digest(title, str(chat.get("timestamp")))
    return Whole(
        f"open-webui:{own}"[:200],
        title,
        nodes,
        _nearest(nodes, current if isinstance(current, str) else None),
        moment(data.get("created_at")) or moment(chat.get("timestamp")),
        moment(data.get("updated_at")),
        name_of(models[0]) if isinstance(models, list) and models else None,
        text_of(mapping(chat.get("params")).get("system")) or text_of(chat.get("system")),
        pinned=data.get("pinned") is True,
        archived=data.get("archived") is True,
    )


def lm_studio(data: dict[str, Any], stem: str) -> Whole:
    """A ``*.conversation.json``: each message in versions, of which one is selected; the next follows that one."""
    nodes: list[Node] = []
    selected: str | None = None
    for number, message in enumerate(dicts(data.get("messages"))):
        versions = dicts(message.get("versions"))
        chosen = message.get("currentlySelected")
        before = selected
        for place, version in enumerate(versions):
            author = AUTHORS.get(text_of(version.get("role")))
            content, reasoning, model = _lm_studio_content(version)
            key = f"{number}.{place}"
            nodes.append(Node(key, before, author, content, reasoning, model if author is Author.ASSISTANT else None))
            if place == chosen or selected == before:
                selected = key
    return Whole(
        f"lm-studio:{digest(stem, str(data.get('createdAt')))}",
        text_of(data.get("name")) or stem.removesuffix(".conversation"),
        nodes,
        _nearest(nodes, selected),
        moment(data.get("createdAt")),
        moment(data.get("assistantLastMessagedAt")) or moment(data.get("userLastMessagedAt")),
        name_of(mapping(data.get("lastUsedModel")).get("identifier")),
        text_of(data.get("systemPrompt")),
        pinned=data.get("pinned") is True,
    )


def _lm_studio_content(version: dict[str, Any]) -> tuple[str, str, str | None]:
    text = _lm_studio_blocks(version.get("content"))
    thoughts: list[str] = []
    model: str | None = None
    for step in dicts(version.get("steps")):
        if step.get("type") != "contentBlock":
            continue
        found = _lm_studio_blocks(step.get("content"))
        thinking = mapping(step.get("style")).get("type") == "thinking"
        (thoughts if thinking else text).extend(found)
        info = mapping(step.get("genInfo"))
        model = model or name_of(info.get("identifier")) or name_of(info.get("indexedModelIdentifier"))
    model = model or name_of(mapping(version.get("senderInfo")).get("senderName"))
    return "\n\n".join(filter(None, text)), "\n\n".join(filter(None, thoughts)), model


def _lm_studio_blocks(content: Any) -> list[str]:
    return [
        text_of(block.get("text")) if block.get("type") == "text" else f"[{text_of(block.get('type')) or 'something'}]"
        for block in dicts(content)
    ]


def plain(data: dict[str, Any], stem: str) -> Whole:
    """One file a conversation, as small proxies write them: ``messages`` of ``role`` and ``content``."""
    nodes: list[Node] = []
    system = None
    messages = dicts(data.get("messages"))
    for number, message in enumerate(messages):
        role, content = text_of(message.get("role")), _plain_content(message.get("content"))
        if role == "system":
            system = system or content
        author = AUTHORS.get(role)
        model = name_of(data.get("model")) if author is Author.ASSISTANT else None
        nodes.append(Node(str(number), nodes[-1].key if nodes else None, author, content, "", model))
    first = text_of(messages[0].get("content")) if messages else ""
    created = moment(data.get("created_at"))
    return Whole(
        f"plain:{digest(stem, created or first)}",
        stem,
        nodes,
        None,
        created,
        moment(data.get("updated_at")),
        name_of(data.get("model")),
        system,
        Parameters(
            temperature=_number(data.get("temperature"), 0.0, 2.0),
            max_tokens=int(_number(data.get("max_tokens"), 1, 1_000_000) or 0) or None,
        ),
    )


def _plain_content(content: Any) -> str:
    if isinstance(content, str):
        return text_of(content)
    parts = [text_of(part.get("text")) or f"[{text_of(part.get('type')) or 'something'}]" for part in dicts(content)]
    return "\n\n".join(parts)


def _number(value: Any, low: float, high: float) -> float | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
    return float(value) if fits else None
