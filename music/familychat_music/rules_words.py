"""Rules for words: names, negation, groups, titles, superlatives, and what is asked for.

Each rule looks at one place and says how many items it has used up; 0 if it doesn't fit.
"""

from __future__ import annotations

from familychat_music.meaning import Named, Superlative, Wording
from familychat_music.reading import AND_OR
from familychat_music.schema import Role
from familychat_music.walk import Walk

_VAGUE = {
    "with", "about", "that have", "mention", "have", "has", "having", "contain", "mit", "con", "avec", "über", "sobre",
    "sur",
}  # fmt: skip
"""These only speak of a title where "in the title" follows."""

_ABOUT = {"about", "that mention", "mention", "mentions", "mentioning", "über", "sobre", "sur", "containing", "contain"}


_ADJECTIVES = {Role.FILM, Role.ALBUM}


def negation(walk: Walk, place: int) -> int:
    if walk.entry(place, "negation") is None or walk.entry(place, "compare"):
        return 0
    target = place + 1
    while (
        target < len(walk.items)
        and not walk.entry(target, "asked")
        and (walk.little(target) or walk.entry(target, "cue") or walk.entry(target, "hint"))
    ):
        target += 1
    role = walk.entry(target, "asked")
    if role in set(Role) and role != Role.TITLE and _names_nothing(walk, target + 1):
        walk.meaning.missing.append(Role(str(role)))
        return target + 1 - place
    walk.negated_until = target
    return 1


def _names_nothing(walk: Walk, place: int) -> bool:
    """Whether no value follows a role: "without a year", and not "not the year 1990"."""
    item = walk.at(walk.skip_little(place, 1))
    return item is None or (item.link is None and item.number is None and item.entry("compare") is None)


def group(walk: Walk, place: int) -> int:
    by = walk.entry(place, "cue") == "artist" and (walk.meaning.counts or walk.meaning.aggregates)
    if walk.entry(place, "group") is None and not by:
        return 0
    at = walk.skip_little(place + 1, 1)
    role = walk.entry(at, "asked")
    if role is None or (by and role == "title"):
        return 0
    if role == "title":
        return 0
    walk.meaning.groups.append(role)
    return at + 1 - place


def wording(walk: Walk, place: int) -> int:
    kind = walk.entry(place, "contains")
    if kind is None or kind == "in_title":
        return 0
    if (used := _also(walk, place)) > 0:
        return used
    at, words = walk.skip_little(place + 1) if kind == "word" else place + 1, []
    closing = next((n for n in range(at, len(walk.items)) if walk.entry(n, "contains") == "in_title"), None)
    item = walk.at(at)
    if item is None:
        return 0
    vague = item.end - 1 < 0 or walk.items[place].text.casefold() in _VAGUE
    if closing is not None:
        words, end = [other.text for other in walk.items[at:closing]], closing + 1
    elif item.quoted or (not vague and kind != "called"):
        words, end = [item.text], at + 1
    elif kind == "called" and item.link is None and not item.senses and item.number is None:
        end = _loose_end(walk, at)
        words = [other.text for other in walk.items[at:end]]
    else:
        return _about(walk, place, at)
    words = [word for word in words if word.casefold() not in {"the", "word", "words", "letter"}]
    if not words:
        return 0
    walk.meaning.wordings.append(Wording(kind, " ".join(words), walk.negated(place)))
    return end - place


def _also(walk: Walk, place: int) -> int:
    """With their lengths, with the year: one more column."""
    at = walk.skip_little(place + 1, 1)
    at += walk.entry(at, "pronoun") is not None
    role = walk.entry(at, "asked")
    after = walk.at(walk.skip_little(at + 1, 1))
    told = after is not None and (after.number is not None or after.link is not None or after.entry("compare"))
    if role not in set(Role) or role == Role.TITLE or told or not walk.meaning.asked:
        return 0
    if walk.entry(at + 1, "after_number") or walk.entry(place + 1, "superlative"):
        return 0
    walk.meaning.also.append(Role(str(role)))
    return at + 1 - place


def _about(walk: Walk, place: int, at: int) -> int:
    """Songs about love: as far as titles tell."""
    item = walk.at(at)
    if walk.items[place].text.casefold() not in _ABOUT or item is None:
        return 0
    about_songs = all(name == Role.TITLE for name, _ in walk.meaning.asked)
    if item.link is not None and (item.link.column.role is not Role.TITLE or not about_songs):
        return 0
    if item.senses or item.number is not None or walk.little(at):
        return 0
    walk.meaning.wordings.append(Wording("word", item.text, walk.negated(place)))
    return at + 1 - place


def _loose_end(walk: Walk, at: int) -> int:
    end = at
    while (item := walk.at(end)) is not None and item.link is None and not item.senses and item.number is None:
        end += 1
    return end


def unknown_name(walk: Walk, place: int) -> int:
    """By somebody of whom the library has nothing."""
    cue = walk.entry(place, "cue")
    item = walk.at(place + 1)
    if cue is None or item is None or item.link or item.senses or item.number is not None or walk.little(place + 1):
        return 0
    end = _loose_end(walk, place + 1)
    words = [other for number, other in enumerate(walk.items[place + 1 : end], place + 1)]
    while words and walk.question.is_little(words[-1].start):
        words.pop()
    if not words or (cue != "artist" and walk.entry(place, "asked")):
        return 0
    walk.meaning.unknown_names.append((cue, " ".join(word.text for word in words)))
    return 1 + len(words)


def link(walk: Walk, place: int) -> int:
    item = walk.at(place)
    if item is None or item.link is None:
        return 0
    negated = walk.negated(place)
    joint = walk.skip_little(place + 1, 1)
    following = walk.at(joint)
    if negated and following is not None and following.link is not None and joint == place + 2:
        between = walk.at(place + 1)
        if between is not None and between.text.casefold() in AND_OR:
            walk.negated_until = joint  # neither A nor B
    walk.meaning.named.append(Named((item.link,), negated))
    return 1


def superlative(walk: Walk, place: int) -> int:
    found = walk.entry(place, "superlative")
    if found is None:
        return 0
    key, direction = found.split()
    number, used = walk.number_at(place + 1), 1
    count = None
    if number is not None and number.unit is None and walk.at(place + 1).year is None:  # type: ignore[union-attr]
        count, used = int(number.value), 2
    if count is None and walk.meaning.limit is not None:
        count, walk.meaning.limit = walk.meaning.limit, None
    if walk.meaning.superlatives and walk.meaning.superlatives[-1].key == "any":
        top = walk.meaning.superlatives.pop()  # the top 3 artists with the most songs
        count = count or top.count
    ordinal = walk.meaning.ordinal or 1
    walk.meaning.superlatives.append(Superlative(key, direction == "desc", count, place, ordinal))
    return used


def version(walk: Walk, place: int) -> int:
    kind = walk.entry(place, "version")
    if kind is None:
        return 0
    walk.meaning.wordings.append(Wording(kind, "", walk.negated(place)))
    return 1


def adjective(walk: Walk, place: int) -> int:
    kind = walk.entry(place, "adjective")
    if kind is None or walk.items[place].entry("asked"):
        return 0
    if kind == "long" and place and _number_behind(walk, place):
        return 1
    walk.meaning.adjectives.append((kind, walk.negated(place)))
    return 1


def _number_behind(walk: Walk, place: int) -> bool:
    """Whether "long" only ends a length: five minutes long."""
    before = walk.at(place - 1)
    return before is not None and (before.entry("unit") is not None or before.clock)


def order(walk: Walk, place: int) -> int:
    found = walk.entry(place, "order")
    if found is None:
        return 0
    role, direction = found.split()
    if role == "asked":
        named = walk.entry(walk.skip_little(place + 1, 1), "asked")
        if named not in set(Role):
            return 0
        walk.meaning.sorting.append((Role(str(named)), direction == "desc"))
        return walk.skip_little(place + 1, 1) + 1 - place
    walk.meaning.sorting.append((Role(role), direction == "desc"))
    return 1


def asked(walk: Walk, place: int) -> int:
    item = walk.at(place)
    if item is None:
        return 0
    asked, hint = item.entry("asked"), item.entry("hint")
    if asked in _ADJECTIVES and walk.entry(place + 1, "asked") == Role.TITLE:
        return 1  # film songs, album tracks: which songs, and not which films
    if asked:
        walk.meaning.asked.append((asked, place))
        flags(walk, place)
    if hint:
        walk.meaning.hints.append((Role(hint), place))
    return int(bool(asked or hint))


def flags(walk: Walk, place: int) -> int:
    item, meaning = walk.items[place], walk.meaning
    for sense in item.senses:
        if sense.heading == "count":
            meaning.counts.append(place)
        elif sense.heading == "aggregate":
            meaning.aggregates.append((sense.entry, place))
        elif sense.heading == "beyond":
            meaning.beyond.append(item.text)
        elif sense.heading in {"random", "together", "pronoun", "greeting", "hostile", "who", "more", "lacking"}:
            setattr(meaning, sense.heading, True)
        elif sense.heading == "list":
            meaning.lists = True
        elif sense.heading == "follow_up" and place <= 1:
            meaning.follow_up = True
    return 1 if item.senses else 0


def loose(walk: Walk, place: int) -> int:
    item = walk.items[place]
    if not walk.little(place):
        walk.meaning.loose.append(item.text)
    return 1
