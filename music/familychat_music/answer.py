"""From rows to plain sentences. Every name and number that is said is in the rows, or a count of them."""

from __future__ import annotations

from collections.abc import Sequence

from familychat_music.phrases import Phrases
from familychat_music.plan import Aggregate, Measure, Part, Plan, Ref
from familychat_music.rows import Rows, Value
from familychat_music.schema import Role

MOST_NAMED = 10
"""So many rows are named in a sentence; the rest is in the table."""

NOT_KNOWN = "?"

_COLUMN_ROLES = {role.value: role for role in Role}


def answer_text(rows: Rows, plan: Plan | None, words: Phrases, *, scale: float = 1.0) -> str:
    """The templated answer: for rows of a plan by what it selects, for other rows by their columns' names.

    ``scale`` turns stored durations into seconds.
    """
    items = plan.select if plan else ()
    if not rows.rows:
        return words.say("answers", "none")
    if len(rows.rows) == 1 and len(rows.columns) == 1:
        return _single(rows, items[0] if items else None, words, scale)
    return _several(rows, items, words, scale)


def _single(rows: Rows, item: Ref | Measure | None, words: Phrases, scale: float) -> str:
    value = rows.rows[0][0]
    role = _role(item, rows.columns[0])
    if value is None:
        return words.say("answers", "none" if _is_sum(item) else "unknown")
    if isinstance(item, Measure):
        if item.aggregate is Aggregate.COUNT:
            return _counted(int(value), _counted_role(item), words)
        shown = show_value(value, role, words, scale)
        name = {Aggregate.SUM: "sum", Aggregate.AVERAGE: "average"}.get(item.aggregate, "value")
        return words.say("answers", name, value=shown)
    text = show_value(value, role, words, scale)
    # A name that ends in a full stop needs no second one.
    return text if text.endswith((".", "!", "?")) else words.say("answers", "value", value=text)


def _is_sum(item: Ref | Measure | None) -> bool:
    return isinstance(item, Measure) and item.aggregate is not Aggregate.COUNT


def _counted(number: int, role: str, words: Phrases) -> str:
    if number == 0:
        return words.say("answers", "count_none", nouns=words.noun(role, 0))
    return words.say("answers", "count", number=f"{number:,}", noun=words.noun(role, number))


def _counted_role(item: Measure) -> str:
    return str(item.ref.role) if item.ref and item.ref.role else Role.TITLE.value


def _several(rows: Rows, items: Sequence[Ref | Measure], words: Phrases, scale: float) -> str:
    named = [_named(row, rows.columns, items, words, scale) for row in rows.rows[:MOST_NAMED]]
    role = str(_role(items[0] if items else None, rows.columns[0]) or "other")
    if items and isinstance(items[0], Ref) and items[0].part is Part.DECADE:
        role = "decade"
    total = len(rows.rows)
    listed = _joined(named, words)
    if total <= MOST_NAMED:
        if total == 1:
            return words.say("answers", "value", value=listed)
        return words.say("answers", "few", number=total, noun=words.noun(role, total), items=listed)
    kind = "many_more" if rows.truncated else "many"
    return words.say(
        "answers", kind, shown=len(named), number=f"{total:,}", nouns=words.noun(role, total), items=listed
    )


def _named(
    row: Sequence[Value], columns: Sequence[str], items: Sequence[Ref | Measure], words: Phrases, scale: float
) -> str:
    """One row as people say it: a song by its artist, a genre with its number."""
    roles = [_role(items[place] if place < len(items) else None, name) for place, name in enumerate(columns)]
    shown = [
        f"{value:,}" if _is_count(items, place) and isinstance(value, int) else show_value(value, role, words, scale)
        for place, (value, role) in enumerate(zip(row, roles, strict=True))
    ]
    if (
        len(shown) > 1
        and roles[0] is Role.TITLE
        and roles[1] in {Role.ARTIST, Role.ALBUM_ARTIST}
        and row[1] is not None
    ):
        first, rest = words.say("answers", "by", title=shown[0], artist=shown[1]), shown[2:]
    else:
        first, rest = shown[0] or NOT_KNOWN, shown[1:]
    rest = [text for text in rest if text]
    return words.say("answers", "with_measure", item=first, measure=", ".join(rest)) if rest else first


def _is_count(items: Sequence[Ref | Measure], place: int) -> bool:
    item = items[place] if place < len(items) else None
    return isinstance(item, Measure) and item.aggregate is Aggregate.COUNT


def _joined(named: Sequence[str], words: Phrases) -> str:
    if len(named) < 2:  # noqa: PLR2004
        return "".join(named)
    return f"{', '.join(named[:-1])} {words.sections['answers']['and']} {named[-1]}"


def _role(item: Ref | Measure | None, column: str) -> Role | None:
    if isinstance(item, Ref):
        return item.role
    if isinstance(item, Measure):
        return item.ref.role if item.ref and item.aggregate is not Aggregate.COUNT else None
    return _COLUMN_ROLES.get(column.casefold())


def show_value(value: Value, role: Role | None, words: Phrases, scale: float = 1.0) -> str:
    """A value as people read it: durations as minutes and seconds, numbers without noise."""
    if value is None:
        return ""
    if role is Role.DURATION and isinstance(value, (int, float)):
        return show_duration(value * scale, words)
    if isinstance(value, float):
        return f"{value:,.1f}" if not value.is_integer() else f"{value:,.0f}"
    if isinstance(value, int) and role not in {Role.YEAR, Role.RELEASE_DATE, Role.DATE_ADDED, None}:
        return f"{value:,}"
    return str(value)


def show_duration(seconds: float, words: Phrases) -> str:
    """3:45 for a song, hours and minutes for an evening, days for a life's collection."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours >= 24:  # noqa: PLR2004
        days, hours_left = divmod(hours, 24)
        return words.say("answers", "days", days=days, hours=hours_left)
    if hours:
        return words.say("answers", "hours", hours=hours, minutes=minutes_left)
    return f"{minutes}:{rest:02}"
