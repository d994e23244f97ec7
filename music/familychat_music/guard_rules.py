"""What a statement may be made of: a list of harmless parts, functions and patterns. All else is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from familychat.errors import BrokenQuery, QueryTooExpensive, UnsafeQuery
from familychat.wording import Text
from familychat_music.functions import FUNCTIONS
from familychat_music.guard_parse import invalid, no_parameters, not_a_select

LONGEST_PATTERN = 200
MOST_WILDCARDS = 12
"""So many % or * in one pattern, each of which tries every place of a text."""

WIDEST = 200
"""Characters that a printf may pad to."""

MOST_LETTERS = 10
"""So many characters may be made of numbers at once."""

ALLOWED: frozenset[type[exp.Expr]] = frozenset({
    exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
    exp.Distinct, exp.With, exp.CTE, exp.TableAlias, exp.Table, exp.Column, exp.Identifier, exp.Star, exp.Alias,
    exp.Literal, exp.Null, exp.Boolean, exp.HexString, exp.Paren, exp.Tuple, exp.Neg, exp.Not, exp.BitwiseNot,
    exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.Like, exp.Glob, exp.Escape, exp.Between, exp.In, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.BitwiseAnd,
    exp.BitwiseOr, exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.DPipe, exp.Concat, exp.Collate, exp.Cast,
    exp.DataType, exp.DataTypeParam, exp.Case, exp.If, exp.Exists, exp.Subquery, exp.Union, exp.Except, exp.Intersect,
    exp.Values, exp.Window, exp.WindowSpec, exp.Filter, exp.Anonymous, exp.CurrentDate, exp.CurrentTime,
    exp.CurrentTimestamp, exp.Var,
})  # fmt: skip

FOREIGN: Mapping[type[exp.Expr], str] = {
    exp.ILike: Text("SQLite has no ILIKE; LIKE disregards case by itself"),
    exp.RegexpLike: Text("this SQLite has no REGEXP; use LIKE or GLOB"),
    exp.Interval: Text("SQLite has no INTERVAL; use date(x, '+1 day')"),
    exp.Fetch: Text("SQLite has no FETCH; use LIMIT"),
    exp.Lateral: Text("SQLite has no LATERAL"),
    exp.Qualify: Text("SQLite has no QUALIFY; put the window function into a subquery"),
    exp.Any: Text("SQLite has no ANY; use IN"),
    exp.All: Text("SQLite has no ALL here"),
    exp.Bracket: Text("SQLite has no lists"),
    exp.Array: Text("SQLite has no lists"),
}
"""Honest, but another database's: worth telling whoever wrote it."""

FLAGS = re.compile(r"%[-+ 0#,!]*(\*|\d*)(?:\.(\*|\d*))?")


def check_parts(tree: exp.Query) -> None:
    """Raises UnsafeQuery, BrokenQuery or QueryTooExpensive for the first part that isn't allowed."""
    for node in tree.walk():
        if type(node) not in ALLOWED:
            _refuse(node)
        check = CHECKS.get(type(node))
        if check is not None:
            check(node)


def _refuse(node: exp.Expr) -> None:
    if isinstance(node, exp.Placeholder | exp.Parameter):
        raise no_parameters()
    if type(node) in FOREIGN:
        raise BrokenQuery(invalid(FOREIGN[type(node)]), "")
    if isinstance(node, exp.Query | exp.Func | exp.Condition | exp.Predicate) and not isinstance(node, exp.Match):
        raise BrokenQuery(
            Text("The SQL isn't valid in SQLite: %(word)s. Your music list is unchanged.", word=node.key),
            "Write plain SQL.",
        )
    raise not_a_select()


def _check_function(node: exp.Expr) -> None:
    name = node.name.lower() if node.name.isascii() else ""
    if name not in FUNCTIONS:
        raise UnsafeQuery(
            Text("The SQL function %(function)s isn't allowed; your music list is unchanged.", function=node.name),
            "Write the question without it.",
        )
    if name in {"printf", "format"}:
        _check_format(node)
    elif name == "char" and (
        len(node.expressions) > MOST_LETTERS or not all(isinstance(one, exp.Literal) for one in node.expressions)
    ):
        raise UnsafeQuery("char() may only make a few letters; your music list is unchanged.", "Write the text itself.")
    elif name in {"like", "glob"} and node.expressions:
        _check_pattern(node.expressions[0])


def _check_format(node: exp.Expr) -> None:
    pattern = node.expressions[0] if node.expressions else None
    if not isinstance(pattern, exp.Literal):
        raise UnsafeQuery(
            "printf() needs its pattern as a plain text; your music list is unchanged.", "Write the pattern itself."
        )
    widths = [width for found in FLAGS.findall(pattern.name.replace("%%", "")) for width in found if width]
    if any(width == "*" or int(width) > WIDEST for width in widths):
        raise QueryTooExpensive("printf() may not pad so widely; your music list is unchanged.", "Use small widths.")


def _check_like(node: exp.Expr) -> None:
    _check_pattern(node.expression)


def _check_pattern(pattern: exp.Expr) -> None:
    if not isinstance(pattern, exp.Literal):
        return
    wildcards = sum(pattern.name.count(sign) for sign in "%*")
    if len(pattern.name.encode("utf-8", "replace")) > LONGEST_PATTERN or wildcards > MOST_WILDCARDS:
        raise QueryTooExpensive(
            "The pattern of a LIKE or GLOB is too long; your music list is unchanged.", "Look for less at once."
        )


def _check_select(node: exp.Expr) -> None:
    """INTO and locks hide in the arguments of a SELECT, not in nodes of their own."""
    if not node.expressions:
        raise BrokenQuery(
            "The SQL isn't valid: a SELECT asks for nothing. Your music list is unchanged.", "Name a column."
        )
    if any(
        node.args.get(name) for name in ("into", "locks", "hint", "kind", "match", "laterals", "connect", "prewhere")
    ):
        raise not_a_select()


def _check_table(node: exp.Expr) -> None:
    if any(node.args.get(name) for name in ("pivots", "version", "changes", "only", "partition", "format", "pattern")):
        raise not_a_select()


CHECKS: Mapping[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Anonymous: _check_function,
    exp.Like: _check_like,
    exp.Glob: _check_like,
    exp.Select: _check_select,
    exp.Table: _check_table,
}
