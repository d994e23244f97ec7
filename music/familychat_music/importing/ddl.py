"""Reading a CREATE TABLE for the one thing that SQLite's pragmas don't tell: the collations of columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

BUILT_IN = frozenset({"BINARY", "NOCASE", "RTRIM"})
OPENING, CLOSING, COMMA = frozenset("("), frozenset(")"), frozenset(",")
MAX_SQL = 200_000
"""Characters of a CREATE TABLE that are looked at."""

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|[(),]|[^\s(),"'`\[]+""", re.DOTALL
)


def collations(sql: str) -> dict[str, str]:
    """The built-in collations that a CREATE TABLE gives its columns, by column name in lower case."""
    found: dict[str, str] = {}
    for tokens in _definitions(sql[:MAX_SQL]):
        upper = [token.upper() for token in tokens]
        if "COLLATE" in upper[1:-1]:
            name = unquoted(tokens[upper.index("COLLATE", 1) + 1]).upper()
            if name in BUILT_IN:
                found[unquoted(tokens[0]).lower()] = name
    return found


def unquoted(token: str) -> str:
    """A name without its quotes."""
    if len(token) > 1 and token[0] in "\"'`[":
        closing = "]" if token[0] == "[" else token[0]
        return token[1:-1].replace(closing * 2, closing)
    return token


def _definitions(sql: str) -> Iterator[list[str]]:
    """The tokens of each column, those in inner parentheses left out."""
    depth, tokens = 0, list[str]()
    for token in _TOKEN.findall(sql):
        if token.startswith(("--", "/*")):
            continue
        depth += (token in OPENING) - (token in CLOSING)
        ends = (token in COMMA and depth == 1) or (token in CLOSING and depth == 0)
        if ends:
            if tokens:
                yield tokens
            tokens = []
        elif depth == 1 and token not in OPENING | CLOSING:
            tokens.append(token)
