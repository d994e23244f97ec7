"""From what a question says to conditions on a library's columns."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import replace

from familychat_music.columns import Columns
from familychat_music.linking import Link
from familychat_music.meaning import Bound, Meaning, Named, Wording
from familychat_music.plan import Aggregate, Comparison, Condition, Measure, Part, Plan, Ref
from familychat_music.schema import Role

SHORT_SECONDS, LONG_SECONDS = 150, 360
OLD_BEFORE, RECENT_YEARS = 1980, 5

# How a version shows in titles. "live" alone would find "Alive" and "Olive".
VERSIONS = {
    "live": ("(live", "[live", "- live", " live at ", " live in ", " live from ", " live version"),
    "remix": ("remix",),
    "acoustic": ("acoustic", "unplugged"),
    "remaster": ("remaster",),
    "instrumental": ("instrumental",),
    "edit": ("edit)", "- edit", "radio edit", " edit]"),
    "demo": ("(demo", "- demo", "[demo", " demo)", " demo]"),
    "cover": ("cover)", "- cover", " cover]", "cover version"),
    "feat": ("feat.", "(with ", "featuring", " ft."),
}
_OPPOSITE = {
    Comparison.IN: Comparison.NOT_IN,
    Comparison.CONTAINS: Comparison.CONTAINS_NOT,
    Comparison.BELOW: Comparison.AT_LEAST,
    Comparison.AT_MOST: Comparison.ABOVE,
    Comparison.ABOVE: Comparison.AT_MOST,
    Comparison.AT_LEAST: Comparison.BELOW,
    Comparison.EQUALS: Comparison.DIFFERS,
    Comparison.BETWEEN: Comparison.OUTSIDE,
    Comparison.STARTS: Comparison.STARTS_NOT,
}
_WORDING = {
    "word": Comparison.CONTAINS,
    "called": Comparison.CONTAINS,
    "starts": Comparison.STARTS,
    "ends": Comparison.ENDS,
}


def opposite(comparison: Comparison) -> Comparison:
    """The comparison that holds where this one doesn't."""
    return _OPPOSITE.get(comparison, comparison)


def conditions(meaning: Meaning, columns: Columns) -> tuple[Condition, ...]:
    """Every condition that a meaning sets, as far as the library has columns for them."""
    found = list(_named(meaning))
    for bound in meaning.bounds:
        found += _bound(bound, meaning, columns)
    for year, month in meaning.months:
        found += _month(f"{year:04}-{month:02}", meaning, columns)
    title = _worded(meaning, columns)
    if title is not None:
        found += [_wording(wording, title) for wording in meaning.wordings]
    for kind, negated in meaning.adjectives:
        found += _adjective(kind, columns, negated=negated)
    for role, comparison, link in meaning.relative:
        found += _relative(role, comparison, link, columns)
    for role in meaning.missing:
        ref = columns.ref(role, instead=False)
        if ref is not None:
            found.append(Condition(ref, Comparison.UNKNOWN))
    return (*found, *_unknown_names(meaning, columns))


def _unknown_names(meaning: Meaning, columns: Columns) -> Iterable[Condition]:
    """Names that the library doesn't have: an honest search that finds nothing."""
    known = {link.column.role for named in meaning.named for link in named.links}
    for cue, name in meaning.unknown_names:
        ref = columns.ref(Role(cue), single=False)
        if ref is not None and Role(cue) not in known:  # else the name is only said again in another way
            yield Condition(ref, Comparison.CONTAINS, (name,))


def _named(meaning: Meaning) -> Iterable[Condition]:
    """Names of one column are alternatives, unless the question wants them together."""
    merged: dict[tuple[Ref, bool], Condition] = {}
    single: list[Condition] = []
    for named in meaning.named:
        condition = _of_names(named)
        place = (condition.ref, named.negated)
        if place in merged and not meaning.together:
            values = dict.fromkeys((*merged[place].values, *condition.values))
            merged[place] = replace(merged[place], values=tuple(values))
        elif place in merged:
            single.append(condition)
        else:
            merged[place] = condition
    return [*merged.values(), *single]


def _of_names(named: Named) -> Condition:
    link = named.links[0]
    ref = Ref(link.column.table, link.column.column, link.column.role)
    return Condition(ref, Comparison.NOT_IN if named.negated else Comparison.IN, link.values)


def _bound(bound: Bound, meaning: Meaning, columns: Columns) -> Iterable[Condition]:
    comparison = opposite(bound.comparison) if bound.negated else bound.comparison
    added = any(role is Role.DATE_ADDED for role, _ in meaning.hints) or ("date_added", 0) in meaning.asked[:1]
    if bound.role is None:
        if bound.values[0] > 0:
            return []
        year = float(datetime.datetime.now(datetime.UTC).year) + bound.values[0]
        bound = replace(bound, role=Role.YEAR, values=(year,))
    role = bound.role or Role.YEAR
    if role is Role.YEAR and added and columns.has(Role.DATE_ADDED):
        ref = columns.ref(Role.DATE_ADDED)
        return [Condition(ref.of(Part.YEAR), comparison, bound.values)] if ref else []
    ref = columns.ref(role)
    if ref is None:
        return []
    if role is Role.DURATION and comparison is Comparison.EQUALS and bound.values[0] % 60 == 0:
        low = bound.values[0]
        return [Condition(ref, Comparison.BETWEEN, (low, low + 59))]  # people round to minutes
    return [Condition(ref, comparison, bound.values)]


def _relative(role: Role, comparison: Comparison, link: Link, columns: Columns) -> Iterable[Condition]:
    """Compared with a song that is named; where there are several of that name, with the greatest."""
    ref = columns.ref(role)
    if ref is None:
        return []
    named = Condition(Ref(link.column.table, link.column.column, link.column.role), Comparison.IN, link.values)
    greatest = Measure(Aggregate.MOST, ref, ref.table)
    return [Condition(ref, comparison, than=Plan(columns.main.name, (greatest,), (named,)))]


def _worded(meaning: Meaning, columns: Columns) -> Ref | None:
    """Whose name holds the words: what is asked for, if that has names, else the song's title."""
    asked = next((name for name, _ in meaning.asked), Role.TITLE.value)
    if (
        asked in {Role.PLAYLIST, Role.ALBUM, Role.ARTIST, Role.FILM, Role.GENRE, Role.COMPOSER}
        and not any(wording.kind in VERSIONS for wording in meaning.wordings)
        and all(name == asked for name, _ in meaning.asked)
    ):
        return columns.ref(Role(asked))
    return columns.ref(Role.TITLE)


def _month(start: str, meaning: Meaning, columns: Columns) -> Iterable[Condition]:
    added = any(role is Role.DATE_ADDED for role, _ in meaning.hints)
    role = Role.DATE_ADDED if added or not columns.has(Role.RELEASE_DATE) else Role.RELEASE_DATE
    ref = columns.ref(role, instead=False)
    return [Condition(ref, Comparison.STARTS, (start,))] if ref is not None else []


def _wording(wording: Wording, title: Ref) -> Condition:
    comparison = _WORDING.get(wording.kind, Comparison.CONTAINS)
    values = VERSIONS.get(wording.kind, (wording.text,))
    return Condition(title, opposite(comparison) if wording.negated else comparison, values)


def _adjective(kind: str, columns: Columns, *, negated: bool) -> Iterable[Condition]:
    length, year = columns.ref(Role.DURATION), columns.ref(Role.YEAR)
    newest = columns.schema.newest_year or datetime.datetime.now(datetime.UTC).year
    ref, comparison, value = {
        "short": (length, Comparison.BELOW, SHORT_SECONDS),
        "long": (length, Comparison.ABOVE, LONG_SECONDS),
        "old": (year, Comparison.BELOW, OLD_BEFORE),
        "new": (year, Comparison.ABOVE, newest - RECENT_YEARS),
    }[kind]
    if ref is None:
        return []
    return [Condition(ref, opposite(comparison) if negated else comparison, (value,))]
