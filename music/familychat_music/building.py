"""From a plan to its SELECT, joined along the library's foreign keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlglot import exp

from familychat_music.plan import Aggregate, Comparison, Condition, Measure, Order, Part, Plan, Ref
from familychat_music.rows import Value
from familychat_music.schema import Role, Schema

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE)
_RESERVED = {"order", "group", "index", "table", "key", "update", "select", "where", "from", "to", "values", "all"}

_FUNCTIONS = {
    Aggregate.SUM: exp.Sum,
    Aggregate.AVERAGE: exp.Avg,
    Aggregate.LEAST: exp.Min,
    Aggregate.MOST: exp.Max,
}
_COMPARED = {
    Comparison.BELOW: exp.LT,
    Comparison.AT_MOST: exp.LTE,
    Comparison.ABOVE: exp.GT,
    Comparison.AT_LEAST: exp.GTE,
    Comparison.EQUALS: exp.EQ,
    Comparison.DIFFERS: exp.NEQ,
}
_NEGATIVE = {Comparison.NOT_IN, Comparison.CONTAINS_NOT, Comparison.DIFFERS, Comparison.UNKNOWN}
_POSITIVE_OF = {
    Comparison.UNKNOWN: Comparison.KNOWN,
    Comparison.NOT_IN: Comparison.IN,
    Comparison.CONTAINS_NOT: Comparison.CONTAINS,
    Comparison.DIFFERS: Comparison.EQUALS,
}


@dataclass(frozen=True, slots=True)
class Hop:
    """One step along a foreign key. ``fans_out`` is true from the one side to the many."""

    table: str
    column: str
    to_table: str
    to_column: str
    fans_out: bool


def build_sql(plan: Plan, schema: Schema) -> str:
    """The plan as one SELECT in SQLite's dialect."""
    return _Builder(plan, schema).select().sql(dialect="sqlite")


def path(schema: Schema, start: str, target: str) -> tuple[Hop, ...] | None:
    """The way from one table to another that fans out least, then the shortest; None if there is none."""
    best: dict[str, tuple[tuple[int, int], tuple[Hop, ...]]] = {start: ((0, 0), ())}
    waiting = [start]
    while waiting:
        waiting.sort(key=lambda name: best[name][0])
        table = waiting.pop(0)
        (fanned, steps), way = best[table]
        for hop in _hops(schema, table):
            cost = (fanned + hop.fans_out, steps + 1)
            if hop.to_table not in best or cost < best[hop.to_table][0]:
                best[hop.to_table] = (cost, (*way, hop))
                waiting.append(hop.to_table)
    found = best.get(target)
    return found[1] if found else None


def _hops(schema: Schema, table: str) -> Iterable[Hop]:
    for key in schema.foreign_keys:
        if key.table == table and key.to_table != table:
            yield Hop(table, key.column, key.to_table, key.to_column, fans_out=False)
        if key.to_table == table and key.table != table:
            yield Hop(table, key.to_column, key.table, key.column, fans_out=True)


class _Builder:
    def __init__(self, plan: Plan, schema: Schema) -> None:
        self._plan = plan
        self._schema = schema
        self._joins: dict[str, Hop] = {}

    def select(self) -> exp.Select:
        plan = self._plan
        selected = [self._expression(item) for item in plan.select]
        grouped = [self._expression(ref) for ref in plan.group_by]
        ordered = [self._order(order) for order in plan.order]
        having = self._having() if plan.having else None
        where = self._where()
        query = exp.select(*selected).from_(_table(plan.base))
        for hop in self._joins.values():
            query = query.join(_table(hop.to_table), on=_on(hop), join_type="")
        if where:
            query = query.where(*where)
        if grouped:
            query = query.group_by(*grouped)
        if having is not None:
            query = query.having(having)
        if plan.random:
            query = query.order_by(exp.Anonymous(this="random"))
        elif ordered:
            query = query.order_by(*ordered)
        if plan.distinct:
            query = query.distinct()
        if plan.limit is None:
            return query
        return query.limit(plan.limit).offset(plan.offset) if plan.offset else query.limit(plan.limit)

    def _having(self) -> exp.Expr:
        having = self._plan.having
        assert having is not None  # noqa: S101 -- asked only when there is one
        return _COMPARED[having.comparison](this=self._measure(having.measure), expression=_literal(having.value))

    def _order(self, order: Order) -> exp.Expr:
        # As SQLite sorts by itself: what isn't known counts as smallest.
        return exp.Ordered(this=self._expression(order.by), desc=order.descending, nulls_first=not order.descending)

    def _expression(self, item: Ref | Measure) -> exp.Expr:
        if isinstance(item, Measure):
            return self._measure(item)
        self._join(item.table)
        return self._ref(item)

    def _ref(self, ref: Ref) -> exp.Expr:
        single = not self._joins and ref.table == self._plan.base and not self._needs_joins()
        column = _column(ref, qualified=not single)
        if ref.part is Part.WHOLE:
            return column
        year: exp.Expr = column
        if ref.role is not Role.YEAR:
            text = exp.func("substr", column, exp.Literal.number(1), exp.Literal.number(4), dialect="sqlite")
            year = exp.cast(text, "INTEGER", dialect="sqlite")
        if ref.part is Part.YEAR:
            return year
        tens = exp.paren(exp.Div(this=year, expression=exp.Literal.number(10), typed=True), copy=False)
        return exp.Mul(this=tens, expression=exp.Literal.number(10))

    def _needs_joins(self) -> bool:
        """Whether any part of the plan reaches beyond the base table."""
        plan = self._plan
        items: list[Ref | Measure] = [*plan.select, *plan.group_by, *(order.by for order in plan.order)]
        refs = [item.ref if isinstance(item, Measure) else item for item in items]
        tables = {ref.table for ref in refs if ref}
        tables |= {c.ref.table for c in plan.conditions if not self._fans_out(c.ref.table)}
        return bool(tables - {plan.base})

    def _fans_out(self, table: str) -> bool:
        way = path(self._schema, self._plan.base, table) or ()
        return any(hop.fans_out for hop in way) and table not in self._joins

    def _measure(self, measure: Measure) -> exp.Expr:
        if measure.ref is None:
            return exp.Count(this=exp.Star())
        inner = self._expression(measure.ref)
        if measure.aggregate is Aggregate.COUNT:
            return exp.Count(this=exp.Distinct(expressions=[inner]))
        return _FUNCTIONS[measure.aggregate](this=inner)

    def _join(self, table: str) -> None:
        for hop in path(self._schema, self._plan.base, table) or ():
            if hop.to_table != self._plan.base:
                self._joins.setdefault(hop.to_table, hop)

    def _where(self) -> list[exp.Expr]:
        direct: list[exp.Expr] = []
        beyond: dict[Hop, list[tuple[tuple[Hop, ...], Condition]]] = {}
        for condition in self._plan.conditions:
            way = path(self._schema, self._plan.base, condition.ref.table) or ()
            fan = next((number for number, hop in enumerate(way) if hop.fans_out), None)
            if fan is None or (condition.ref.table in self._joins and condition.comparison not in _NEGATIVE):
                self._join(condition.ref.table)
                direct.append(self._compared(self._ref(condition.ref), condition))
                continue
            for hop in way[:fan]:
                self._joins.setdefault(hop.to_table, hop)
            group = beyond.setdefault(way[fan], [])
            if condition.comparison in _NEGATIVE or any(condition.ref == other.ref for _, other in group):
                direct.append(self._within(way[fan], [(way[fan + 1 :], condition)]))
            else:
                group.append((way[fan + 1 :], condition))
        return direct + [self._within(hop, group) for hop, group in beyond.items() if group]

    def _compared(self, column: exp.Expr, condition: Condition) -> exp.Expr:
        if condition.than is None:
            return _compare(column, condition)
        inner = exp.Subquery(this=_Builder(condition.than, self._schema).select())
        return _COMPARED[condition.comparison](this=column, expression=inner)

    def _within(self, first: Hop, group: list[tuple[tuple[Hop, ...], Condition]]) -> exp.Expr:
        """``key IN (SELECT ...)`` for conditions on rows that each row of ours may have several of."""
        negative = group[0][1].comparison in _NEGATIVE
        joins: dict[str, Hop] = {}
        for way, _ in group:
            for hop in way:
                joins.setdefault(hop.to_table, hop)
        own = _column(Ref(first.to_table, first.to_column), qualified=bool(joins))
        inner = exp.select(own).from_(_table(first.to_table))
        for hop in joins.values():
            inner = inner.join(_table(hop.to_table), on=_on(hop), join_type="")
        for _, condition in group:
            positive = replace(condition, comparison=_POSITIVE_OF.get(condition.comparison, condition.comparison))
            inner = inner.where(self._compared(_column(condition.ref, qualified=bool(joins)), positive))
        outer = _column(Ref(first.table, first.column), qualified=bool(self._joins) or self._needs_joins())
        within = exp.In(this=outer, query=exp.Subquery(this=inner))
        return exp.not_(within) if negative else within


def _compare(column: exp.Expr, condition: Condition) -> exp.Expr:  # noqa: PLR0911 -- one per comparison
    comparison, ref = condition.comparison, condition.ref
    values = [_literal(_stored(value, ref)) for value in condition.values]
    if comparison in _COMPARED:
        return _COMPARED[comparison](this=column, expression=values[0])
    if comparison in {Comparison.BETWEEN, Comparison.OUTSIDE}:
        between = exp.Between(this=column, low=values[0], high=values[1])
        return between if comparison is Comparison.BETWEEN else exp.not_(between)
    if comparison is Comparison.KNOWN:
        return exp.not_(exp.Is(this=column, expression=exp.Null()))
    if comparison is Comparison.UNKNOWN:
        return exp.Is(this=column, expression=exp.Null())
    if comparison in {Comparison.STARTS, Comparison.STARTS_NOT}:
        like = _like(column, condition.values[0], "{}%")
        return like if comparison is Comparison.STARTS else exp.not_(like)
    if comparison is Comparison.ENDS:
        return _like(column, condition.values[0], "%{}")
    if comparison in {Comparison.IN, Comparison.NOT_IN}:
        negative = comparison is Comparison.NOT_IN
        if len(values) == 1:
            return (exp.NEQ if negative else exp.EQ)(this=column, expression=values[0])
        found = exp.In(this=column, expressions=values)
        return exp.not_(found) if negative else found
    likes = [_like(column.copy(), value, "%{}%") for value in condition.values]
    if comparison is Comparison.CONTAINS_NOT:
        return exp.and_(*(exp.not_(like) for like in likes))
    return exp.or_(*likes)


def _like(column: exp.Expr, value: Value, pattern: str) -> exp.Expr:
    """LIKE, with the signs of LIKE in the value standing for themselves."""
    text = str(value)
    if not {"%", "_"} & set(text):
        return exp.Like(this=column, expression=exp.Literal.string(pattern.format(text)))
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    like = exp.Like(this=column, expression=exp.Literal.string(pattern.format(text)))
    return exp.Escape(this=like, expression=exp.Literal.string("\\"))


def _stored(value: Value, ref: Ref) -> Value:
    """Seconds as the column stores durations."""
    if ref.role is not Role.DURATION or ref.scale == 1.0 or not isinstance(value, (int, float)):
        return value
    return round(value / ref.scale)


def _literal(value: Value) -> exp.Expr:
    if isinstance(value, str):
        return exp.Literal.string(value)
    if value is None:
        return exp.Null()
    number = int(value) if float(value).is_integer() else value
    return exp.Literal.number(number)


def _identifier(name: str) -> exp.Identifier:
    plain = _PLAIN_NAME.fullmatch(name) and name.casefold() not in _RESERVED
    return exp.to_identifier(name, quoted=not plain)


def _table(name: str) -> exp.Table:
    return exp.Table(this=_identifier(name))


def _column(ref: Ref, *, qualified: bool) -> exp.Column:
    table = _identifier(ref.table) if qualified else None
    return exp.Column(this=_identifier(ref.column), table=table)


def _on(hop: Hop) -> exp.Expr:
    left = _column(Ref(hop.table, hop.column), qualified=True)
    return exp.EQ(this=left, expression=_column(Ref(hop.to_table, hop.to_column), qualified=True))
