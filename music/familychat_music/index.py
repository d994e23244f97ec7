"""The link index: every name in a library, found by the words and the spelling people use for it.

It is a SQLite file of its own beside the library, so that a model's SQL can't see it. It holds the library's schema,
the distinct values of its text columns under keys that ignore case, accents and spacing, a word index over them
(FTS5), and a trigram index over the words for what is misspelled.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path

import msgspec

from familychat_music.describe import describe, quoted
from familychat_music.schema import Column, Kind, Role, Schema, Table
from familychat_music.text import base_text, fold, link_key

FORMAT = 1
LONGEST_VALUE = 200
"""Longer texts are no names that somebody types."""

SHORTEST_FUZZY = 4
"""Words of fewer letters are too close to each other to guess at."""

FEW_VALUES = 100_000
"""So many different values are counted in memory; more are grouped by SQLite, which sorts them on disk."""

NOT_NAMES = {Role.PATH, Role.COMMENT, Role.RELEASE_DATE, Role.DATE_ADDED, Role.LAST_PLAYED}

# Most names are plain letters. SQLite makes their keys itself, several times as fast as by calling Python;
# a test holds that both ways give the same.
_PLAIN = "(value NOT GLOB '*[^A-Za-z0-9 ]*' AND value NOT LIKE '% n %')"
_BARE = "(value NOT GLOB '[TtAaDdEeLl]*' AND value NOT LIKE '%feat%' AND value NOT LIKE '%ft%')"
_FOLDED = "iif(text NOT GLOB '*[^A-Za-z0-9 ]*', text, fold(text))"

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE linked_column (id INTEGER PRIMARY KEY, "table" TEXT NOT NULL, "column" TEXT NOT NULL);
CREATE TABLE linked_value (
    id INTEGER PRIMARY KEY, column_id INTEGER NOT NULL, text TEXT NOT NULL, key TEXT NOT NULL, base TEXT,
    uses INTEGER NOT NULL
);
CREATE VIRTUAL TABLE value_words USING fts5(
    words, content='', detail=none, columnsize=0, tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
);
CREATE VIRTUAL TABLE value_vocabulary USING fts5vocab(value_words, row);
CREATE VIRTUAL TABLE spelling USING fts5(word, detail=none, columnsize=0, tokenize=trigram);
"""


def build_index(library: Path, index: Path) -> Schema:
    """Write the index of ``library`` to ``index``, replacing one that is there; returns the library's schema."""
    part = index.with_name(index.name + ".part")
    part.unlink(missing_ok=True)
    connection = sqlite3.connect(part, uri=True)
    try:
        with contextlib.closing(connection):
            schema = _fill(connection, library)
        part.chmod(0o600)
        part.replace(index)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return schema


def _fill(connection: sqlite3.Connection, library: Path) -> Schema:
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -32768")
    for name, function in (("fold", fold), ("link_key", link_key), ("base_key", _base_key)):
        connection.create_function(name, 1, function, deterministic=True)
    connection.executescript(_TABLES)
    connection.execute("ATTACH ? AS library", [f"{library.absolute().as_uri()}?mode=ro"])
    with contextlib.closing(sqlite3.connect(f"{library.absolute().as_uri()}?mode=ro", uri=True)) as source:
        schema = describe(source)
    for number, (table, column) in enumerate(linked_columns(schema)):
        _add_values(connection, number, table.name, column.name)
    connection.execute("CREATE INDEX linked_value_key ON linked_value (key)")
    connection.execute("CREATE INDEX linked_value_base ON linked_value (base) WHERE base IS NOT NULL")
    connection.execute(f"INSERT INTO value_words (rowid, words) SELECT id, {_FOLDED} FROM linked_value")  # noqa: S608
    connection.execute(
        "INSERT INTO spelling (word) SELECT term FROM value_vocabulary "
        "WHERE length(term) >= ? AND term NOT GLOB '*[0-9]*'",
        [SHORTEST_FUZZY],
    )
    about = {"format": str(FORMAT), "schema": msgspec.json.encode(schema).decode()}
    connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
    connection.commit()
    return schema


def _add_values(connection: sqlite3.Connection, number: int, table: str, column: str) -> None:
    connection.execute("INSERT INTO linked_column VALUES (?, ?, ?)", [number, table, column])
    few = _few_values(connection, table, column)
    if few is not None:
        rows = [(number, text, link_key(text), _base_key(text), uses) for text, uses in few.items()]
        connection.executemany(
            "INSERT INTO linked_value (column_id, text, key, base, uses) VALUES (?, ?, ?, ?, ?)", rows
        )
        return
    name = quoted(column)
    values = (
        f"SELECT {name} AS value, count(*) AS uses FROM library.{quoted(table)} "  # noqa: S608
        f"WHERE typeof({name}) = 'text' AND length({name}) BETWEEN 1 AND ? GROUP BY {name}"
    )
    connection.execute(
        "INSERT INTO linked_value (column_id, text, key, base, uses) "  # noqa: S608
        f"SELECT ?, value, iif({_PLAIN}, lower(replace(value, ' ', '')), link_key(value)), "
        f"iif({_PLAIN} AND {_BARE}, NULL, base_key(value)), uses FROM ({values})",
        [number, LONGEST_VALUE],
    )


def _few_values(connection: sqlite3.Connection, table: str, column: str) -> Counter[str] | None:
    """A column's values and how often each is used, counted without sorting; None if they are too many for that."""
    found: Counter[str] = Counter()
    for (value,) in connection.execute(f"SELECT {quoted(column)} FROM library.{quoted(table)}"):  # noqa: S608
        if isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE:
            found[value] += 1
            if len(found) > FEW_VALUES:
                return None
    return found


def _base_key(text: str) -> str | None:
    """The key of the name without its surroundings, or None if that is the whole name anyway."""
    base = base_text(text)
    return None if base == text else link_key(base) or None


def linked_columns(schema: Schema) -> list[tuple[Table, Column]]:
    """The columns whose values people name in questions. A list of single artists stands in for the cells they
    were taken from."""
    split = {
        column.role
        for table in schema.tables
        for column in table.columns
        if column.role and table.name == f"song_{column.role}s"
    }
    return [
        (table, column)
        for table in schema.tables
        for column in table.columns
        if column.kind is Kind.TEXT
        and column.role not in NOT_NAMES
        and not (table.name == "songs" and column.role in split)
        and not any(column.name == key.column and table.name == key.table for key in schema.foreign_keys)
    ]


def read_schema(index: sqlite3.Connection) -> Schema:
    """The schema that :func:`build_index` kept."""
    row = index.execute("SELECT value FROM about WHERE name = 'schema'").fetchone()
    return msgspec.json.decode(row[0], type=Schema)
