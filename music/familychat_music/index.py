"""The link index: every name in a library, found by the words and the spelling people use for it.

It is a SQLite file of its own beside the library, so that a model's SQL can't see it. It holds the library's schema,
the distinct values of its text columns under keys that ignore case, accents and spacing, a word index over them
(FTS5), and a trigram index over the words for what is misspelled.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections import Counter
from pathlib import Path

import msgspec

from familychat_music.describe import describe, quoted
from familychat_music.schema import Column, Kind, Role, Schema, Table
from familychat_music.text import ARTICLES, base_text, fold, link_key

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
_PLAIN = "lower({0}) NOT GLOB '*[^a-z0-9 ]*' AND NOT instr(lower({0}), ' n ')"
_WHOLE = "NOT instr(low, 'feat') AND NOT instr(low, 'ft') AND substr(low, -1) <> ' '"
_KEY = "iif(plain, replace(low, ' ', ''), link_key(value))"
_BASE = f"""CASE
    WHEN NOT (plain AND {_WHOLE}) THEN base_key(value)
    WHEN substr(low, 1, instr(low, ' ') - 1) IN ({", ".join(map("'{}'".format, ARTICLES))})
        THEN replace(substr(low, instr(low, ' ') + 1), ' ', '')
    END"""
_FOLDED = "iif(length(text) = length(CAST(text AS BLOB)) AND NOT instr(text, '$'), text, fold(text))"

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
    connection.execute("PRAGMA cache_size = -131072")
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
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
    # Written once and never added to: merging along the way is lost work.
    connection.execute("INSERT INTO value_words (value_words, rank) VALUES ('automerge', 0)")
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
    few = None if _is_indexed(connection, table, column) else _few_values(connection, table, column)
    if few is not None:
        rows = [(number, text, link_key(text), _base_key(text), uses) for text, uses in few.items()]
        connection.executemany(
            "INSERT INTO linked_value (column_id, text, key, base, uses) VALUES (?, ?, ?, ?, ?)", rows
        )
        return
    name = quoted(column)
    values = (
        f"SELECT {name} AS value, count(*) AS uses, lower({name}) AS low, {_PLAIN.format(name)} AS plain "  # noqa: S608
        f"FROM library.{quoted(table)} "
        f"WHERE typeof({name}) = 'text' AND length({name}) BETWEEN 1 AND ? GROUP BY {name}"
    )
    connection.execute(
        "INSERT INTO linked_value (column_id, text, key, base, uses) "  # noqa: S608
        f"SELECT ?, value, {_KEY}, {_BASE}, uses FROM ({values})",
        [number, LONGEST_VALUE],
    )


def _is_indexed(connection: sqlite3.Connection, table: str, column: str) -> bool:
    """Whether SQLite has the column in its order already, so that grouping it needs no sorting."""
    found = connection.execute(
        "SELECT 1 FROM pragma_index_list(?, 'library') AS listed, pragma_index_info(listed.name, 'library') AS part "
        "WHERE part.seqno = 0 AND part.name = ? AND NOT listed.partial",
        [table, column],
    )
    return found.fetchone() is not None


def _few_values(connection: sqlite3.Connection, table: str, column: str) -> dict[str, int] | None:
    """A column's values and how often each is used, counted without sorting; None if they are too many for that."""
    found: Counter[object] = Counter()
    rows = connection.execute(f"SELECT {quoted(column)} FROM library.{quoted(table)}")  # noqa: S608 -- quoted
    while some := rows.fetchmany(10_000):
        found.update(itertools.chain.from_iterable(some))
        if len(found) > FEW_VALUES:
            return None
    return {value: uses for value, uses in found.items() if isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE}


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
