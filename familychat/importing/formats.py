"""Which program wrote a file, and the conversations in it, one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import msgspec

from familychat.documents import FORMAT, VERSION, ConversationDocument
from familychat.errors import ImportRefusedError, InvalidInputError
from familychat.importing import programs
from familychat.importing.reading import Source
from familychat.importing.tree import Whole, document, text_of

Read = Callable[[dict[str, Any], str], Whole]
OWN = "familychat"
MAX_LENIENT = 64_000_000
"""Bytes of a file that may be read leniently, which takes several times its size in memory."""

MARKS: tuple[tuple[str, str, Read], ...] = (
    ("mapping", "ChatGPT", programs.chatgpt),
    ("chat_messages", "Claude", programs.claude),
    ("chat", "Open WebUI", programs.open_webui),
    ("history", "Open WebUI", programs.open_webui),
)
"""The key that only this program's conversations have."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A conversation that can't be understood, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """The program that wrote a file, and what it has; documents are made as they are asked for."""

    format: str
    documents: Iterator[ConversationDocument | Unreadable]


def conversations_in(source: Source) -> Found | None:
    """What a file has; None if it is no file of conversations. Raises :class:`ImportRefusedError` for a newer version
    of our own format, and for what is too large, damaged, or nested too deep."""
    data = source.read()
    try:
        whole = _decoded(data)
    except (ValueError, RecursionError):
        if source.alone or PurePath(source.name).name == "conversations.json":
            raise ImportRefusedError(
                f"{source.name} isn't readable JSON. Nothing of it was added.", "Export it anew."
            ) from None
        return None
    if isinstance(whole, list):
        return _of_list(whole, source)
    top = whole
    if text_of(_value(top.get("format"))) == FORMAT:
        return _own(top, source)
    reader = _reader(top)
    if reader is None:
        return None
    return Found(reader[0], _each([msgspec.Raw(data)], reader[1], source))


def _decoded(data: bytes) -> list[msgspec.Raw] | dict[str, msgspec.Raw]:
    """The items of the outermost list or object, not yet decoded. Raises :class:`ValueError` if it is neither."""
    kind: Any = list[msgspec.Raw] if data.lstrip()[:1] == b"[" else dict[str, msgspec.Raw]
    try:
        found: list[msgspec.Raw] | dict[str, msgspec.Raw] = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if len(data) > MAX_LENIENT:
            raise
        # Other programs write what isn't quite JSON: half characters, NaN. Python's own reader takes that.
        lenient = json.loads(data.decode("utf-8", "replace"), parse_constant=lambda _: None)
        strict = json.dumps(lenient, ensure_ascii=False).encode("utf-8", "replace")
        found = msgspec.json.decode(strict, type=kind)
    return found


def _of_list(items: list[msgspec.Raw], source: Source) -> Found | None:
    for item in items:
        try:
            reader = _reader(msgspec.json.decode(item, type=dict[str, msgspec.Raw]))
        except (msgspec.DecodeError, RecursionError):
            continue
        if reader is not None:
            return Found(reader[0], _each(items, reader[1], source))
    return None


def _reader(top: dict[str, msgspec.Raw]) -> tuple[str, Read] | None:
    for key, name, read in MARKS:
        if key in top and isinstance(_value(top[key]), (dict, list)):
            return name, read
    messages = _value(top.get("messages"))
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return None
    if any("versions" in message for message in messages):
        return "LM Studio", programs.lm_studio
    return ("plain", programs.plain) if messages and "role" in messages[0] else None


def _value(raw: msgspec.Raw | None) -> Any:
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _each(items: list[msgspec.Raw], read: Read, source: Source) -> Iterator[ConversationDocument | Unreadable]:
    stem = PurePath(source.name).stem
    for number, item in enumerate(items, 1):
        name = f"number {number}"
        try:
            data = msgspec.json.decode(item, type=dict[str, Any])
            name = (text_of(data.get("title")) or text_of(data.get("name")) or name)[:60]
            yield document(read(data, stem), source.at)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield Unreadable(name, "It isn't readable.")
        except InvalidInputError as error:
            yield Unreadable(name, error.message)


def _own(top: dict[str, msgspec.Raw], source: Source) -> Found:
    version = _value(top.get("version"))
    if version != VERSION:
        raise ImportRefusedError(
            f"{source.name} was written by a newer familychat. Nothing of it was added.", "Update familychat first."
        )
    try:
        items = msgspec.json.decode(top["conversations"], type=list[msgspec.Raw])
    except (KeyError, msgspec.DecodeError):
        raise ImportRefusedError(f"{source.name} has no list of conversations.", "Export it anew.") from None
    return Found(OWN, _own_each(items))


def _own_each(items: list[msgspec.Raw]) -> Iterator[ConversationDocument | Unreadable]:
    for number, item in enumerate(items, 1):
        try:
            yield msgspec.json.decode(item, type=ConversationDocument)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            name = text_of(_title(item)) or f"number {number}"
            yield Unreadable(name[:60], f"It isn't as familychat writes them: {error}.")


def _title(item: msgspec.Raw) -> Any:
    value = _value(item)
    return value.get("title") if isinstance(value, dict) else None
