"""Lists of words and phrases, and finding them in texts: whole words only, so that Essex stays a county.

A phrase is written as it is said. In it, ``kill*`` stands for every word that begins so, ``make/build`` for either
word, ``...`` for up to four words in between, and ``#`` for a number.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from familychat.errors import InvalidInputError
from familychat.family.safety.folding import Word, bared_words, fold, plain_words
from familychat.wording import Text

GAP_WORDS = 4
MIN_BEGINNING = 3
"""Bytes in UTF-8: three letters of ours, one and more of Hindi."""
LONGEST_SPACED = 24
"""Letters of a word that is spelled with gaps: each is a word of its own there."""

_NUMBER = "#"


@dataclass(frozen=True, slots=True)
class Piece:
    """One place of a phrase: any of these words, or of these beginnings; ``gap``: other words may come before it."""

    words: frozenset[str]
    beginnings: tuple[str, ...]
    number: bool = False
    gap: bool = False

    def fits(self, word: Word) -> bool:
        return any(
            form in self.words or form.startswith(self.beginnings) or (self.number and form[0].isdigit())
            for form in word.forms
        )


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of a topic; ``language`` is empty for one that the household added."""

    topic: str
    language: str
    pieces: tuple[Piece, ...]

    @property
    def reach(self) -> int:
        """The most words that it takes up."""
        return len(self.pieces) + GAP_WORDS * sum(piece.gap for piece in self.pieces)

    def ends(self, words: Sequence[Word], start: int, number: int = 0) -> Iterator[int]:
        """Where it can end (exclusive) when it begins at ``start``."""
        if number == len(self.pieces):
            yield start
            return
        piece = self.pieces[number]
        for place in range(start, min(len(words), start + 1 + GAP_WORDS * piece.gap)):
            if piece.fits(words[place]):
                yield from self.ends(words, place + 1, number + 1)


def parse(text: str, topic: str, language: str = "") -> Phrase:
    """A phrase as it is written in a list; raises :class:`InvalidInputError` if it can't be one."""
    pieces: list[Piece] = []
    gap = False
    for part in text.split():
        if part in {"...", "…"}:
            gap = True
            continue
        pieces += _pieces(part, text, gap=gap and bool(pieces))
        gap = False
    first = pieces[0] if pieces else None
    if first is None or first.number or (len(pieces) == 1 and any(len(word) <= 1 for word in first.words)):
        raise InvalidInputError(
            Text("“%(text)s” has no word to look for. Nothing was changed.", text=text), "Write a whole word."
        )
    return Phrase(topic, language, tuple(pieces))


def _pieces(part: str, text: str, *, gap: bool) -> Iterator[Piece]:
    if part == _NUMBER:
        yield Piece(frozenset(), (), number=True, gap=gap)
        return
    alternatives = [(_spelled(one), one.endswith("*")) for one in part.split("/")]
    if len(alternatives) == 1:
        words, open_ended = alternatives[0]
        for number, word in enumerate(words):
            alone = _piece([(word, open_ended and number == len(words) - 1)], text)
            yield Piece(alone.words, alone.beginnings, gap=gap and number == 0)
        return
    if any(len(words) != 1 for words, _ in alternatives):
        raise InvalidInputError(
            Text("In “%(text)s”, only single words can stand beside a slash. Nothing was changed.", text=text)
        )
    piece = _piece([(words[0], open_ended) for words, open_ended in alternatives], text)
    yield Piece(piece.words, piece.beginnings, gap=gap)


def _piece(words: Sequence[tuple[str, bool]], text: str) -> Piece:
    if any(open_ended and len(word.encode()) < MIN_BEGINNING for word, open_ended in words):
        raise InvalidInputError(
            Text(
                "In “%(text)s”, a beginning is too short: it would be in every other text. Nothing was changed.",
                text=text,
            ),
            Text("Write at least %(least)s letters before the *.", least=MIN_BEGINNING),
        )
    return Piece(
        frozenset(word for word, open_ended in words if not open_ended),
        tuple(word for word, open_ended in words if open_ended),
    )


def _spelled(part: str) -> list[str]:
    return [word.forms[0] for word in plain_words(fold(part))]


class _Index:
    """Phrases by their first word."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._whole: dict[str, list[Phrase]] = defaultdict(list)
        self._beginnings: dict[str, list[Phrase]] = defaultdict(list)
        self.reach = 1
        for phrase in phrases:
            self.reach = max(self.reach, phrase.reach)
            for word in phrase.pieces[0].words:
                self._whole[word].append(phrase)
            for beginning in phrase.pieces[0].beginnings:
                self._beginnings[beginning].append(phrase)
        self._lengths = sorted({len(beginning) for beginning in self._beginnings})

    def matches(self, words: Sequence[Word]) -> Iterator[tuple[Phrase, int, int]]:
        """Phrases with where they begin and end (exclusive), by their beginnings."""
        for start, word in enumerate(words):
            for phrase in self._beginning_with(word):
                for end in phrase.ends(words, start):
                    yield phrase, start, end

    def _beginning_with(self, word: Word) -> Iterator[Phrase]:
        for form in word.forms:
            yield from self._whole.get(form, ())
            for length in self._lengths:
                yield from self._beginnings.get(form[:length], ()) if len(form) >= length else ()


@dataclass(slots=True)
class WordList:
    """What to look for, and what only looks like it: a harmless phrase of a topic hides what it covers."""

    phrases: Sequence[Phrase]
    harmless: Sequence[Phrase] = ()
    _sought: _Index = field(init=False)
    _spared: _Index = field(init=False)

    def __post_init__(self) -> None:
        self._sought, self._spared = _Index(self.phrases), _Index(self.harmless)

    def find(self, text: str, *, before: str = "") -> Phrase | None:
        """The first phrase that ends in the text; it may begin in what came ``before``."""
        folded, known = fold(before + text), len(fold(before))
        plain = plain_words(folded)
        bared = bared_words(folded)
        found = self._first(plain, known)
        if found is None and [word.forms for word in bared] != [word.forms for word in plain]:
            found = self._first(bared, known)
        return found

    def _first(self, words: Sequence[Word], known: int) -> Phrase | None:
        spared: set[tuple[str, int]] | None = None
        for phrase, start, end in self._sought.matches(words):
            if words[end - 1].end <= known:
                continue
            if spared is None:
                spared = {
                    (harmless.topic, place)
                    for harmless, begins, ends in self._spared.matches(words)
                    for place in range(begins, ends)
                }
            if not {(phrase.topic, start), (phrase.topic, end - 1)} & spared:
                return phrase
        return None

    def tail(self, text: str) -> str:
        """As much of the end of a text as a phrase could have begun in."""
        reach = max(self._sought.reach, self._spared.reach, LONGEST_SPACED)
        recent = text[-LONGEST_TAIL:]
        chunks = [found.start() for found in re.finditer(r"\S+", recent)]
        return recent[chunks[-reach] :] if len(chunks) > reach else recent


LONGEST_TAIL = 2000
