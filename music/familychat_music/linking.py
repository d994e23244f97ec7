"""Linking: which words of a question name something that is in the library."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from familychat_music.index import SHORTEST_FUZZY, read_schema
from familychat_music.schema import Role, Schema
from familychat_music.text import base_text, link_key, words

LONGEST_NAME = 8
"""Words in a name, at most."""

MOST_PARTIAL = 25
"""More values than this share a word when the word names none of them."""

LEAST_USES = 0.2
"""Of the most used name that holds a word; below it, somebody else is hardly meant."""

SPELLINGS = 3
"""How many corrections of one word are tried."""

LEAST_LIKENESS = 78.0
"""Of rapidfuzz's ratio, 0 to 100. Below it, what looks alike is something else."""

LEAST_WHOLE_LIKENESS = 0.84
"""How much a whole name must look like what was typed, 0 to 1."""

EXACT, BASE = 1.0, 0.95
PARTIAL = {True: 0.75, False: 0.4}
"""A part of a person's name nearly names them; a part of a title or an album may be anything."""

PEOPLE = {Role.ARTIST, Role.ALBUM_ARTIST, Role.COMPOSER, Role.LYRICIST}
MISSPELLED = 0.85
"""What a corrected word takes from a link's score."""


@dataclass(frozen=True, slots=True)
class LinkedColumn:
    """A column whose values can be named."""

    table: str
    column: str
    role: Role | None


@dataclass(frozen=True, slots=True)
class Link:
    """The words from ``start`` to ``end`` (exclusive) name these ``values`` of a column.

    ``score`` is 0 to 1: 1 for the name as it is, less for a part of it or another spelling. ``uses`` counts the
    rows that hold the values; ``whole`` is false when they are only part of the values' names.
    """

    start: int
    end: int
    column: LinkedColumn
    values: tuple[str, ...]
    score: float
    uses: int
    whole: bool = True

    @property
    def length(self) -> int:
        return self.end - self.start


class Linker:
    """Looks names up in a library's index, read-only. Use it in one thread; close it afterwards."""

    def __init__(self, index: Path) -> None:
        self._connection = sqlite3.connect(f"{index.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        self.schema: Schema = read_schema(self._connection)
        self._columns = {
            row[0]: self._column(row[1], row[2])
            for row in self._connection.execute('SELECT id, "table", "column" FROM linked_column')
        }

    def _column(self, table: str, column: str) -> LinkedColumn:
        found = self.schema.table(table)
        described = found.column(column) if found else None
        return LinkedColumn(table, column, described.role if described else None)

    def close(self) -> None:
        self._connection.close()

    def links(self, typed: Sequence[str], *, skip: Collection[int] = (), right: Collection[int] = ()) -> list[Link]:
        """Every way in which words of ``typed`` name something, best first.

        Words whose places are in ``skip`` (the little words of the language) name nothing by themselves; those in
        ``right`` are words of the language, and spelt as they are meant.
        """
        found = self._whole(typed)
        found += self._parts(typed, skip, {})
        # A word that names something by itself may still be misspelled inside a longer name.
        known = {place for link in found for place in range(link.start, link.end)}
        within = {place for link in found if link.length > 1 for place in range(link.start, link.end)}
        spellings = self._spellings(typed, set(skip) | within | set(right))
        if spellings:
            corrected = self._parts(typed, skip, spellings)
            found += [link for link in corrected if link.length > 1 or link.start not in known]
        found += self._alike(typed, skip, within)
        return _best(found)

    def values_of(self, column: LinkedColumn, limit: int) -> list[tuple[str, int]]:
        """The most used values of a column, with how many rows hold them."""
        number = next(key for key, known in self._columns.items() if known == column)
        query = "SELECT text, uses FROM linked_value WHERE column_id = ? ORDER BY uses DESC, text LIMIT ?"
        return list(self._connection.execute(query, [number, limit]))

    def columns(self) -> list[LinkedColumn]:
        """Every column whose values can be named."""
        return list(self._columns.values())

    def _whole(self, typed: Sequence[str]) -> list[Link]:
        """Names written out, whatever their case, accents and spacing."""
        spans: dict[str, list[tuple[int, int]]] = {}
        for start, end in _spans(typed, LONGEST_NAME):
            for key in _keys(typed[start:end]):
                spans.setdefault(key, []).append((start, end))
        found: list[Link] = []
        for score, field in ((EXACT, "key"), (BASE, "base")):
            for key, column, values, uses in self._by_key(field, spans):
                found += [Link(start, end, self._columns[column], values, score, uses) for start, end in spans[key]]
        return found

    def _by_key(self, field: str, keys: Iterable[str]) -> Iterable[tuple[str, int, tuple[str, ...], int]]:
        wanted = list(keys)
        marks = ", ".join("?" for _ in wanted)
        rows = self._connection.execute(
            f"SELECT {field}, column_id, text, uses FROM linked_value WHERE {field} IN ({marks})",  # noqa: S608
            wanted,
        )
        grouped: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for key, column, text, uses in rows:
            grouped.setdefault((key, column), []).append((text, uses))
        for (key, column), values in grouped.items():
            yield key, column, tuple(text for text, _ in values), sum(uses for _, uses in values)

    def _parts(
        self, typed: Sequence[str], skip: Collection[int], spellings: dict[int, tuple[tuple[str, float], ...]]
    ) -> list[Link]:
        """Names of which the question has only some words, or words in another spelling."""
        found: list[Link] = []
        for start, end in _spans(typed, LONGEST_NAME):
            if start in skip or end - 1 in skip:
                continue
            if spellings and not any(place in spellings for place in range(start, end)):
                continue
            for wanted, likeness in _variants(typed[start:end], start, spellings):
                found += self._holding(start, end, wanted, likeness)
        return found

    def _holding(self, start: int, end: int, wanted: list[str], likeness: float) -> list[Link]:
        quoted = " ".join(f'"{word}"' for word in wanted)
        rows = self._connection.execute(
            "SELECT v.column_id, v.text, v.uses FROM value_words w JOIN linked_value v ON v.id = w.rowid "
            "WHERE value_words MATCH ? LIMIT ?",
            [quoted, 40 * MOST_PARTIAL],
        ).fetchall()
        grouped: dict[int, list[tuple[str, int]]] = {}
        for column, text, uses in rows:
            grouped.setdefault(column, []).append((text, uses))
        found = []
        for column, values in grouped.items():
            kept = _fitting(wanted, values, self._columns[column].role)
            if kept:
                texts, share = kept
                uses = sum(count for text, count in values if text in texts)
                known = self._columns[column]
                least = PARTIAL[known.role in PEOPLE]
                score = (least + (BASE - least) * share) * likeness
                found.append(Link(start, end, known, texts, score, uses, whole=share == 1.0))
        return found

    def _alike(self, typed: Sequence[str], skip: Collection[int], within: set[int]) -> list[Link]:
        """Titles of which one word is right and the whole looks right: "blinding lites"."""
        from rapidfuzz import fuzz

        found = []
        for start, end in _spans(typed, LONGEST_NAME):
            places = range(start, end)
            if end - start < 2 or start in skip or end - 1 in skip or not within.isdisjoint(places):  # noqa: PLR2004
                continue
            joined = link_key(" ".join(typed[start:end]))
            for place in places:
                word = link_key(typed[place])
                if place in skip or len(word) < SHORTEST_FUZZY:
                    continue
                for column, text, uses in self._with_word(word):
                    likeness = fuzz.ratio(joined, link_key(base_text(text))) / 100
                    if likeness >= LEAST_WHOLE_LIKENESS:
                        found.append(Link(start, end, self._columns[column], (text,), likeness * BASE, uses))
        return found

    def _with_word(self, word: str) -> list[tuple[int, str, int]]:
        return self._connection.execute(
            "SELECT v.column_id, v.text, v.uses FROM value_words w JOIN linked_value v ON v.id = w.rowid "
            "WHERE value_words MATCH ? LIMIT ?",
            [f'"{word}"', MOST_PARTIAL * 4],
        ).fetchall()

    def _spellings(self, typed: Sequence[str], known: Collection[int]) -> dict[int, tuple[tuple[str, float], ...]]:
        """For each word that names nothing: the library's words that look most like it, with their likeness."""
        found = {}
        for place, text in enumerate(typed):
            word = link_key(text)
            if place in known or len(word) < SHORTEST_FUZZY or not word.isalpha():
                continue
            close = self._close_words(word)
            if close:
                found[place] = close
        return found

    def _close_words(self, word: str) -> tuple[tuple[str, float], ...]:
        from rapidfuzz import fuzz, process
        from rapidfuzz.distance import DamerauLevenshtein

        trigrams = sorted({word[i : i + 3] for i in range(len(word) - 2)})
        match = " OR ".join(f'"{gram}"' for gram in trigrams)
        rows = self._connection.execute(
            "SELECT word FROM spelling WHERE spelling MATCH ? ORDER BY rank LIMIT 60", [match]
        )
        candidates = [row[0] for row in rows if row[0] != word]
        scored = process.extract(word, candidates, scorer=fuzz.ratio, score_cutoff=LEAST_LIKENESS - 10, limit=12)
        close = [
            (text, MISSPELLED + (1 - MISSPELLED) * DamerauLevenshtein.normalized_similarity(word, text) * 0.9)
            for text, score, _ in scored
            if score >= LEAST_LIKENESS or DamerauLevenshtein.distance(word, text) == 1
        ]
        close.sort(key=lambda pair: -pair[1])
        return tuple(close[:SPELLINGS])


def _spans(typed: Sequence[str], longest: int) -> Iterable[tuple[int, int]]:
    for start in range(len(typed)):
        for end in range(start + 1, min(start + longest, len(typed)) + 1):
            yield start, end


def _keys(typed: Sequence[str]) -> set[str]:
    """The keys a name can have: as typed, without a possessive or plural s, without an article."""
    joined = " ".join(typed)
    forms = {joined, _without_possessive(joined)}
    if len(joined) > SHORTEST_FUZZY and joined[-1] in "sS" and not joined.endswith("ss"):
        forms.add(joined[:-1])
    if typed[0].casefold() in {"the", "die", "los", "les"} and len(typed) > 1:
        forms.add(" ".join(typed[1:]))
    keys = {key for key in map(link_key, forms) if key}
    return {*keys, "randb"} if "rnb" in keys else keys


def _without_possessive(text: str) -> str:
    for ending in ("'s", "\u2019s", "s'", "s\u2019"):
        if text.endswith(ending):
            return text[: -len(ending)] + ("s" if ending[0] == "s" else "")
    return text


def _variants(
    typed: Sequence[str], start: int, spellings: dict[int, tuple[tuple[str, float], ...]]
) -> Iterable[tuple[list[str], float]]:
    """The words of a span as typed; with ``spellings``, the span with its unknown words corrected."""
    plain = words(_without_possessive(" ".join(typed)))
    if not spellings:
        if plain:
            yield plain, 1.0
        return
    for choice in range(SPELLINGS):
        likeness, parts = 1.0, []
        for place, text in enumerate(typed, start):
            options = spellings.get(place, ())
            if options:
                word, alike = options[min(choice, len(options) - 1)]
                parts.append(word)
                likeness *= alike
            else:
                parts += words(text)
        yield parts, likeness


def _fitting(
    wanted: list[str], values: list[tuple[str, int]], role: Role | None
) -> tuple[tuple[str, ...], float] | None:
    """Which of the values that hold the words are meant, and how much of their names the words are (0 to 1)."""
    joined = "".join(wanted)
    shares = [(text, len(joined) / max(len(link_key(text)), 1)) for text, _ in values]
    whole = tuple(text for text, _ in shares if joined in {link_key(text), link_key(base_text(text))})
    if whole:
        return whole, 1.0
    if role is Role.TITLE and (len(wanted) < 2 or max(share for _, share in shares) < 0.4):  # noqa: PLR2004
        return None
    if len(values) > MOST_PARTIAL or len(joined) < 3:  # noqa: PLR2004
        return None
    most = max(uses for _, uses in values)
    known = {text for text, uses in values if uses >= most * LEAST_USES}
    shares = [(text, share) for text, share in shares if text in known]
    return tuple(text for text, _ in shares), min(1.0, max(share for _, share in shares))


def _best(found: list[Link]) -> list[Link]:
    """Each span and column once, with its best link; the longest and surest first."""
    kept: dict[tuple[int, int, LinkedColumn], Link] = {}
    for link in found:
        place = (link.start, link.end, link.column)
        if place not in kept or link.score > kept[place].score:
            kept[place] = link
    return sorted(kept.values(), key=lambda link: (-link.length * link.score, -link.score, link.start))
