"""A plan in plain English: for the model that chooses between drafts, and for people who ask why."""

from __future__ import annotations

from familychat_music.plan import Aggregate, Comparison, Condition, Measure, Order, Part, Plan, Ref
from familychat_music.schema import Role

MOST_VALUES = 3
_NAMES = {Role.DURATION: "length", Role.TITLE: "song title", Role.RELEASE_DATE: "release date"}
_AGGREGATES = {
    Aggregate.SUM: "total",
    Aggregate.AVERAGE: "average",
    Aggregate.LEAST: "smallest",
    Aggregate.MOST: "greatest",
}
_COMPARISONS = {
    Comparison.IN: "is",
    Comparison.NOT_IN: "is not",
    Comparison.CONTAINS: "contains",
    Comparison.CONTAINS_NOT: "doesn't contain",
    Comparison.BELOW: "is below",
    Comparison.AT_MOST: "is at most",
    Comparison.ABOVE: "is above",
    Comparison.AT_LEAST: "is at least",
    Comparison.EQUALS: "is",
    Comparison.DIFFERS: "is not",
    Comparison.BETWEEN: "is between",
    Comparison.OUTSIDE: "is not between",
    Comparison.UNKNOWN: "is missing",
    Comparison.STARTS: "starts with",
    Comparison.STARTS_NOT: "doesn't start with",
    Comparison.ENDS: "ends with",
}


def describe_plan(plan: Plan) -> str:
    """What a plan looks up, in one line."""
    parts = [" and ".join(_shown(item) for item in plan.select)]
    told = [c for c in plan.conditions if c.comparison is not Comparison.KNOWN]
    if told:
        parts.append("where " + " and ".join(map(_condition, told)))
    if plan.group_by:
        parts.append("for each " + " and ".join(map(_name, plan.group_by)))
    if plan.having:
        parts.append(f"with {_COMPARISONS[plan.having.comparison][3:]} {plan.having.value:g} of them")
    if plan.random:
        parts.append("picked by chance")
    parts += [_order(order) for order in plan.order]
    if plan.limit is not None:
        parts.append(f"only {plan.limit}" if not plan.offset else f"only number {plan.offset + 1}")
    return ", ".join([" ".join(parts[:2]), *parts[2:]])


def _name(ref: Ref) -> str:
    name = _NAMES.get(ref.role, str(ref.role).replace("_", " ")) if ref.role else ref.column
    return "decade" if ref.part is Part.DECADE else name


def _shown(item: Ref | Measure) -> str:
    if isinstance(item, Ref):
        return f"the {_name(item)}"
    if item.aggregate is Aggregate.COUNT:
        return f"how many different {_name(item.ref)}s" if item.ref else "how many songs"
    return f"the {_AGGREGATES[item.aggregate]} {_name(item.ref)}" if item.ref else "how many"


def _condition(condition: Condition) -> str:
    values = " or ".join(str(value) for value in condition.values[:MOST_VALUES])
    if condition.than is not None:
        return f"{_name(condition.ref)} {_COMPARISONS[condition.comparison]} that of {describe_plan(condition.than)}"
    if condition.comparison in {Comparison.BETWEEN, Comparison.OUTSIDE}:
        values = " and ".join(str(value) for value in condition.values)
    more = " or others" if len(condition.values) > MOST_VALUES else ""
    return f"{_name(condition.ref)} {_COMPARISONS[condition.comparison]} {values}{more}".rstrip()


def _order(order: Order) -> str:
    by = _shown(order.by).removeprefix("the ")
    return f"{'greatest' if order.descending else 'smallest'} {by} first"
