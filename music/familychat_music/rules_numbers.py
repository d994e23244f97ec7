"""Rules for numbers: comparisons, years, decades, lengths, and how many are wanted.

Each rule looks at one place and says how many items it has used up; 0 if it doesn't fit.
"""

from __future__ import annotations

from familychat_music.meaning import Bound
from familychat_music.plan import Comparison
from familychat_music.reading import Item
from familychat_music.schema import Role
from familychat_music.walk import UNITS, Number, Walk

# as UNITS

_OPERATORS = {operator.value: operator for operator in Comparison}
_TIMES = {"after", "before", "since", "until"}
_NUMERIC = {
    Role.DURATION, Role.RATING, Role.POPULARITY, Role.PLAY_COUNT, Role.BPM, Role.YEAR, Role.TRACK, Role.DISC,
}  # fmt: skip


_COUNTED = {"second": Role.DURATION, "star": Role.RATING, "bpm": Role.BPM, "times": Role.PLAY_COUNT}


def _role_of(walk: Walk, unit: str | None, place: int, item: Item | None) -> Role | None:
    """What a number counts: by its unit, its size, or the role that is spoken of nearby."""
    if unit in _COUNTED:
        return _COUNTED[unit]
    if item is not None and item.year is not None:
        return Role.YEAR
    spoken = _numbers_near(walk, place)
    measured = [role for role in spoken if role is not Role.YEAR]
    if measured:
        return measured[-1] if place else measured[0]
    return spoken[0] if spoken else None


def _numbers_near(walk: Walk, place: int) -> list[Role]:
    """The numeric roles that follow closely, the nearest last named first, then those spoken of before."""
    names = [walk.entry(ahead, heading) for ahead in range(place, place + 3) for heading in ("asked", "hint")]
    near = [role for name in names if (role := _numeric(name)) is not None]
    before = [role for role, _ in walk.meaning.hints if role in _NUMERIC and role is not Role.DURATION]
    return near[::-1] + before + [role for name, _ in walk.meaning.asked if (role := _numeric(name)) is not None]


def _numeric(name: str | None) -> Role | None:
    role = Role(name) if name in set(Role) else None
    return role if role in _NUMERIC else None


def between(walk: Walk, place: int) -> int:
    item = walk.at(place)
    if item is None:
        return 0
    opened = item.entry("compare") == "between" or item.text.casefold() in {"from", "von", "de", "desde", "between"}
    start = walk.skip_little(place + 1, 2) if opened else place
    low = walk.number_at(start)
    if low is None:
        return 0
    at = start + low.used
    joint = walk.at(at)
    if joint is None or joint.text.casefold() not in _JOINTS:
        return _year_range(walk, place, start, low, at) if not opened else 0
    high_at = walk.skip_little(at + 1, 2)
    high = walk.number_at(high_at)
    if high is None or (not opened and joint.text.casefold() in {"and", "und", "et", "y"}):
        return 0
    values = (low.value, high.value)
    if low.unit is None and high.unit == "second":  # between 3 and 4 minutes
        unit = walk.at(high_at + high.used - 1)
        factor = UNITS.get(unit.entry("unit") or "second", 1.0) if unit else 1.0
        values = (low.value * factor, high.value)
    role = _role_of(walk, high.unit or low.unit, high_at, walk.at(start))
    _bound(walk, role, Comparison.BETWEEN, values, place)
    return high_at + high.used - place


def _year_range(walk: Walk, place: int, start: int, low: Number, at: int) -> int:
    """Two years that only a dash joins, 1990-1995."""
    first, second = walk.at(start), walk.at(at)
    if first is None or second is None or not (first.year and second.year) or second.year <= first.year:
        return 0
    _bound(walk, Role.YEAR, Comparison.BETWEEN, (low.value, float(second.year)), place)
    return at + 1 - place


def compared_role(walk: Walk, place: int) -> int:
    found = walk.entry(place, "compare_role")
    if found is None:
        return 0
    name, operator = found.split()
    at = walk.skip_little(place + 1)
    number = walk.number_at(at)
    if number is None:
        return _than(walk, place, Role(name), _OPERATORS[operator])
    value = number.value * 60 if name == Role.DURATION and number.unit is None and number.value < 30 else number.value  # noqa: PLR2004
    _bound(walk, Role(name), _OPERATORS[operator], (value,), place)
    return at + number.used - place


def _than(walk: Walk, place: int, role: Role, operator: Comparison) -> int:
    """Longer than a song that is named."""
    at = walk.skip_little(place + 1)
    item = walk.at(at)
    if item is None or item.link is None or item.link.column.role is not Role.TITLE:
        return 0
    walk.meaning.relative.append((role, operator, item.link))
    return at + 1 - place


def compared(walk: Walk, place: int) -> int:
    found = walk.entry(place, "compare")
    if found is None or found == "between":
        return 0
    at = walk.skip_little(place + 1)
    decade = walk.decade_at(at)
    if decade is not None and found in _TIMES:
        _time_bound(walk, found, decade[0], decade[1], place)
        return at + decade[2] - place
    number = walk.number_at(at)
    if number is None:
        than = {"before": Comparison.BELOW, "after": Comparison.ABOVE}.get(found)
        return _than(walk, place, Role.YEAR, than) if than else 0
    item = walk.at(at)
    if found not in _TIMES:
        return at - place + _counted(walk, at, _OPERATORS[found], number, place)
    if item is None or not item.year:
        return 0
    _time_bound(walk, found, number.value, number.value, place)
    return at + number.used - place


def _counted(walk: Walk, at: int, operator: Comparison, number: Number, place: int) -> int:
    """A compared number: of songs (for groups), or of what the role nearby says. Returns the items from ``at`` on."""
    after = at + number.used
    thing_at = walk.skip_little(after, 1)
    thing = walk.entry(thing_at, "asked")
    groups = any(name != "title" for name, _ in walk.meaning.asked) and not walk.negated(place)
    if number.unit is None and thing in {"title", "album", "artist"} and groups:
        walk.meaning.having.append((operator, number.value))
        walk.meaning.groups.append(thing)
        return thing_at + 1 - at
    _bound(walk, _role_of(walk, number.unit, after, walk.at(at)), operator, (number.value,), place)
    return number.used


def number_first(walk: Walk, place: int) -> int:
    number = walk.number_at(place)
    if number is None:
        return 0
    item, after = walk.at(place), place + number.used
    operator = walk.entry(after, "after_number")
    thing = walk.entry(after, "asked")
    if operator is None and thing in set(Role) and Role(str(thing)) in _NUMERIC:
        operator, after = walk.entry(after + 1, "after_number"), after + 1
    if operator is None:
        return 0
    if item is not None and item.year:
        _bound(walk, Role.YEAR, _OPERATORS[operator], (number.value,), place)
    else:
        _bound(walk, _role_of(walk, number.unit, place, item), _OPERATORS[operator], (number.value,), place)
    return after + 1 - place


def duration_bare(walk: Walk, place: int) -> int:
    """Five minutes long, 4 stars, rated 5, BPM 120."""
    number = walk.number_at(place)
    item = walk.at(place)
    if number is None or item is None or item.year:
        return 0
    unit, used = number.unit, number.used
    if unit == "star":
        _bound(walk, Role.RATING, Comparison.EQUALS, (number.value,), place)
        return used
    if unit == "second" and walk.meaning.limit is None:
        _bound(walk, Role.DURATION, Comparison.EQUALS, (number.value,), place)
        return used
    before = walk.entry(place - 1, "hint") or walk.entry(place - 1, "asked")
    before = before or (walk.little(place - 1) and walk.entry(place - 2, "asked")) or None
    if before in {Role.RATING, Role.POPULARITY, Role.BPM, Role.PLAY_COUNT}:
        _bound(walk, Role(str(before)), Comparison.EQUALS, (number.value,), place)
        return used
    return 0


def time(walk: Walk, place: int) -> int:
    decade = walk.decade_at(place)
    if decade is not None:
        _bound(walk, Role.YEAR, Comparison.BETWEEN, (decade[0], decade[1]), place)
        return decade[2]
    month, year_item = walk.entry(place, "month"), walk.at(walk.skip_little(place + 1, 1))
    if month is not None and year_item is not None and year_item.year:
        walk.meaning.months.append((year_item.year, int(month)))
        return walk.skip_little(place + 1, 1) + 1 - place
    relative = walk.entry(place, "relative")
    if relative is not None:
        walk.meaning.bounds.append(Bound(None, Comparison.EQUALS, (-1.0 if relative == "last_year" else 0.0,)))
        return 1
    item = walk.at(place)
    if item is None or item.year is None or item.link is not None:
        return 0
    after = walk.entry(place + 1, "after_number") or walk.entry(place + 1, "compare")
    if after in {"since", "until"}:
        _time_bound(walk, str(after), item.year, item.year, place)
        return 2
    _bound(walk, Role.YEAR, Comparison.EQUALS, (float(item.year),), place)
    return 1


def _time_bound(walk: Walk, word: str, low: float, high: float, place: int) -> None:
    comparison, value = {
        "after": (Comparison.ABOVE, high),
        "before": (Comparison.BELOW, low),
        "since": (Comparison.AT_LEAST, low),
        "until": (Comparison.AT_MOST, high),
    }[word]
    _bound(walk, Role.YEAR, comparison, (value,), place)


def _bound(walk: Walk, role: Role | None, comparison: Comparison, values: tuple[float, ...], place: int) -> None:
    walk.meaning.bounds.append(Bound(role, comparison, values, walk.negated(place)))


def limit(walk: Walk, place: int) -> int:
    item = walk.at(place)
    ordinal = walk.entry(place, "ordinal")
    if ordinal is not None:
        walk.meaning.ordinal = -1 if ordinal == "last" else int(ordinal)
        return 1 + (walk.entry(place + 1, "number") == "1")
    number = walk.number_at(place)
    if number is None or number.unit is not None or item is None or item.year or not item.number:
        return 0
    walk.meaning.limit = int(number.value)
    return number.used


_JOINTS = {
    "and", "to", "until", "till", "through", "und", "bis", "y", "a", "hasta", "et", "à", "au", "-", "से", "और", "aur",
    "se", "al", "तक", "tak",
}  # fmt: skip
"""What may stand between two numbers that belong together."""
