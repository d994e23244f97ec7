"""The JSON Schema of exported conversations, from the types that write and read them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from familychat.documents import FORMAT, VERSION, ConversationDocument

LINE_LENGTH = 100


def json_schema() -> dict[str, Any]:
    """The schema of a whole file (JSON Schema 2020-12); ``docs/reference/conversation-json.md`` explains it."""
    (conversation,), components = msgspec.json.schema_components([ConversationDocument], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "familychat conversations",
        "type": "object",
        "properties": {
            "format": {"const": FORMAT},
            "version": {"const": VERSION},
            "conversations": {"type": "array", "items": conversation},
        },
        "required": ["format", "version", "conversations"],
        "$defs": {name: _plain(schema) for name, schema in components.items()},
    }


def schema_text() -> str:
    """The schema as text, with what fits into a line on one."""
    return _text(json_schema(), "")


def _plain(value: Any) -> Any:
    """Without the descriptions, which speak to programmers, and with "string or null" in one word each."""
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _plain(inner) for key, inner in value.items() if key != "description" or not isinstance(inner, str)}
    if all(choice.keys() == {"type"} for choice in kept.get("anyOf", [{}])):
        return {"type": [choice["type"] for choice in kept.pop("anyOf")], **kept}
    return kept


def _text(value: Any, indent: str) -> str:
    short = json.dumps(value)
    if not isinstance(value, dict) or len(indent) + len(short) <= LINE_LENGTH:
        return short
    inner = indent + "  "
    lines = ",\n".join(f"{inner}{json.dumps(key)}: {_text(member, inner)}" for key, member in value.items())
    return f"{{\n{lines}\n{indent}}}"
