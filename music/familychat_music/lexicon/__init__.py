"""The words of each language, as data: one TOML file a language, all with the same headings."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from familychat_music.text import fold, tokens

DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Sense:
    """What a phrase can mean: a heading of the lexicon (``superlative``) and an entry (``year desc``)."""

    heading: str
    entry: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The phrases of one language, each a tuple of folded words, with everything they can mean."""

    language: str
    phrases: dict[tuple[str, ...], tuple[Sense, ...]]
    little_words: frozenset[str]
    longest: int

    def senses(self, words: Sequence[str]) -> tuple[Sense, ...]:
        return self.phrases.get(tuple(words), ())


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of a language that :func:`languages` lists."""
    text = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    sections = tomllib.loads(text)
    sections.pop("language")
    little = frozenset(fold(word) for word in sections.pop("stop")["words"])
    phrases: dict[tuple[str, ...], tuple[Sense, ...]] = {}
    for heading, entries in sections.items():
        for entry, variants in entries.items():
            for variant in variants:
                key = folded_words(variant)
                phrases[key] = (*phrases.get(key, ()), Sense(heading, entry))
    return Lexicon(language, phrases, little, max(map(len, phrases)))


@cache
def languages() -> tuple[str, ...]:
    """The languages there are, English first."""
    names = sorted(
        path.name.removesuffix(".toml") for path in files(__package__).iterdir() if path.name[-5:] == ".toml"
    )
    return (DEFAULT, *(name for name in names if name != DEFAULT))


def folded_words(text: str) -> tuple[str, ...]:
    """The words of a phrase as they are compared; apostrophes are left out."""
    return tuple(plain_word(word) for word, _, _ in tokens(text))


def plain_word(word: str) -> str:
    """One word as it is compared."""
    return fold(word).replace("'", "").replace("\u2019", "")


def language_of(typed: Iterable[str]) -> str:
    """The language whose words a question uses most; English when none is ahead."""
    spoken = [plain_word(word) for word in typed]
    points = {name: _points(lexicon(name), spoken) for name in languages()}
    return max(points, key=lambda name: points[name])


def _points(known: Lexicon, spoken: Sequence[str]) -> int:
    points = sum(word in known.little_words for word in spoken)
    for place in range(len(spoken)):
        for size in range(1, min(3, len(spoken) - place) + 1):
            points += size * bool(known.senses(spoken[place : place + size]))
    return points
