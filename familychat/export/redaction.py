"""Taking the household's names out of a conversation, so that it can be shown to a stranger."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec

from familychat.documents import LONGEST_NAME, LONGEST_TITLE, ConversationDocument
from familychat.models import User

SHORTEST_PART = 3
"""Letters; "Anna" of "Anna Lee" is a name, and so may be "Lee", but not "J."."""

_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts that put no space around a name, by how Unicode calls their letters."""


def redactor(people: Iterable[User]) -> Redactor:
    """Replaces each person's names by "Person 1", "Person 2", ... in the order of ``people``."""
    stand_ins: dict[str, str] = {}
    for number, person in enumerate(people, 1):
        for name in names_of(person):
            stand_ins.setdefault(name, f"Person {number}")
    return Redactor(stand_ins)


def names_of(person: User) -> list[str]:
    """Display name, username, and the words of a display name that look like names, whole names first."""
    words = person.display_name.split()
    parts = [word for word in words if len(words) > 1 and len(word) >= SHORTEST_PART and not word[0].islower()]
    return [name for name in (" ".join(words), person.username, *parts) if name]


class Redactor:
    """Takes names out of texts and whole conversations; ``stand_ins`` says what comes in their place."""

    def __init__(self, stand_ins: dict[str, str]) -> None:
        self._stand_ins: dict[str, str] = {}
        for name, stand_in in stand_ins.items():
            self._stand_ins.setdefault(_key(name), stand_in)
        self._pattern = _pattern(stand_ins) if stand_ins else None

    def text(self, text: str) -> str:
        """The text with every whole word that is a name replaced, whatever its case."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._stand_ins.get(_key(found[0]), "Somebody"), text)

    def document(self, document: ConversationDocument) -> ConversationDocument:
        """The conversation without names in its title, folder, instructions, texts, errors and details."""
        messages = [
            msgspec.structs.replace(
                message,
                content=self.text(message.content),
                reasoning=self.text(message.reasoning),
                error=self._maybe(message.error),
                details=self._deep(message.details),
            )
            for message in document.messages
        ]
        folder = self._maybe(document.folder)
        return msgspec.structs.replace(
            document,
            title=self.text(document.title)[:LONGEST_TITLE],
            folder=folder and folder[:LONGEST_NAME],
            system_prompt=self._maybe(document.system_prompt),
            messages=messages,
        )

    def _maybe(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)

    def _deep(self, value: Any) -> Any:
        replace: Callable[[Any], Any] = self._deep
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: replace(inner) for key, inner in value.items()}
        return [replace(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Longest names first, so that "Anna Lee" is one person and not one and a half."""
    letters = rf"\w{_marks()}"
    choices = []
    for name in sorted(names, key=len, reverse=True):
        forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD") for text in (name, name.casefold())]
        words = "|".join(r"\s+".join(re.escape(word) for word in form.split()) for form in dict.fromkeys(forms))
        before = "" if _unspaced(name[0]) else f"(?<![{letters}])"
        after = "" if _unspaced(name[-1]) else f"(?![{letters}])"
        choices.append(f"{before}(?:{words}){after}")
    return re.compile("|".join(choices), re.IGNORECASE)


def _unspaced(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_UNSPACED)


@cache
def _marks() -> str:
    """All combining marks, which belong to a word and aren't in \\w: vowel signs of Indian scripts, accents."""
    return "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.category(chr(code))[0] == "M")
