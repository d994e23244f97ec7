"""SQLite databases, copied table by table.

The file may come from anywhere, so nothing in it is trusted: it is opened read-only, only plain columns of ordinary
tables are read, and the copy's schema is written anew, without any expression of the old one.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from familychat.wording import Text
from familychat_music.importing.ddl import Field, Link, Original, collations
from familychat_music.importing.plan import role_named
from familychat_music.importing.refusals import listed, refused
from familychat_music.importing.report import ColumnReport, ImportOptions, ImportReport, TableReport, example_of
from familychat_music.importing.roles import column_of
from familychat_music.importing.songs import quoted
from familychat_music.schema import Role

if TYPE_CHECKING:
    from familychat_music.importing.importer import Pace

SAMPLE_ROWS = 500
MAX_TABLES = 500
MAX_GROWTH = 4
"""A copy that grows to more times the file's size comes from a file with a loop in it."""
SPARE_BYTES = 16 << 20
BUSY_SECONDS = 1.0
"""How long to wait for another program that writes the source."""
PAGE_SIZE = 4096
STEPS = 100_000
"""SQLite's steps between two looks at the progress."""
KEPT_OUT = {
    "view": Text("Left out, for only tables are taken: views (%(names)s)."),
    "virtual": Text("Left out, for only tables are taken: virtual tables (%(names)s)."),
    "shadow": Text("Left out, for only tables are taken: their inner tables (%(names)s)."),
}


class Watch:
    """Tells progress while SQLite works. What that raises is held back until SQLite has returned."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._held: BaseException | None = None

    def look(self) -> int:
        """SQLite asks whether to stop."""
        with self:
            self._pace.tell(0, None)
        return self._held is not None

    def go_on(self) -> None:
        """Raise what was held back."""
        if self._held is not None:
            raise self._held

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, held: BaseException | None, trace: object) -> bool:
        self._held = held
        return True


def copy_database(source: Path, part: Path, options: ImportOptions, pace: Pace) -> ImportReport:
    """Copy all ordinary tables of a database into a new file, and say what they are."""
    connection, watch = _connect(part), Watch(pace)
    try:
        _attach(connection, source)
        limit = (MAX_GROWTH * source.stat().st_size + SPARE_BYTES) // PAGE_SIZE
        connection.execute(f"PRAGMA main.max_page_count = {limit}")
        originals, notes = _originals(connection, options.mapping)
        connection.set_progress_handler(watch.look, STEPS)
        connection.execute("BEGIN")
        rows = {original.name: _copy(connection, original) for original in originals}
        for original in originals:
            _index(connection, original)
        connection.execute("COMMIT")
        connection.set_progress_handler(None, 0)
        reports = tuple(_report(connection, original, rows[original.name]) for original in originals)
    except sqlite3.DatabaseError as problem:
        watch.go_on()
        raise _broken(source, problem) from None
    finally:
        connection.close()
    pace.finish(sum(rows.values()))
    return ImportReport(source_kind="sqlite", tables=reports, notes=tuple(notes))


def _connect(part: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(_address(part, "rwc"), uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    connection.executescript(
        f"PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = OFF;"
    )
    return connection


def _address(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def _attach(connection: sqlite3.Connection, source: Path) -> None:
    """Open the source read-only. One that was left in WAL mode in a read-only folder can only be read as immutable."""
    address = _address(source, "ro")
    try:
        connection.execute("ATTACH ? AS source", (address,))
        connection.execute("SELECT count(*) FROM source.sqlite_schema").fetchone()
    except sqlite3.OperationalError as problem:
        if "locked" in str(problem):
            raise
        if any(row[1] == "source" for row in connection.execute("PRAGMA database_list")):
            connection.execute("DETACH source")
        connection.execute("ATTACH ? AS source", (f"{address}&immutable=1",))
        connection.execute("SELECT count(*) FROM source.sqlite_schema").fetchone()


def _originals(connection: sqlite3.Connection, mapping: Mapping[str, str]) -> tuple[list[Original], list[str]]:
    """The tables to copy, and notes on what stays behind."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for schema, name, kind, *_ in connection.execute("PRAGMA source.table_list"):
        if schema == "source" and not name.lower().startswith("sqlite_"):
            kinds[kind].append(name)
    names = sorted(kinds["table"])
    if not names or len(names) > MAX_TABLES:
        raise refused(
            Text("The database has more than %(most)s tables.", most=MAX_TABLES)
            if names
            else Text("The database has no table."),
            Text("Choose a database with your music list."),
        )
    originals = [_original(connection, name, set(names)) for name in names]
    notes: list[str] = [Text(said, names=listed(sorted(kinds[kind]))) for kind, said in KEPT_OUT.items() if kinds[kind]]
    triggers = [row[0] for row in connection.execute("SELECT name FROM source.sqlite_schema WHERE type = 'trigger'")]
    if triggers:
        names_of = listed(sorted(map(str, triggers)))
        notes.append(Text("Left out, for only tables are taken: triggers (%(names)s).", names=names_of))
    notes += _generated(connection, names)
    return _mapped(originals, mapping), notes


def _original(connection: sqlite3.Connection, name: str, names: set[str]) -> Original:
    query = "SELECT sql FROM source.sqlite_schema WHERE type = 'table' AND name = ?"
    row = connection.execute(query, (name,)).fetchone()
    collated = collations(row[0]) if row and isinstance(row[0], str) else {}
    fields = tuple(
        Field(column, declared or "", key, collated.get(column.lower()))
        for _, column, declared, _, _, key, hidden in connection.execute(f"PRAGMA source.table_xinfo({quoted(name)})")
        if not hidden
    )
    return Original(name, fields, _links(connection, name, {other.lower(): other for other in names}))


def _links(connection: sqlite3.Connection, name: str, names: Mapping[str, str]) -> tuple[Link, ...]:
    """The foreign keys to tables that are copied too."""
    pairs: dict[int, list[tuple[str, str, str | None]]] = defaultdict(list)
    for number, _, table, column, to_column, *_ in connection.execute(
        f"PRAGMA source.foreign_key_list({quoted(name)})"
    ):
        pairs[number].append((table, column, to_column))
    links = []
    for _, parts in sorted(pairs.items()):
        table = names.get(parts[0][0].lower())
        if table is None:
            continue
        targets = [target for _, _, target in parts if target is not None] or _primary_key(connection, table)
        if len(targets) == len(parts):
            links.append(Link(tuple(column for _, column, _ in parts), table, tuple(targets)))
    return tuple(links)


def _primary_key(connection: sqlite3.Connection, table: str) -> list[str]:
    rows = connection.execute(f"PRAGMA source.table_xinfo({quoted(table)})").fetchall()
    return [row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5]]


def _generated(connection: sqlite3.Connection, names: list[str]) -> list[str]:
    found = [
        f"{name}.{row[1]}"
        for name in names
        for row in connection.execute(f"PRAGMA source.table_xinfo({quoted(name)})")
        if row[6]
    ]
    left_out = Text("Left out, for they are computed from other columns: %(names)s.", names=listed(found))
    return [left_out] if found else []


def _mapped(originals: list[Original], mapping: Mapping[str, str]) -> list[Original]:
    """The tables with the roles that a mapping gives to ``table.column``."""
    known = {f"{table.name}.{field.name}".lower() for table in originals for field in table.fields}
    given = {name.lower(): role_named(role) for name, role in mapping.items()}
    for name in mapping:
        if name.lower() not in known:
            raise refused(
                Text('There is no column "%(name)s".', name=name[:80]),
                Text("There are %(names)s.", names=listed(sorted(known))),
            )
    return [_with_roles(table, given) for table in originals]


def _with_roles(table: Original, given: Mapping[str, Role | None]) -> Original:
    tied = {column for link in table.links for column in link.columns} | {
        field.name for field in table.fields if field.key
    }
    fields = []
    for field in table.fields:
        name = f"{table.name}.{field.name}".lower()
        if name not in given:
            fields.append(field)
        elif (role := given[name]) is not None:
            fields.append(Field(field.name, field.declared, field.key, field.collation, role, given=True))
        elif field.name in tied:
            raise refused(
                Text(
                    "%(table)s.%(name)s ties tables together, so it can't be left out.",
                    table=table.name,
                    name=field.name,
                ),
                Text("Keep it."),
            )
    return Original(table.name, tuple(fields), table.links)


def _copy(connection: sqlite3.Connection, original: Original) -> int:
    key = [field.name for field in sorted(original.fields, key=lambda field: field.key) if field.key]
    clauses = [field.sql() for field in original.fields]
    if key:
        clauses.append(f"PRIMARY KEY ({', '.join(map(quoted, key))})")
    clauses += [link.sql() for link in original.links]
    name, columns = quoted(original.name), ", ".join(quoted(field.name) for field in original.fields)
    connection.execute(f"CREATE TABLE main.{name} ({', '.join(clauses)})")
    copied = connection.execute(
        f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM source.{name} NOT INDEXED"  # noqa: S608 -- quoted
    )
    return copied.rowcount


def _index(connection: sqlite3.Connection, original: Original) -> None:
    """Index the foreign keys, which joins go along."""
    for number, link in enumerate(original.links, 1):
        index = quoted(f"{original.name}_link_{number}")
        columns = ", ".join(map(quoted, link.columns))
        connection.execute(f"CREATE INDEX main.{index} ON {quoted(original.name)} ({columns})")


def _report(connection: sqlite3.Connection, original: Original, rows: int) -> TableReport:
    columns = []
    for field in original.fields:
        name, table = quoted(field.name), quoted(original.name)
        connection.text_factory = lambda content: content.decode("utf-8", "replace")
        query = f"SELECT {name} FROM main.{table} WHERE {name} IS NOT NULL LIMIT {SAMPLE_ROWS}"  # noqa: S608
        values = [value for (value,) in connection.execute(query)]
        filled = connection.execute(f"SELECT count({name}) FROM main.{table}").fetchone()[0]  # noqa: S608
        column = column_of(field.name, values, original.name)
        role = field.role if field.given else column.role
        columns.append(
            ColumnReport(field.name, field.name, column.kind, role, "", filled, example_of(next(iter(values), None)))
        )
    return TableReport(original.name, rows, tuple(columns))


def _broken(source: Path, problem: sqlite3.DatabaseError) -> Exception:
    if "locked" in str(problem) or "busy" in str(problem):
        return refused(
            Text("%(table)s is being written by another program.", table=source.name),
            Text("Close that program and try again."),
        )
    if "unable to open" in str(problem):
        return refused(Text("%(table)s can't be opened.", table=source.name), Text("Check who may read it."))
    return refused(
        Text("%(table)s is damaged: %(reason)s.", table=source.name, reason=str(problem)),
        Text("Open it with its own program, and save or repair it."),
    )
