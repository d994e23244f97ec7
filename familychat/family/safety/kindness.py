"""What is said instead of a blocked answer: kind, in the question's language, and with somewhere to turn to."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from familychat.family.safety.folding import fold, plain_words
from familychat.family.safety.topics import ENGLISH, Topic

READ_LETTERS = 2000

_HINDI_LETTERS = ("\u0900", "\u097f")


@cache
def _answers() -> Mapping[str, Mapping[str, str]]:
    text = files(__package__).joinpath("kind_answers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _little_words() -> Mapping[str, frozenset[str]]:
    """Words that are in most questions of one language and in hardly any of the other four."""
    return {language: frozenset(texts["little_words"].split()) for language, texts in _answers().items()}


def language_of(text: str, otherwise: str = "") -> str:
    """The one of the five languages that a text is in; if it can't be told, ``otherwise``, else English."""
    words = [word.forms[0] for word in plain_words(fold(text[:READ_LETTERS]))]
    scores = {language: sum(word in little for word in words) for language, little in _little_words().items()}
    scores["hi"] += sum(_HINDI_LETTERS[0] <= word[0] <= _HINDI_LETTERS[1] for word in words)
    best = sorted(scores.values())[-2:]
    if best[0] == best[1]:
        return otherwise if otherwise in scores else ENGLISH
    return max(scores, key=lambda language: scores[language])


def kind_answer(topic: Topic, *, side: str, language: str, noted: bool) -> str:
    """The text for a blocked question or answer (``side``); ``noted`` says openly that the event is kept."""
    texts = _answers()[language]
    # Whoever is cut off in a helpful answer isn't in need, but whoever asked may be.
    text = texts["help"] if topic.help else texts[side].replace("{topic}", topic.label(language))
    return f"{text}\n\n{texts['noted']}" if noted else text
