"""Tasks without code: what a task's TOML file says, and whether it may say that."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from familychat.errors import InvalidInputError
from familychat.events import Event
from familychat.models import Parameters
from familychat.tasks.base import TaskDefaults
from familychat.turn import Turn
from familychat.wording import Text

MAX_FILE_BYTES = 64_000
MAX_NAME = 40
MAX_SUGGESTIONS = 8

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LINE_ENDS = {"Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """What a task's file says. ``opening`` is empty if there is none."""

    name: str
    title: str
    description: str
    system_prompt: str
    opening: str = ""
    suggestions: tuple[str, ...] = ()
    defaults: TaskDefaults = field(default_factory=TaskDefaults)


class DefinedTask:
    """A task that is nothing but its definition. A conversation's own system prompt wins over the definition's."""

    continues = True

    def __init__(self, definition: TaskDefinition) -> None:
        self.definition = definition
        self.name = definition.name
        self.title = definition.title
        self.description = definition.description
        self.opening = definition.opening
        self.suggestions = definition.suggestions
        self.defaults = definition.defaults

    def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        own = turn.conversation.system_prompt
        return turn.complete(self.definition.system_prompt if own is None else own)


def _ordinary(text: str, *, lines: bool) -> bool:
    """Whether there are no control characters in it, and no line ends where they don't belong."""
    for sign in text:
        if lines and sign in "\n\t":
            continue
        category = unicodedata.category(sign)
        if category in {"Cc", "Cs"} or (category in _LINE_ENDS and not lines):
            return False
    return True


_Reader = Callable[[str, Any], Any]
"""Reads what stands at a key; raises ``ValueError`` with a :class:`familychat.wording.Text` about that key."""


def _text(most: int, *, lines: bool = False) -> _Reader:
    shape = Text("%(key)s must be ordinary text") if lines else Text("%(key)s must be one line of ordinary text")

    def read(key: str, raw: Any) -> str:
        if not isinstance(raw, str):
            raise ValueError(Text(shape, key=key))  # noqa: TRY004 -- every reader speaks in ValueError
        text = raw.strip()
        if not text:
            raise ValueError(Text("%(key)s is empty", key=key))
        if len(text) > most:
            raise ValueError(
                Text(
                    "%(key)s has %(count)s characters, and %(most)s is the most",
                    key=key,
                    count=f"{len(text):,}",
                    most=f"{most:,}",
                )
            )
        if not _ordinary(text, lines=lines):
            raise ValueError(Text(shape, key=key))
        return text

    return read


def _name(key: str, raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) > MAX_NAME or not _NAME.fullmatch(raw):
        raise ValueError(
            Text(
                "%(key)s must be a word of at most %(most)s lowercase letters, digits and dashes",
                key=key,
                most=MAX_NAME,
            )
        )
    return raw


def _suggestions(key: str, raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise ValueError(Text("%(key)s must be a list of texts", key=key))  # noqa: TRY004
    if len(raw) > MAX_SUGGESTIONS:
        raise ValueError(
            Text(
                "%(key)s has %(count)s entries, and %(most)s is the most",
                key=key,
                count=len(raw),
                most=MAX_SUGGESTIONS,
            )
        )
    read = _text(200)
    texts = []
    for number, one in enumerate(raw, 1):
        try:
            texts.append(read(Text("number %(number)s", number=number), one))
        except ValueError as error:
            raise ValueError(Text("%(key)s can't be so: %(reason)s", key=key, reason=error.args[0])) from None
    return tuple(texts)


def _number(kind: type[int] | type[float], low: float, high: float, wrong: Text) -> _Reader:
    def read(key: str, raw: Any) -> int | float:
        if isinstance(raw, bool) or not isinstance(raw, (int, kind)) or not low <= raw <= high:
            raise ValueError(Text(wrong, key=key))
        return kind(raw)

    return read


_READERS: dict[str, _Reader] = {
    "name": _name,
    "title": _text(60),
    "description": _text(200),
    "system_prompt": _text(12_000, lines=True),
    "opening": _text(1_000, lines=True),
    "suggestions": _suggestions,
    "model": _text(300),
    "temperature": _number(float, 0, 2, Text("%(key)s must be a number from 0 to 2")),
    "top_p": _number(float, 0.001, 1, Text("%(key)s must be a number above 0, at most 1")),
    "max_tokens": _number(int, 1, 1_000_000, Text("%(key)s must be a whole number from 1 to 1,000,000")),
}
KEYS = tuple(_READERS)
"""Every key a task's file may have, in the order they are written."""

REQUIRED = KEYS[:4]


def parse(text: bytes | str, place: str) -> TaskDefinition:
    """The task that a TOML text is. ``place`` names it in errors: a file's path, or words at a sentence's beginning.

    Raises :class:`InvalidInputError`, which says which key is wrong and how it may be.
    """
    table = _table(_decoded(text, place), place)
    for key in table:
        if key not in _READERS:
            raise _refused(
                place,
                Text("there is no key %(key)s", key=key[:MAX_NAME]),
                Text("The keys are: %(keys)s.", keys=", ".join(KEYS)),
            )
    for key in REQUIRED:
        if key not in table:
            raise _refused(
                place,
                Text("the key %(key)s is missing", key=key),
                Text("Needed are: %(keys)s.", keys=", ".join(REQUIRED)),
            )
    values: dict[str, Any] = {}
    for key, raw in table.items():
        try:
            values[key] = _READERS[key](key, raw)
        except ValueError as error:
            raise _refused(place, error.args[0], Text("Mend that key.")) from None
    parameters = Parameters(*(values.pop(key, None) for key in ("temperature", "top_p", "max_tokens")))
    return TaskDefinition(defaults=TaskDefaults(values.pop("model", None), parameters), **values)


def with_changes(text: bytes | str, changes: Mapping[str, Any], place: str) -> str:
    """A task's TOML text with some keys set, or taken away (None); comments and order stay.

    The result may still be no task: :func:`parse` tells. Raises :class:`InvalidInputError` if ``text`` isn't TOML.
    """
    import tomlkit

    text = _decoded(text, place)
    _table(text, place)
    document = tomlkit.parse(text)
    for key in sorted(changes, key=KEYS.index):
        value = changes[key]
        if value is None:
            document.pop(key, None)
            continue
        plain = value.replace("\r\n", "\n").strip() if isinstance(value, str) else value
        document[key] = tomlkit.string(plain, multiline=True) if isinstance(plain, str) and "\n" in plain else plain
    return tomlkit.dumps(document)


def _decoded(text: bytes | str, place: str) -> str:
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > MAX_FILE_BYTES:
            raise _refused(
                place, Text("it is over %(most)s bytes long", most=f"{MAX_FILE_BYTES:,}"), Text("Shorten it.")
            )
        return data.decode("utf-8-sig")  # some editors begin with a byte order mark
    except UnicodeError as error:
        raise _refused(place, Text("it isn't UTF-8 text"), Text("Save it as UTF-8.")) from error


def _table(text: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError of its own
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else Text("a value is too big")
        raise _refused(
            place, Text("it isn't valid TOML: %(reason)s", reason=reason), Text("Mend that place.")
        ) from error


def _refused(place: str, reason: Text, hint: Text) -> InvalidInputError:
    return InvalidInputError(Text("%(place)s can't be a task: %(reason)s.", place=place, reason=reason), hint)
