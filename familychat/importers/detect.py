"""Telling formats apart, by what is in a file and never by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from familychat.documents import ConversationDocument
from familychat.errors import InvalidInputError
from familychat.importers import chatgpt, claude, lmstudio, openwebui, own, plain
from familychat.importers.values import Place
from familychat.wording import Text


@dataclass(frozen=True, slots=True)
class Format:
    """One program's way to write conversations: ``fits`` knows its own, ``conversation`` reads one."""

    name: str
    title: str
    fits: Callable[[dict[str, Any]], bool]
    conversation: Callable[[dict[str, Any], Place], ConversationDocument]


FORMATS: Mapping[str, Format] = {
    name: Format(name, module.TITLE, module.fits, module.conversation)
    for name, module in {
        "familychat": own,
        "chatgpt": chatgpt,
        "claude": claude,
        "openwebui": openwebui,
        "lmstudio": lmstudio,
        "plain": plain,
    }.items()
}
"""By the names that ``--format`` takes, the most telling first."""

_KINDS = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"SQLite format 3", "a database"),
    (b"<", "a web page"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
)


def format_of(value: dict[str, Any]) -> Format | None:
    """Which format a decoded conversation is in; None if it is none of ours."""
    return next((one for one in FORMATS.values() if one.fits(value)), None)


def format_named(name: str) -> Format:
    """Raises :class:`InvalidInputError` if there is no such format."""
    if name not in FORMATS:
        raise InvalidInputError(
            Text("There is no format %(name)s.", name=repr(name[:40])),
            Text("Known are %(formats)s.", formats=", ".join(FORMATS)),
        )
    return FORMATS[name]


def kind_of(start: bytes) -> str:
    """What a file that isn't JSON seems to be, from its first bytes."""
    return next((kind for magic, kind in _KINDS if start.startswith(magic)), "something else")
