"""What a statement would cost before a row is looked at: tables joined without a condition, WITHs that double."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from familychat.errors import QueryTooExpensive, UnsafeQuery
from familychat.wording import Text
from familychat_music.functions import AGGREGATES
from familychat_music.guard_names import small, sources

MOST_LOOSE = 2
"""So many tables may be joined with no condition between them; a third makes a billion rows of a thousand."""

MOST_READINGS = 200
"""So many tables may be read, counting an entry of a WITH as often as it is used."""

LARGEST_COMPOUND = 20
"""So many SELECTs may be one UNION; SQLite is told the same."""


def check_cost(tree: exp.Query, tables: Mapping[str, Sequence[str]] | None) -> None:
    """Raises QueryTooExpensive for a statement that multiplies itself, UnsafeQuery for one that reads itself."""
    if _readings(tree, {}, ()) > MOST_READINGS:
        raise _too_many_tables()
    if any(_compound(query) > LARGEST_COMPOUND for query in tree.find_all(exp.SetOperation)):
        raise QueryTooExpensive(
            "The SQL joins too many SELECTs into one; your music list is unchanged.", "Ask for less at once."
        )
    joins = _Joins({small(name): {small(one) for one in names} for name, names in (tables or {}).items()})
    for select in tree.find_all(exp.Select):
        if joins.loose(select) > MOST_LOOSE:
            raise QueryTooExpensive(
                "The SQL combines tables without saying how they belong "
                "together, so it wasn't run; your music list is unchanged.",
                "Say which columns have to be equal.",
            )


def check_count(tree: exp.Query) -> None:
    """Raises QueryTooExpensive for more names than the other rules should look through."""
    if sum(1 for _ in tree.find_all(exp.Table, exp.CTE)) > MOST_READINGS:
        raise _too_many_tables()


def _too_many_tables() -> QueryTooExpensive:
    return QueryTooExpensive(
        "The SQL reads too many tables, so it wasn't run; your music list is unchanged.", "Ask for less at once."
    )


def _readings(tree: exp.Expr, known: dict[int, int], path: tuple[int, ...]) -> int:
    """How many tables are read in ``tree``, each WITH entry counted as often as it is used."""
    total = 0
    for source in sources(tree):
        entry = source.entry
        if entry is None:
            total += 1
            continue
        if id(entry) in path:
            raise UnsafeQuery(
                Text(
                    "The part %(name)s of the SQL reads itself, so it wasn't run; your music list is unchanged.",
                    name=entry.alias,
                ),
                "Give it a name of its own, and let it read the library's tables only.",
            )
        if id(entry) not in known:
            known[id(entry)] = 1 + _readings(entry.this, known, (*path, id(entry)))
        total += known[id(entry)]
        if total > MOST_READINGS:
            return total
    return total


def _compound(query: exp.Expr) -> int:
    """How many SELECTs the compound is made of."""
    count, waiting = 0, [query]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.SetOperation):
            waiting += [node.this, node.expression]
        else:
            count += 1
    return count


class _Joins:
    """Counts the tables that SELECTs multiply with each other. ``columns`` are those of the library's tables."""

    def __init__(self, columns: Mapping[str, set[str]]) -> None:
        self._columns = columns
        self._known: dict[int, int] = {}

    def loose(self, select: exp.Select) -> int:
        """How many groups of tables the SELECT multiplies; tables with a condition between them are one group."""
        if id(select) not in self._known:
            self._known[id(select)] = self._count(select)
        return self._known[id(select)]

    def _count(self, select: exp.Select) -> int:
        members = _members(select)
        weights = [self._weight(node) for node in members]
        owners = [(small(node.alias_or_name), self._columns_of(node)) for node in members]
        groups = list(range(len(members)))
        for condition in _conditions(select):
            linked = [number for number in _linked(condition, owners) if weights[number]]
            for number in linked[1:]:
                _unite(groups, linked[0], number)
        _unite_natural(members, weights, groups)
        return sum(max(w for w, g in zip(weights, groups, strict=True) if g == group) for group in set(groups))

    def _weight(self, node: exp.Expr) -> int:
        """How many tables' worth of rows it gives: none if it is one row."""
        query: exp.Expr | None = node.this if isinstance(node, exp.Subquery) else None
        if isinstance(node, exp.Values):
            return int(len(node.expressions) > 1)
        if isinstance(node, exp.Table):
            entry = next((source.entry for source in sources(node) if source.node is node), None)
            query = None if entry is None else entry.this
        if not isinstance(query, exp.Select):
            return 1
        return 0 if _is_one_row(query) else max(1, self.loose(query))

    def _columns_of(self, node: exp.Expr) -> set[str] | None:
        """The columns that the member of a FROM is known to have; None if it isn't known."""
        return self._columns.get(small(node.name)) if isinstance(node, exp.Table) else None


def _unite(groups: list[int], first: int, second: int) -> None:
    old, new = groups[second], groups[first]
    groups[:] = [new if group == old else group for group in groups]


def _unite_natural(members: Sequence[exp.Expr], weights: Sequence[int], groups: list[int]) -> None:
    """NATURAL and USING connect a table with the one before it."""
    before: int | None = None
    for number, node in enumerate(members):
        if weights[number]:
            join = node.parent
            if before is not None and isinstance(join, exp.Join) and (join.args.get("using") or join.method):
                _unite(groups, before, number)
            before = number


def _is_nested(node: exp.Expr) -> bool:
    """Whether it is a FROM in parentheses: ``FROM (a JOIN b)``."""
    return isinstance(node, exp.Paren | exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery | exp.Paren)


def _joins(select: exp.Expr) -> Iterator[exp.Join]:
    """Every join of the SELECT's FROM, parentheses opened."""
    from_ = select.args.get("from_")
    waiting = [select] if from_ is None else [select, from_.this]
    while waiting:
        node = waiting.pop()
        for join in node.args.get("joins") or ():
            yield join
            waiting.append(join.this)
        if _is_nested(node):
            waiting.append(node.this)


def _members(select: exp.Expr) -> list[exp.Expr]:
    """What the SELECT's FROM is made of, in the order of writing."""
    from_ = select.args.get("from_")
    found = [] if from_ is None else _opened(from_.this)
    for join in select.args.get("joins") or ():
        found += _opened(join.this)
    return found


def _opened(node: exp.Expr) -> list[exp.Expr]:
    found = _opened(node.this) if _is_nested(node) else [node]
    for join in node.args.get("joins") or ():
        found += _opened(join.this)
    return found


def _conditions(select: exp.Expr) -> Iterator[exp.Expr]:
    """Every condition between tables, split at AND."""
    where = select.args.get("where")
    waiting = [] if where is None else [where.this]
    waiting += [join.args["on"] for join in _joins(select) if join.args.get("on") is not None]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.And):
            waiting += [node.this, node.expression]
        elif isinstance(node, exp.Paren):
            waiting.append(node.this)
        else:
            yield node


def _is_one_row(select: exp.Select) -> bool:
    """Whether it gives at most one row: an aggregate over everything, plain values, or LIMIT 1."""
    limit = select.args.get("limit")
    if select.args.get("from_") is None or (limit is not None and limit.expression.name in {"0", "1"}):
        return True
    return select.args.get("group") is None and any(_aggregates(one) for one in select.expressions)


def _aggregates(node: exp.Expr) -> bool:
    """Whether the expression makes one row of all, not counting its subqueries."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.Window | exp.Query):
            continue
        name = one.name.lower() if isinstance(one, exp.Anonymous) else ""
        if name in AGGREGATES and (name not in {"max", "min"} or len(one.expressions) == 1):
            return True
        waiting += one.iter_expressions()
    return False


def _linked(condition: exp.Expr, owners: Sequence[tuple[str, set[str] | None]]) -> list[int]:
    """The members of the FROM that the condition names, by number; a bare column counts for all that may have it."""
    found: list[int] = []
    for column in condition.find_all(exp.Column):
        table, name = small(column.table), small(column.name)
        for number, (alias, names) in enumerate(owners):
            if alias == table if table else names is None or name in names:
                found.append(number)
    return found
