"""The SQL functions a question may call: those that look at values, and can neither write, load nor tell about the
computer. Both walls hold to this one list; whatever SQLite or a build of it adds is refused until it is listed here.
"""

from __future__ import annotations

AGGREGATES = frozenset({"avg", "count", "group_concat", "max", "min", "string_agg", "sum", "total"})
"""These make one row of many. ``max`` and ``min`` of several values are plain functions."""

WINDOWS = frozenset({
    "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank",
    "rank", "row_number",
})  # fmt: skip
"""These need OVER."""

_VALUES = frozenset({
    "abs", "ceil", "ceiling", "char", "coalesce", "concat", "concat_ws", "exp", "floor", "format", "glob", "ifnull",
    "iif", "instr", "length", "like", "ln", "log", "log10", "log2", "lower", "ltrim", "mod", "nullif", "pi", "pow",
    "power", "printf", "random", "replace", "round", "rtrim", "sign", "sqrt", "substr", "substring", "trim", "trunc",
    "typeof", "unicode", "upper",
})  # fmt: skip

_TIMES = frozenset({
    "current_date", "current_time", "current_timestamp", "date", "datetime", "julianday", "strftime", "time",
    "timediff", "unixepoch",
})  # fmt: skip

FUNCTIONS = AGGREGATES | WINDOWS | _VALUES | _TIMES
"""Every function that may be called, in small letters."""
