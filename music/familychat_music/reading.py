"""Reading a question: its words, what the lexicon says of them, its numbers, and the names it links to."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from familychat_music.lexicon import Lexicon, Sense, language_of, lexicon, plain_word
from familychat_music.linking import Link, Linker
from familychat_music.text import tokens

MOST_WORDS = 80
"""Longer questions are read up to here; nobody asks for a song in more words."""

FIRST_YEAR, LAST_YEAR = 1000, 2100
AND_OR = {"or", "nor", "and", "oder", "und", "noch", "o", "ni", "y", "ou", "et", "या", "और", "ya", "aur"}
_QUOTES = {'"', "\u201c", "\u201d", "\u00ab", "\u00bb", "\u201e"}
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d\d)")
_GLUED = re.compile(r"(\d+(?:\.\d+)?)(s|sec|m|min|mins|h|hr|hrs)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Item:
    """A stretch of a question, words ``start`` to ``end`` (exclusive).

    ``senses`` is what the lexicon says of it, ``link`` the name it is, ``number`` its number; ``clock`` is true for
    a number written as a duration (in seconds), and ``quoted`` for words in quotation marks.
    """

    start: int
    end: int
    text: str
    senses: tuple[Sense, ...] = ()
    link: Link | None = None
    number: float | None = None
    clock: bool = False
    quoted: bool = False

    def entry(self, heading: str) -> str | None:
        """The entry it has under a heading of the lexicon."""
        return next((sense.entry for sense in self.senses if sense.heading == heading), None)

    def entries(self, heading: str) -> list[str]:
        return [sense.entry for sense in self.senses if sense.heading == heading]

    @property
    def year(self) -> int | None:
        """The number as a year, if it can be one."""
        if self.number is None or self.clock or not self.number.is_integer():
            return None
        return int(self.number) if FIRST_YEAR < self.number < LAST_YEAR and len(self.text) == 4 else None  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Question:
    """A question in its words. ``quoted`` are the stretches between quotation marks."""

    text: str
    words: tuple[str, ...]
    plain: tuple[str, ...]
    quoted: tuple[tuple[int, int], ...]
    language: str
    marks: tuple[Item, ...] = field(default=())

    @property
    def lexicon(self) -> Lexicon:
        return lexicon(self.language)

    def is_little(self, place: int) -> bool:
        return self.plain[place] in self.lexicon.little_words


def read(text: str, language: str | None = None) -> Question:
    """Split a question and look its words up in the lexicon of its language."""
    words: list[str] = []
    quoted: list[tuple[int, int]] = []
    opened: int | None = None
    for word, _, _ in tokens(text):
        if word in _QUOTES:
            if opened is not None and len(words) > opened:
                quoted.append((opened, len(words)))
            opened = None if opened is not None else len(words)
            continue
        glued = _GLUED.fullmatch(word)
        words += [glued[1], glued[2]] if glued and not _is_decade(glued) else [word]
    words = words[:MOST_WORDS]
    plain = tuple(plain_word(word) for word in words)
    question = Question(text, tuple(words), plain, tuple(quoted), language or language_of(words))
    return replace(question, marks=tuple(_marks(question)))


def _is_decade(glued: re.Match[str]) -> bool:
    return glued[2].casefold() == "s" and (len(glued[1]) == 4 or glued[1].endswith("0"))  # noqa: PLR2004


def _marks(question: Question) -> list[Item]:
    """The phrases of the lexicon that a question holds, the longest first, and its numbers."""
    known = question.lexicon
    found: list[Item] = []
    place = 0
    while place < len(question.words):
        size = next(
            (
                size
                for size in range(min(known.longest, len(question.words) - place), 0, -1)
                if known.senses(question.plain[place : place + size])
            ),
            0,
        )
        number = _number(question.words[place])
        if size > 1 or (size and number is None):
            text = " ".join(question.words[place : place + size])
            senses = known.senses(question.plain[place : place + size])
            value = next((_value(sense.entry) for sense in senses if sense.heading == "number"), None)
            found.append(Item(place, place + size, text, senses, number=value))
        elif number is not None:
            value, clock = number
            found.append(Item(place, place + 1, question.words[place], number=value, clock=clock))
        place += max(size, 1)
    return found


def _value(entry: str) -> float:
    return 0.5 if entry == "half" else float(entry)


def _number(word: str) -> tuple[float, bool] | None:
    clock = _CLOCK.fullmatch(word)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return hours * 3600.0 + minutes * 60 + seconds, True
    try:
        value = float(word.replace(",", ""))
    except ValueError:
        return None
    return (value, False) if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a question: its items in order, without overlaps, and how likely the way is (a sum of points)."""

    question: Question
    items: tuple[Item, ...]
    score: float

    @property
    def links(self) -> list[Link]:
        return [item.link for item in self.items if item.link]


def links_of(question: Question, linker: Linker) -> list[Link]:
    """What the question's words can name."""
    skip = {place for place in range(len(question.words)) if question.is_little(place)}
    spoken = {place for mark in question.marks if mark.senses for place in range(mark.start, mark.end)}
    return linker.links(question.words, skip=skip, right=spoken)


def items_with(question: Question, links: Sequence[Link]) -> tuple[Item, ...]:
    """The question's items when ``links`` (not overlapping) are what its words name."""
    taken = {place for link in links for place in range(link.start, link.end)}
    items = [Item(link.start, link.end, " ".join(question.words[link.start : link.end]), link=link) for link in links]
    items += [mark for mark in question.marks if not taken.intersection(range(mark.start, mark.end))]
    taken |= {place for mark in items for place in range(mark.start, mark.end)}
    for start, end in question.quoted:
        if not any(link.start <= start and end <= link.end for link in links):
            inside = set(range(start, end))
            items = [item for item in items if not inside.intersection(range(item.start, item.end))]
            items.append(Item(start, end, " ".join(question.words[start:end]), quoted=True))
            taken |= inside
    items += [Item(place, place + 1, word) for place, word in enumerate(question.words) if place not in taken]
    return tuple(sorted(items, key=lambda item: item.start))
