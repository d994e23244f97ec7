"""Which of the names that a question's words could be are meant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from familychat_music.linking import Link
from familychat_music.reading import AND_OR, Item, Question, Reading, items_with
from familychat_music.schema import Role

MOST_READINGS = 5

# The points below were set on the development questions in contrib/evaluation, never on the held-out ones.
LEAST_POINTS = 0.2
"""A name with fewer is taken for chance."""

ROLE_POINTS = {
    Role.GENRE: 0.25,
    Role.LANGUAGE: 0.25,
    Role.ARTIST: 0.2,
    Role.COMPOSER: 0.1,
    Role.FILM: 0.1,
    Role.PLAYLIST: 0.05,
    Role.TITLE: -0.1,
}
CUE_POINTS = 0.45
AGAINST_CUE = -0.4
SINGLE_TITLE_WORD = -0.35
COVERED_MARK = {True: -0.1, False: -0.75}
"""What each word costs that already means something: little in a name with words of its own, much without."""
EACH_NAME = -0.45
"""What each name costs, so that one long name beats several short ones."""
NAMES_WHAT_IS_ASKED = -0.5
"""Who sings "..." asks for an artist, and so names none."""
BARE_NUMBER = -0.8
QUOTED = 0.6
LITTLE_ONLY = -1.3
LITTLE_TITLE = -0.3
"""For a title like \"So What\" where a song is asked about."""
LONG_ENOUGH = 3
"""So many little words together are a name again, as in \"All Too Well\"."""
WORD_POINTS = {True: 0.9, False: 0.6}
"""What each further word adds: to a whole name, and to a part of one."""
ONE_SONG = {Role.TITLE: 0.4, Role.ALBUM: -0.3}
"""Added where the question asks what a single song is like."""
EACH_VALUE = -0.03
UNCUED_PART = -0.4
"""For one word of a name that nothing says is a name."""
COVERED_ASKED = -0.5
"""For a name that swallows the word for what is asked, as \"pop songs\" would."""

_ASKS_ABOUT_ONE = {
    "playlist",
    "film",
    "label",
    "lyricist",
    "date_added",
    "mood",
    "bpm",
    "key",
    "country",
    "play_count",
    "artist",
    "album",
    "genre",
    "year",
    "duration_seconds",
    "composer",
    "popularity",
    "rating",
    "language",
}
_RELATED = {
    Role.ARTIST: {Role.ARTIST, Role.ALBUM_ARTIST},
    Role.FILM: {Role.FILM, Role.ALBUM},
    Role.ALBUM: {Role.ALBUM, Role.FILM},
}


@dataclass(frozen=True, slots=True)
class _Candidate:
    link: Link
    points: float


def readings(question: Question, links: Sequence[Link]) -> list[Reading]:
    """The likeliest ways to read a question, best first; the first uses the names with the most points together."""
    candidates = [
        candidate for link in links if (candidate := _Candidate(link, _points(question, link))).points >= LEAST_POINTS
    ]
    first = _best_set(candidates)
    sets = [first]
    for chosen in first:
        without = _best_set([candidate for candidate in candidates if candidate is not chosen])
        if without not in sets:
            sets.append(without)
    sets.sort(key=lambda chosen: -sum(candidate.points for candidate in chosen))
    return [
        Reading(question, items_with(question, [one.link for one in chosen]), sum(one.points for one in chosen))
        for chosen in sets[:MOST_READINGS]
    ]


def _best_set(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The candidates without overlaps whose points sum to the most (weighted interval scheduling)."""
    ordered = sorted(candidates, key=lambda one: one.link.end)
    best: list[tuple[float, list[_Candidate]]] = [(0.0, [])]
    for number, one in enumerate(ordered):
        before = sum(other.link.end <= one.link.start for other in ordered[:number])
        total, chosen = best[before]
        taken = (total + one.points, [*chosen, one])
        best.append(max(best[-1], taken, key=lambda pair: pair[0]))
    return sorted(best[-1][1], key=lambda one: one.link.start)


def _points(question: Question, link: Link) -> float:
    span = range(link.start, link.end)
    role = link.column.role
    title = (
        link.whole and link.length > 1 and role is Role.TITLE and _about_one(question) and _small_talk(question, span)
    )
    long = link.whole and link.length >= LONG_ENOUGH
    telling = max(sum(not question.is_little(place) for place in span), link.length // 2 + 1 if long else 1)
    points = link.score * (1 + WORD_POINTS[link.whole] * (telling - 1))
    points += ROLE_POINTS.get(role, 0.0) if role else 0.0
    points += 0.05 * math.log10(1 + link.uses)
    quoted = any(start <= link.start and link.end <= end for start, end in question.quoted)
    cued = _cue_points(question, link)
    points += cued + QUOTED * quoted + EACH_NAME
    if cued <= 0 and role == _first_asked(question) and role is not Role.TITLE and not _denied(question, link):
        points += NAMES_WHAT_IS_ASKED
    asked = asked_marks(question)
    marked = {
        place
        for mark in question.marks
        if (mark.senses and not mark.entry("lacking") and (mark.entry("asked") is None or mark in asked))
        or mark.number is not None
        for place in range(mark.start, mark.end)
        if place in span
    }
    own = sum(not question.is_little(place) and place not in marked for place in span)
    alone = cued > 0 and link.whole and len(marked) == link.length == 1 and link.start not in {a.start for a in asked}
    if not (quoted or alone or _called(question, link)):
        points += COVERED_ASKED * (not long) * any(set(range(mark.start, mark.end)) & set(span) for mark in asked)
        points += len(marked) * COVERED_MARK[long or title or (own > 0 and link.whole)]
    if not link.whole:
        points += EACH_VALUE * len(link.values)
        points += UNCUED_PART * (telling == 1 and cued <= 0 and not _beside_asked(question, link))
    if role is not None and _about_one(question):
        points += ONE_SONG.get(role, 0.0)
    little = all(question.is_little(place) for place in span) and not long
    if little and title:
        little, points = False, points + LITTLE_TITLE
    if little and not (quoted or _called(question, link)):
        points += LITTLE_ONLY
    if all(question.words[place].isdigit() for place in span) and not (quoted or cued > 0):
        points += BARE_NUMBER
    if role is Role.TITLE and telling <= 1 and not (quoted or cued > 0 or _about_one(question)):
        points += SINGLE_TITLE_WORD
    return points


def _denied(question: Question, link: Link) -> bool:
    return any(mark.entry("negation") and mark.end == link.start for mark in question.marks)


def _beside_asked(question: Question, link: Link) -> bool:
    if link.start and question.plain[link.start - 1] in AND_OR:
        return True
    return any(
        (mark.start == link.end or mark.end == link.start) and (mark.entry("asked") or mark.entry("negation"))
        for mark in question.marks
    )


def _small_talk(question: Question, span: range) -> bool:
    """Whether the words of a span say nothing that a question about music is made of: no number, no "how many"."""
    inside = [mark for mark in question.marks if set(range(mark.start, mark.end)) & set(span)]
    return all(mark.number is None and {sense.heading for sense in mark.senses} <= _SMALL for mark in inside)


def _compared_with(question: Question, link: Link) -> bool:
    """Longer than a song, older than a song."""
    return any(
        _just_before(question, mark, link) and (mark.entry("compare_role") or mark.text.endswith("than"))
        for mark in question.marks
    )


def _called(question: Question, link: Link) -> bool:
    return any(mark.entry("contains") == "called" and mark.end == link.start for mark in question.marks)


def _first_asked(question: Question) -> str | None:
    return next((asked for mark in asked_marks(question) if (asked := mark.entry("asked"))), None)


def asked_marks(question: Question) -> list[Item]:
    """The words that ask for something; the first of "film songs" only says which songs."""
    titles = {mark.start for mark in question.marks if mark.entry("asked") == Role.TITLE}
    return [
        mark
        for mark in question.marks
        if mark.entry("asked") and (mark.end not in titles or mark.entry("asked") not in {Role.FILM, Role.ALBUM})
    ]


def _about_one(question: Question) -> bool:
    """Whether the question asks what a single song is like: who sings it, how long it is."""
    for mark in question.marks:
        if mark.entry("asked") == Role.TITLE:
            return False
        if mark.entry("asked") in _ASKS_ABOUT_ONE:
            return True
    return False


def _cue_points(question: Question, link: Link) -> float:
    """Points for a word before or after the name that says what it is, as in "the album ..." or "by ..."."""
    against = 0.0
    number = question.words[link.start][0].isdigit()
    if link.column.role is Role.TITLE and not number and _compared_with(question, link):
        return CUE_POINTS
    for mark in question.marks:
        for cue in mark.entries("cue"):
            if _just_before(question, mark, link) or (cue in _AFTER and mark.start == link.end == mark.end - 1):
                if link.column.role in _RELATED.get(Role(cue), {Role(cue)}):
                    return CUE_POINTS
                near = mark.end == link.start or mark.start == link.end
                against = AGAINST_CUE if near and link.column.role not in _ADJECTIVES else against
    spoken = {mark.entry("hint") or mark.entry("asked") for mark in question.marks}
    if link.column.role in _PEOPLE and link.column.role in spoken - {_first_asked(question)}:
        return CUE_POINTS
    return against


_PEOPLE = {Role.ARTIST, Role.COMPOSER, Role.LYRICIST, Role.ALBUM_ARTIST}
_SMALL = {"list", "pronoun", "follow_up", "who"}
_ADJECTIVES = {Role.GENRE, Role.LANGUAGE}
_AFTER = {"album", "film", "playlist", "genre", "language", "label"}


def _just_before(question: Question, mark: Item, link: Link) -> bool:
    between = range(mark.end, link.start)
    return mark.end <= link.start and len(between) <= 1 and all(question.is_little(place) for place in between)
