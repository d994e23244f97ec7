"""The drafts of a question: what it could mean, likeliest first, each as a plan or as a reason to decline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from familychat_music.building import build_sql
from familychat_music.columns import Columns
from familychat_music.disambiguation import readings
from familychat_music.drafting import Drafter
from familychat_music.follow_ups import Earlier, follow_up
from familychat_music.lexicon import Sense
from familychat_music.linking import Linker
from familychat_music.meaning import Meaning
from familychat_music.plan import Plan
from familychat_music.reading import Question, Reading, links_of, read
from familychat_music.schema import Role
from familychat_music.understanding import understand

LOOSE_WORD = -0.35
"""What each word costs that a draft leaves unexplained."""

MOST_DRAFTS = 4


class Decline(StrEnum):
    """Why a question gets no SQL."""

    GREETING = "greeting"
    HOSTILE = "hostile"
    BEYOND = "beyond"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Draft:
    """One thing a question could mean. ``points`` compare drafts of the same question only."""

    plan: Plan | None
    points: float
    sql: str | None = None
    decline: Decline | None = None


@dataclass(frozen=True, slots=True)
class Drafts:
    """A question's drafts, the likeliest first; never empty."""

    question: Question
    drafts: tuple[Draft, ...]


def propose(text: str, linker: Linker, columns: Columns, earlier: Earlier | None = None) -> Drafts:
    """The drafts of a question; ``earlier`` is what was asked before it, for a follow-up."""
    question = _without_lacking(read(text), columns)
    found: list[Draft] = []
    for reading in readings(question, links_of(question, linker)):
        found += _of_reading(reading, columns, earlier)
    found.sort(key=lambda draft: -draft.points)
    unique: dict[str | None, Draft] = {}
    for draft in found:
        unique.setdefault(draft.sql or draft.decline, draft)
    return Drafts(question, tuple(unique.values())[:MOST_DRAFTS])


def _without_lacking(question: Question, columns: Columns) -> Question:
    """Words that ask for what the library doesn't have; they may still be names in it, as in "country music"."""
    lacking = Sense("lacking", "role")

    def known(sense: Sense) -> bool:
        role = Role(sense.entry) if sense.heading in {"asked", "hint"} and sense.entry in set(Role) else None
        return role is None or columns.ref(role) is not None

    marks = []
    for mark in question.marks:
        senses = tuple(sense for sense in mark.senses if known(sense))
        asks = any(sense.heading == "asked" for sense in set(mark.senses) - set(senses))
        marks.append(replace(mark, senses=(*senses, lacking) if asks or (not senses and mark.senses) else senses))
    return replace(question, marks=tuple(marks))


def _of_reading(reading: Reading, columns: Columns, earlier: Earlier | None) -> Sequence[Draft]:
    meaning = understand(reading)
    decline = _decline(meaning)
    if decline in {Decline.HOSTILE, Decline.GREETING}:
        return [Draft(None, reading.score + 1, decline=decline)]
    plan = Drafter(meaning, columns).plan()
    if earlier is not None:
        plan = follow_up(meaning, plan, earlier, columns)
        if plan is not None and decline in {Decline.UNCLEAR, None}:
            decline = None
    points = reading.score + LOOSE_WORD * len(meaning.loose)
    found = []
    if plan is not None and decline is not Decline.BEYOND:
        found.append(Draft(plan, points, build_sql(plan, columns.schema)))
    if decline is not None or plan is None:
        found.append(Draft(None, points + (0.5 if decline else 0.0), decline=decline or Decline.UNCLEAR))
    elif meaning.loose and _asks_what_it_names(meaning):
        found.append(Draft(None, points + 0.5, decline=Decline.UNCLEAR))
    elif meaning.loose and not meaning.named:
        found.append(Draft(None, points - 0.1 + 0.3 * (len(meaning.loose) - 1), decline=Decline.UNCLEAR))
    return found


def _asks_what_it_names(meaning: Meaning) -> bool:
    """Who plays drums in Queen: it asks for an artist of an artist, which no list tells."""
    asked = meaning.asked[0][0] if meaning.asked else None
    return asked is not None and any(link.column.role == asked for named in meaning.named for link in named.links)


def _decline(meaning: Meaning) -> Decline | None:
    conditions = meaning.named or meaning.bounds or meaning.wordings or meaning.adjectives
    if meaning.hostile:
        return Decline.HOSTILE
    if meaning.beyond or meaning.lacking:
        return Decline.BEYOND
    musical = meaning.asked or conditions or meaning.superlatives or meaning.unknown_names or meaning.random
    if not musical:
        return Decline.GREETING if meaning.greeting else Decline.UNCLEAR
    return None
