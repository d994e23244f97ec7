"""Headers as words that can be compared, and the words that ``headers.toml`` knows."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from familychat_music.schema import Role

_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LATIN_ACCENTS = re.compile("[\u0300-\u036f]")
MAX_HEADER = 200
"""Characters of a header that are looked at."""


def fold(text: str) -> str:
    """Caseless, without the accents of Latin letters. The vowel signs of other scripts stay: they are letters."""
    plain = _LATIN_ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", plain).casefold()


@lru_cache(maxsize=4096)
def simplified(header: str) -> str:
    """A header as folded words with single spaces: "TrackName" and "track_name" are "track name"."""
    words = fold(_CAMEL.sub(" ", header[:MAX_HEADER]))
    return " ".join("".join(letter if _is_letter(letter) else " " for letter in words).split())


def _is_letter(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter) in {"Mn", "Mc"}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What ``headers.toml`` says, by simplified words. ``units`` are in seconds, ``months`` from 1 to 12."""

    sure: dict[str, Role]
    weak: dict[str, tuple[Role, ...]]
    noise: frozenset[str]
    units: dict[str, float]
    months: dict[str, int]
    totals: frozenset[str]


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The words, read once."""
    text = resources.files(__package__).joinpath("headers.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    weak: dict[str, tuple[Role, ...]] = {}
    for role in Role:
        for word in data[role.value].get("weak", ()):
            weak[simplified(word)] = (*weak.get(simplified(word), ()), role)
    return Vocabulary(
        sure={simplified(word): role for role in Role for word in (*data[role.value]["sure"], role.value)},
        weak=weak,
        noise=frozenset(simplified(word) for word in data["noise"]["words"]),
        units={simplified(word): float(unit) for unit, words in data["units"].items() for word in words},
        months={fold(word): int(month) for month, words in data["months"].items() for word in words},
        totals=frozenset(simplified(word) for word in data["totals"]["words"]),
    )
