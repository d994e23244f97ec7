"""Reading a library's own structure: tables, columns, what they mean, and how they hang together."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from familychat_music.schema import Column, ForeignKey, Kind, Role, Schema, Table

SAMPLE_ROWS = 200

_NAMING = {"name", "title", "label", "text", "value", "bezeichnung", "nombre", "nom", "titel", "titulo", "titre"}
"""Columns that hold what a row of their table is called."""


def quoted(name: str) -> str:
    """A name as SQL wants it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def describe(connection: sqlite3.Connection) -> Schema:
    """The tables of an imported library. Columns of sheets are named after their roles; those of databases are
    recognised by name and content, and a ``name`` column by the name of its table."""
    names = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
        )
    ]
    tables = _one_title([_table(connection, name) for name in names])
    keys = tuple(key for name in names for key in _foreign_keys(connection, name))
    return Schema(tables, keys, _newest_year(connection, tables))


def _newest_year(connection: sqlite3.Connection, tables: Sequence[Table]) -> int | None:
    for role, value in ((Role.YEAR, "{0}"), (Role.RELEASE_DATE, "CAST(substr({0}, 1, 4) AS INTEGER)")):
        for table in tables:
            for column in table.columns:
                if column.role is role:
                    year = value.format(quoted(column.name))
                    query = f"SELECT max({year}) FROM {quoted(table.name)} WHERE {year} BETWEEN 1000 AND 2100"  # noqa: S608
                    newest = connection.execute(query).fetchone()[0]
                    return None if newest is None else int(newest)
    return None


def _table(connection: sqlite3.Connection, name: str) -> Table:
    info = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
    links = {key.column for key in _foreign_keys(connection, name)}
    primary = tuple(row[1] for row in sorted(info, key=lambda row: row[5]) if row[5])
    count = connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0]  # noqa: S608
    sample = connection.execute(f"SELECT * FROM {quoted(name)} LIMIT ?", [SAMPLE_ROWS]).fetchall()  # noqa: S608
    columns = []
    for place, row in enumerate(info):
        values = [cells[place] for cells in sample if cells[place] is not None]
        key = row[1] in links or row[1] in primary
        columns.append(_column(name, row[1], values, key=key))
    return Table(name, tuple(columns), primary, count)


def _column(table: str, name: str, values: Sequence[object], *, key: bool) -> Column:
    from familychat_music.importing.roles import column_of, role_of_header

    if key and name.casefold() != "title":
        numbers = all(isinstance(value, (int, float)) for value in values)
        return Column(name, Kind.NUMBER if numbers else Kind.TEXT)
    if name in set(Role):
        known = column_of(name, values)
        return replace(known, role=Role(name))
    if name.casefold() in _NAMING:
        role = role_of_header(table) or role_of_header(table.rstrip("s"))
        if role is not None:
            # A name in a table of tracks is a title, not the number of a track on its album.
            return Column(name, Kind.TEXT, Role.TITLE if role is Role.TRACK else role)
    return column_of(name, values)


def _one_title(tables: list[Table]) -> tuple[Table, ...]:
    """Only one table holds the songs: the one with titles and the most rows. Elsewhere a title is just a text."""
    holding = [table for table in tables if any(column.role is Role.TITLE for column in table.columns)]
    main = max(holding, key=lambda table: table.row_count, default=None)
    found = []
    for table in tables:
        if table is main:
            found.append(table)
            continue
        columns = (replace(column, role=None) if column.role is Role.TITLE else column for column in table.columns)
        found.append(replace(table, columns=tuple(columns)))
    return tuple(found)


def _foreign_keys(connection: sqlite3.Connection, table: str) -> list[ForeignKey]:
    found = []
    for row in connection.execute(f"PRAGMA foreign_key_list({quoted(table)})"):
        target = row[4]
        if target is None:  # it points at the primary key, whatever that is called
            keys = [info[1] for info in connection.execute(f"PRAGMA table_info({quoted(row[2])})") if info[5]]
            if len(keys) != 1:
                continue
            target = keys[0]
        found.append(ForeignKey(table, row[3], row[2], target))
    return found
