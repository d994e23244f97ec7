"""The first wall: what a model wrote is one harmless SELECT over this library, or it isn't run.

It reads the statement with sqlglot, looks at every part of it, and writes it anew. The second wall, the runner, doesn't
rely on it; but this one can tell in plain words what is wrong, so that whoever wrote the statement can mend it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from familychat_music.guard_cost import check_cost, check_count
from familychat_music.guard_names import check_columns, check_tables
from familychat_music.guard_parse import LONGEST_STATEMENT, parse, too_deep
from familychat_music.guard_rules import check_parts
from familychat_music.guard_text import caseless_changes, literal, write

__all__ = ["LONGEST_STATEMENT", "check"]


def check(
    sql: str, *, tables: Mapping[str, Sequence[str]] | None = None, row_limit: int = 1000, caseless: bool = False
) -> str:
    """The statement to run: ``sql`` without comments, giving at most ``row_limit`` + 1 rows, so that one can tell
    whether there are more.

    ``tables`` are the readable tables with their columns; None lets any name pass that isn't SQLite's own, and leaves
    the columns to the runner. ``caseless`` makes ``=``, ``<>`` and IN disregard case between a column and a text.

    Raises UnsafeQuery for anything but one plain SELECT over these tables, BrokenQuery for what isn't valid or names
    a column that isn't there, and QueryTooExpensive for what is too long, too deep or multiplies itself.
    """
    statement = parse(sql)
    try:
        check_parts(statement.tree)
        check_count(statement.tree)
        check_tables(statement.tree, tables)
        check_cost(statement.tree, tables)
        texts = frozenset() if tables is None else check_columns(statement, tables)
    except RecursionError:
        raise too_deep() from None
    named = {token.start: token.text for token in statement.tokens if token.start in texts}
    changes = {start: literal(text) for start, text in named.items()}
    if caseless:
        changes |= caseless_changes(statement, named)
    return write(statement, row_limit=row_limit, changes=changes)
