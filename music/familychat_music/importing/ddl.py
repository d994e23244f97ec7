"""The tables of a database: what their CREATE TABLE says that no pragma tells, and how the copies are declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from familychat_music.importing.songs import quoted
from familychat_music.schema import Role

BUILT_IN = frozenset({"BINARY", "NOCASE", "RTRIM"})
OPENING, CLOSING, COMMA = frozenset("("), frozenset(")"), frozenset(",")
MAX_SQL = 200_000
"""Characters of a CREATE TABLE that are looked at."""

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|[(),]|[^\s(),"'`\[]+""", re.DOTALL
)
_PLAIN_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_ ]*(\( *[+-]?\d+( *, *[+-]?\d+)? *\))?")
_KEYWORDS = re.compile(
    r"\b(GENERATED|ALWAYS|CONSTRAINT|NOT|NULL|CHECK|DEFAULT|PRIMARY|KEY|UNIQUE|COLLATE|REFERENCES|AS)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Field:
    """A column to copy."""

    name: str
    declared: str
    key: int
    collation: str | None
    role: Role | None = None
    given: bool = False

    def sql(self) -> str:
        """Its definition in the copy."""
        kind = self.declared
        if kind and (not _PLAIN_TYPE.fullmatch(kind) or _KEYWORDS.search(kind)):
            kind = quoted(kind)
        collation = f" COLLATE {self.collation}" if self.collation else ""
        return f"{quoted(self.name)} {kind}{collation}"


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key over one or more columns."""

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]

    def sql(self) -> str:
        """Its clause in the copy."""
        return (
            f"FOREIGN KEY ({', '.join(map(quoted, self.columns))})"
            f" REFERENCES {quoted(self.to_table)} ({', '.join(map(quoted, self.to_columns))})"
        )


@dataclass(frozen=True, slots=True)
class Original:
    """A table to copy."""

    name: str
    fields: tuple[Field, ...]
    links: tuple[Link, ...]


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
