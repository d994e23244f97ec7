"""What a header says its column is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from familychat_music.importing.words import MAX_HEADER, simplified, vocabulary
from familychat_music.schema import Role

_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_EITHER = re.compile(r"[/|,;\n]")
_CLOCK_WORDS = frozenset({"mm", "ss", "hh", "h", "m", "mmss", "hhmmss"})
_SONG_TABLES = frozenset(
    {"", "song", "songs", "track", "tracks", "title", "titles", "music", "library", "files", "item", "items"}
)
_TABLE_ROLES = {
    "artist": Role.ARTIST,
    "album": Role.ALBUM,
    "record": Role.ALBUM,
    "genre": Role.GENRE,
    "composer": Role.COMPOSER,
    "lyricist": Role.LYRICIST,
    "playlist": Role.PLAYLIST,
    "label": Role.LABEL,
    "language": Role.LANGUAGE,
    "mood": Role.MOOD,
    "film": Role.FILM,
    "movie": Role.FILM,
}


class Strength(IntEnum):
    """How much a header proves: ``WEAK`` needs the cells to agree."""

    WEAK = 1
    LOOSE = 2
    SURE = 3
    CANONICAL = 4
    GIVEN = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """A role that a header may mean. ``unit`` is what it says about numbers, in seconds: "(ms)" is 0.001."""

    role: Role
    strength: Strength
    unit: float | None = None


def role_of_header(header: str) -> Role | None:
    """The role that a header names by itself; None if it names none, or could mean several things."""
    claims = claims_of(header)
    return claims[0].role if claims and claims[0].strength > Strength.WEAK else None


@lru_cache(maxsize=4096)
def claims_of(header: str, table: str = "") -> tuple[Claim, ...]:
    """The roles that a header may mean, the likeliest first. ``table`` is where a database has the column."""
    header = header[:MAX_HEADER]
    words = simplified(header)
    if not words:
        return ()
    if (named := _named_after_table(words, table)) is not None:
        return (Claim(named, Strength.SURE),)
    if header == words.replace(" ", "_") == header.lower() and words.replace(" ", "_") in set(Role):
        return (Claim(Role(words.replace(" ", "_")), Strength.CANONICAL), *_weak(words, table))
    if (role := vocabulary().sure.get(words)) is not None:
        return (Claim(role, Strength.SURE, _unit(words)), *_weak(words, table))
    loose = _loose(header, words)
    return (*((loose,) if loose else ()), *_weak(words, table))


def _named_after_table(words: str, table: str) -> Role | None:
    """What a bare "name" or "title" is in a table such as ``artists``."""
    subject = simplified(table).removesuffix("s")
    if subject in _TABLE_ROLES and words in {"name", "title", f"{subject} name", f"{subject} title", subject}:
        return _TABLE_ROLES[subject]
    return None


def _weak(words: str, table: str) -> tuple[Claim, ...]:
    if simplified(table) not in _SONG_TABLES:
        return ()
    return tuple(Claim(role, Strength.WEAK, _unit(words)) for role in vocabulary().weak.get(words, ()))


def _unit(words: str) -> float | None:
    units = {unit for word in words.split() if (unit := vocabulary().units.get(word)) is not None}
    return units.pop() if len(units) == 1 else None


def _loose(header: str, words: str) -> Claim | None:
    """A claim after leaving out units, asides, filler words, or one of two languages."""
    known = vocabulary()
    kept = words.split()
    timeless = " ".join(word for word in kept if word not in known.units and word not in _CLOCK_WORDS)
    if known.sure.get(timeless) is Role.DURATION or (timeless != words and timeless in {"time", "zeit", "samay"}):
        return Claim(Role.DURATION, Strength.SURE, _unit(words))
    candidates = [
        " ".join(word for word in kept if word not in known.noise),
        simplified(_ASIDE.sub(" ", header)),
        " ".join(word for word in simplified(_ASIDE.sub(" ", header)).split() if word not in known.noise),
    ]
    for candidate in candidates:
        if (role := known.sure.get(candidate)) is not None:
            return Claim(role, Strength.LOOSE, _unit(words))
    either = {known.sure[part] for piece in _EITHER.split(header) if (part := simplified(piece)) in known.sure}
    return Claim(either.pop(), Strength.LOOSE, _unit(words)) if len(either) == 1 else None
