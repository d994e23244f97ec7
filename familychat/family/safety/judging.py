"""Asking a model whether a text touches a blocked topic. It can only add to what the words find."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from familychat.consulting import ModelAccess
from familychat.errors import FamilychatError
from familychat.family.safety.topics import Topic
from familychat.llm.base import ChatMessage

NONE = "none"
SECONDS = 30.0
"""How long a check may take while nothing else keeps the model server busy."""

BEGINNING, END = 1600, 800
"""Letters of a long text that the model reads; the words are looked for in all of it."""

_INSTRUCTION = (
    "You check texts in a family's chat before a child sees them. Answer with the one topic of the list that the text "
    "is about, or none. School, history, news, nature, health, stories, games and everyday life are none, "
    "and so is everything that you aren't sure about."
)
_OBJECT = re.compile(r"\{[^{}]*\}")


def _question(topics: Sequence[Topic], text: str) -> list[ChatMessage]:
    listed = "\n".join(f"- {topic.name}: {topic.meaning}" for topic in topics)
    shown = text if len(text) <= BEGINNING + END else f"{text[:BEGINNING]}\n[...]\n{text[-END:]}"
    return [
        ChatMessage("system", f"{_INSTRUCTION}\n\nTopics:\n- {NONE}: anything else\n{listed}"),
        ChatMessage("user", f'The text:\n"""\n{shown}\n"""\n\nWrite JSON: {{"topic": "..."}}'),
    ]


async def judge(access: ModelAccess, topics: Sequence[Topic], text: str) -> Topic | None:
    """The topic that the model names.

    Raises :class:`ValueError` for an answer that isn't one, and :class:`FamilychatError` if the model can't be asked.
    """
    names = [NONE, *(topic.name for topic in topics)]
    schema = {
        "type": "object",
        "properties": {"topic": {"type": "string", "enum": names}},
        "required": ["topic"],
        "additionalProperties": False,
    }
    reply = await access.ask(_question(topics, text), schema=schema)
    named = _named(reply)
    if named == NONE:
        return None
    found = next((topic for topic in topics if topic.name.casefold() == named), None)
    if found is None:
        raise ValueError(f"not a topic: {reply[:80]!r}")
    return found


def _named(reply: str) -> str:
    """What a reply names, in small letters; models that can't be held to a schema write something around it."""
    written = _OBJECT.search(reply)
    try:
        value = json.loads(written.group())["topic"] if written else reply.strip().strip("\"'.")
    except (ValueError, KeyError) as error:
        raise ValueError(f"not JSON of a topic: {reply[:80]!r}") from error
    return str(value).casefold()


CANT_JUDGE = (FamilychatError, ValueError)
"""What :func:`judge` raises."""
