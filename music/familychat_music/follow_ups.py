"""Follow-ups: "and from the nineties?", "only the short ones", "who is the second one by?"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from familychat_music.columns import Columns
from familychat_music.conditions import conditions
from familychat_music.drafting import Drafter
from familychat_music.meaning import Meaning
from familychat_music.plan import Aggregate, Comparison, Condition, Measure, Plan, Ref
from familychat_music.rows import Value
from familychat_music.schema import Role

_TIMES = {Role.YEAR, Role.RELEASE_DATE}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was asked before: its plan and the first rows it gave."""

    plan: Plan
    rows: tuple[tuple[Value, ...], ...] = ()


def follow_up(meaning: Meaning, plan: Plan | None, earlier: Earlier, columns: Columns) -> Plan | None:
    """The plan of a question that goes on from ``earlier``; ``plan`` itself if it stands on its own."""
    if not goes_on(meaning):
        return plan
    if meaning.ordinal is not None and earlier.rows and not meaning.superlatives:
        if earlier.plan.order and meaning.ordinal > 0:
            return _ranked(meaning, plan, earlier.plan, columns)
        picked = _picked(meaning.ordinal, earlier)
        if picked is not None:
            return _about_row(meaning, plan, picked, earlier.plan, columns)
    added = conditions(meaning, columns)
    merged = _merged(earlier.plan.conditions, added, narrowing=_narrows(meaning))
    first = earlier.plan.select[0]
    counted_before = isinstance(first, Measure) and first.aggregate is Aggregate.COUNT
    if counted_before and meaning.asked and not meaning.counts and not meaning.superlatives and not added:
        meaning.counts.append(-1)
        plan = Drafter(meaning, columns).plan()
    if meaning.counts and plan is not None:
        return _recounted(meaning, plan, merged, earlier.plan)
    if meaning.superlatives or meaning.aggregates or _asks_anew(meaning):
        return replace(plan, conditions=_with_known(merged, plan)) if plan is not None else None
    return replace(earlier.plan, conditions=merged, limit=meaning.limit or earlier.plan.limit)


def goes_on(meaning: Meaning) -> bool:
    """Whether a question needs the one before it: it says so, or says nothing by itself."""
    if meaning.ordinal is not None and not meaning.superlatives and not meaning.named:
        return True
    stands_alone = bool(meaning.named) and bool(meaning.asked) and not meaning.pronoun
    if meaning.follow_up and not (stands_alone and meaning.counts):
        return True
    bare = not meaning.named and not meaning.unknown_names
    return (meaning.pronoun and bare) or (bare and not meaning.asked and not meaning.superlatives)


def _picked(ordinal: int, earlier: Earlier) -> Value:
    place = ordinal - 1 if ordinal > 0 else -1
    return earlier.rows[place][0] if place < len(earlier.rows) else None


def _ranked(meaning: Meaning, plan: Plan | None, before: Plan, columns: Columns) -> Plan | None:
    """A question about one place of a ranking, shown before or not."""
    wanted = next((name for name, _ in meaning.asked if name != Role.TITLE), Role.ARTIST if meaning.who else Role.TITLE)
    ref = columns.ref(Role(wanted), single=False) if wanted in set(Role) else None
    if ref is None or before.group_by:
        return plan
    return replace(before, select=(ref,), limit=1, offset=before.offset + (meaning.ordinal or 1) - 1)


def _about_row(meaning: Meaning, plan: Plan | None, value: Value, before: Plan, columns: Columns) -> Plan | None:
    """A question about one row of the earlier answer."""
    shown = before.select[0]
    if isinstance(shown, Measure):
        return None
    wanted = next((name for name, _ in meaning.asked if name != Role.TITLE), Role.ARTIST if meaning.who else None)
    ref = columns.ref(Role(wanted), single=False) if wanted in set(Role) else None
    if ref is None:
        return plan
    kept = tuple(c for c in before.conditions if c.comparison is not Comparison.KNOWN)
    named = Condition(shown, Comparison.IN, (value,))
    return Plan(columns.main.name, (ref,), (named, *kept), distinct=True)


def _narrows(meaning: Meaning) -> bool:
    return meaning.pronoun


def _merged(before: Sequence[Condition], added: Sequence[Condition], *, narrowing: bool) -> tuple[Condition, ...]:
    """The earlier conditions and the new ones; a new year, artist or genre takes the place of the earlier."""

    def subject(ref: Ref) -> object:
        return "time" if ref.role in _TIMES else (ref.table, ref.column)

    fresh = {subject(condition.ref) for condition in added if condition.comparison is not Comparison.CONTAINS_NOT}
    kept = [c for c in before if narrowing or subject(c.ref) not in fresh or c.ref.role is Role.TITLE]
    return (*kept, *(condition for condition in added if condition not in kept))


def _with_known(merged: tuple[Condition, ...], plan: Plan) -> tuple[Condition, ...]:
    known = [c for c in plan.conditions if c.comparison is Comparison.KNOWN and c not in merged]
    return (*merged, *known)


def _asks_anew(meaning: Meaning) -> bool:
    return any(name != Role.TITLE for name, _ in meaning.asked)


def _recounted(meaning: Meaning, plan: Plan, merged: tuple[Condition, ...], before: Plan) -> Plan:
    """How many is that: of what was listed, be it songs, artists or albums."""
    first = before.select[0]
    if not meaning.asked and isinstance(first, Ref) and first.role is not Role.TITLE:
        return Plan(before.base, (Measure(Aggregate.COUNT, first, first.table),), merged)
    return replace(plan, conditions=_with_known(merged, plan))
