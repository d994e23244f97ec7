"""Which tables and columns a statement names, and whether it may."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from sqlglot import exp

from familychat.errors import BrokenQuery, UnsafeQuery
from familychat.wording import Text
from familychat_music.guard_parse import Statement

ROWID = {"rowid", "oid", "_rowid_"}
ALIKE = 60.0
"""From this likeness on, of 100, a name is suggested for one that isn't there."""

HIDDEN = re.compile(
    r"sqlite_|pragma_|(?:json_each|json_tree|dbstat|bytecode|tables_used|generate_series|completion|fsdir|zipfile"
    r"|wholenumber|carray|csv|fts3tokenize|fts5vocab)$"
)
"""Tables that every SQLite has, or may have, without anybody having made them."""

COMPARISONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.Glob, exp.Between, exp.In, exp.Is,
    exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """A place that reads a table, or an entry of a WITH, by its name. ``is_plain``: without ``main.`` before it."""

    node: exp.Expr
    name: str
    is_plain: bool = True

    @property
    def entry(self) -> exp.CTE | None:
        """The entry of a WITH that is meant, or None if it is a table of the library.

        In SQLite all entries of a WITH know each other, whatever their order.
        """
        node = self.node if self.is_plain else None
        while node is not None:
            with_ = node.args.get("with_")
            for entry in with_.expressions if with_ is not None else ():
                if isinstance(entry, exp.CTE) and small(entry.alias) == small(self.name):
                    return entry
            node = node.parent
        return None


def small(name: str) -> str:
    """The name as SQLite compares names: only ASCII letters have a small form."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def sources(tree: exp.Expr) -> Iterator[Source]:
    """Everything that is read by name, in FROM and in ``x IN name``. Raises UnsafeQuery for what isn't a name."""
    for table in tree.find_all(exp.Table):
        if table.arg_key == "indexed":
            continue
        if not isinstance(table.this, exp.Identifier):
            raise UnsafeQuery(
                "A function can't stand where a table belongs, so this wasn't run; your music list is unchanged.",
                "Use the library's own tables.",
            )
        yield _source(table, table.name, [table.db, table.catalog])
    for node in tree.find_all(exp.In):
        field = node.args.get("field")
        if isinstance(field, exp.Column) and isinstance(field.this, exp.Identifier):
            yield _source(node, field.name, [field.table, field.db])
        elif field is not None:
            raise UnsafeQuery(
                "IN needs a list or a SELECT, so this wasn't run; your music list is unchanged.",
                "Write IN (SELECT ...).",
            )


def _source(node: exp.Expr, name: str, qualifiers: Sequence[str]) -> Source:
    schema = small(qualifiers[0])
    if schema not in {"", "main"} or any(qualifiers[1:]):
        raise no_table(".".join([*qualifiers[::-1], name]).strip("."), ())
    return Source(node, name, not schema)


def check_tables(tree: exp.Query, tables: Mapping[str, Sequence[str]] | None) -> None:
    """Raises UnsafeQuery for SQLite's own tables, BrokenQuery for what is neither in ``tables`` nor in a WITH.

    Without ``tables``, everything may be read that somebody made.
    """
    known = None if tables is None else {small(name) for name in tables}
    for source in sources(tree):
        name = small(source.name)
        if source.entry is not None:
            continue
        if HIDDEN.match(name):
            raise UnsafeQuery(
                Text("The table %(table)s is SQLite's own; your music list is unchanged.", table=source.name),
                "Use the library's own tables.",
            )
        if known is not None and name not in known:
            raise no_table(source.name, tables or ())


def no_table(name: str, tables: Collection[str]) -> BrokenQuery:
    there = Text("Its tables are: %(names)s.", names=", ".join(list(tables)[:20])) if tables else None
    return BrokenQuery(
        Text("This library has no readable table %(name)s; your music list is unchanged.", name=name),
        suggestion(name, tables) or there or Text("Use the library's own tables."),
    )


def suggestion(name: str, names: Collection[str]) -> Text | None:
    """The names that are written most like ``name``, in a sentence."""
    near = process.extract(
        small(name), {one: small(one) for one in names}, scorer=fuzz.ratio, limit=3, score_cutoff=ALIKE
    )
    return Text("Do you mean %(names)s?", names=" or ".join(found[2] for found in near)) if near else None


def check_columns(statement: Statement, tables: Mapping[str, Sequence[str]]) -> frozenset[int]:
    """The places of names in double quotes that are texts in truth, as SQLite takes them: ``artist = "Queen"``.

    Raises BrokenQuery for a column that is nowhere in the statement's tables. It doesn't follow which SELECT sees
    which column: SQLite does that, and a guess here would refuse honest statements.
    """
    visible = _visible(statement.tree, tables)
    everything = {small(name): name for names in visible.values() for name in names or ()}
    everything |= {small(name): name for name in _made_names(statement.tree)}
    texts: set[int] = set()
    for column in statement.tree.find_all(exp.Column):
        name = small(column.name)
        if isinstance(column.this, exp.Star) or name in ROWID:
            known: Collection[str] | None = None
        elif column.table:
            known = _columns_of(small(column.table), visible)
        else:
            known = everything
        if column.table and small(column.table) not in visible:
            raise BrokenQuery(
                Text("The SQL has no table or alias %(table)s; your music list is unchanged.", table=column.table),
                suggestion(column.table, sorted(visible)) or Text("Name it in FROM."),
            )
        if known is None or name in known or _is_field(column):
            continue
        if not column.table and _is_text(statement, column):
            texts.add(column.this.meta["start"])
        elif "(" not in name:  # else SQLite's own name for a column such as "count(*)"
            raise _no_column(column.name, [everything.get(one, one) for one in known])
    return frozenset(texts)


def _columns_of(alias: str, visible: Mapping[str, Sequence[str] | None]) -> set[str] | None:
    names = visible.get(alias)
    return None if names is None else {small(name) for name in names}


def _visible(tree: exp.Query, tables: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str] | None]:
    """The columns of everything in a FROM, by its name or alias in small letters; None where they aren't known.

    One alias may stand for several things in different SELECTs: then their columns count together.
    """
    columns = {small(name): list(names) for name, names in tables.items()}
    found: dict[str, Sequence[str] | None] = {}
    for source in sources(tree):
        alias = small(source.node.alias_or_name) if isinstance(source.node, exp.Table) else ""
        here = None if source.entry is not None else columns.get(small(source.name))
        before = found.get(alias, ())
        found[alias] = None if here is None or before is None else [*before, *here]
    for query in tree.find_all(exp.Subquery, exp.Values):
        if query.alias:
            found[small(query.alias)] = None
    return found


def _made_names(tree: exp.Query) -> Iterator[str]:
    """The names that the statement itself gives to columns."""
    for node in tree.find_all(exp.Alias, exp.TableAlias):
        if isinstance(node, exp.Alias):
            yield node.alias
        else:
            yield from (column.name for column in node.args.get("columns") or ())
    for values in tree.find_all(exp.Values):
        yield from (
            f"column{number}" for number in range(1, 1 + max(len(row.expressions) for row in values.expressions))
        )


def _is_field(column: exp.Column) -> bool:
    """Whether it is the table of ``x IN table``."""
    return isinstance(column.parent, exp.In) and column.parent.args.get("field") is column


def _is_text(statement: Statement, column: exp.Column) -> bool:
    """Whether it is in double quotes and compared with something: then it is meant as a text."""
    start = column.this.meta.get("start")
    if start is None or statement.sql[start] != '"':
        return False
    parent = column.parent
    while isinstance(parent, exp.Paren | exp.Escape | exp.Tuple):
        parent = parent.parent
    return isinstance(parent, COMPARISONS)


def _no_column(name: str, names: Collection[str]) -> BrokenQuery:
    which = suggestion(name, sorted(names)) or Text("Use the columns that the library has.")
    return BrokenQuery(Text("This library has no column %(name)s; your music list is unchanged.", name=name), which)
