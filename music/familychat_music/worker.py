"""The process that runs a question's SQL, alone: ``python -I -S worker.py``. It uses the standard library only.

It is the wall that has to hold when everything else has failed, so it trusts nothing in the statement. Each question
gets a fresh read-only connection on which SQLite asks :class:`Wall` about every table and function, and may use so
much memory and no more. The process that started this one kills it at the deadline.

Frames go both ways over standard input and output: four bytes of length, then JSON in ASCII. The first frame comes
from here and is empty: ready.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

try:
    import resource
except ImportError:  # Windows: there the deadline and SQLite's own limits have to do
    resource = None  # type: ignore[assignment]

LENGTH = struct.Struct(">I")
LONGEST_STATEMENT = 100_000
LONGEST_PATTERN = 200
STEPS_BETWEEN_LOOKS = 20_000
"""Virtual-machine steps between two looks at the clock: about a millisecond."""

OWN_END = 0.95
"""At this part of its time a statement is stopped from inside, where that works: then this process stays warm."""

WORN_OUT = 32 * 1024 * 1024
"""A process that has grown by so many bytes is replaced, so that the next question has its whole allowance."""

BEGINNING = re.compile(r"(?:\s|\ufeff|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*(\w*)", re.DOTALL)
FIRST_WORDS = {"SELECT", "WITH", "VALUES"}
"""EXPLAIN is unknown to the authorizer, and tells where hidden tables lie: it is seen by the first word."""

SHADOWS = (
    "config", "content", "data", "docsize", "idx", "node", "parent", "rowid", "segdir", "segments", "stat",
)  # fmt: skip
"""How the tables are called, after the name, in which full-text and R-tree tables keep their content."""

OWN = re.compile("sqlite_|pragma_", re.IGNORECASE)
MODULES: set[str] = set()
"""Virtual tables that are there without anybody having made them; filled when this process starts."""

FILE_ERRORS = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_READONLY,
}  # fmt: skip

KINDS = (
    ("time", re.compile("^interrupted$")),
    ("syntax", re.compile("syntax error|incomplete input|unrecognized token|null character")),
    ("many", re.compile("one statement")),
    ("large", re.compile("too big")),
    ("complex", re.compile("too large|too complex|too many (?!SQL)|parser stack overflow|at most [0-9]+ tables")),
    ("missing", re.compile("^no such table: ")),
)
"""What the wording of an error of SQLite means; all others say that the statement doesn't fit the tables."""


class Wall:
    """Answers SQLite's question whether a statement may do something, while the statement is being prepared.

    ``tables`` are the readable tables and views, ``through`` the (table, column, view) readings that readable views
    are made of. Afterwards ``reason`` says what was refused first: ``function``, ``table``, ``recursion`` or
    ``action``.
    """

    def __init__(
        self, functions: frozenset[str], tables: frozenset[str], through: frozenset[tuple[str, str, str]]
    ) -> None:
        self._functions = functions
        self._tables = tables
        self._through = through
        self.reason = ""
        self.name = ""

    def __call__(
        self, action: int, first: str | None, second: str | None, schema: str | None, source: str | None
    ) -> int:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            return self._read(first or "", second or "", schema, source or "")
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in self._functions:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            return self._refuse("function", second or "")
        return self._refuse("recursion" if action == sqlite3.SQLITE_RECURSIVE else "action", "")

    def _read(self, table: str, column: str, schema: str | None, source: str) -> int:
        if schema == "main" and (table in self._tables or (table, column, source) in self._through):
            return sqlite3.SQLITE_OK
        if schema is None and not column and not OWN.match(table) and table not in MODULES:
            return sqlite3.SQLITE_OK  # no column is read, and it may be a name that a WITH made up: see the mirror
        return self._refuse("table", table)

    def _refuse(self, reason: str, name: str) -> int:
        if not self.reason:
            self.reason, self.name = reason, name
        return sqlite3.SQLITE_DENY


class RefusedError(Exception):
    """The question ends here; ``kind`` is the reply's ``error``, ``detail`` its wording."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail


def caseless(name: str) -> str:
    """The name as SQLite compares names: only the letters of ASCII know a small form."""
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in name)


@dataclass(frozen=True)
class Library:
    """What is in a file: its ordinary tables and views, (name, is it a view) by their caseless names, and its
    indexes with the caseless names of their tables.
    """

    known: dict[str, tuple[str, bool]]
    indexes: list[tuple[str, str]]

    def wanted(self, tables: Sequence[str] | None) -> list[str]:
        """The caseless names of those in ``tables``, or of all."""
        return list(self.known) if tables is None else sorted({caseless(name) for name in tables} & self.known.keys())


def survey(connection: sqlite3.Connection) -> Library:
    """The file's library. SQLite's own tables aren't ordinary, nor virtual ones with the tables of their content."""
    known: dict[str, tuple[str, bool]] = {}
    shadows: set[str] = set()
    indexes: list[tuple[str, str]] = []
    for kind, name, table, sql in connection.execute("SELECT type, name, tbl_name, sql FROM main.sqlite_schema"):
        if kind == "index" and sql:
            indexes.append((name, caseless(table)))
        elif kind == "table" and re.match(r"CREATE\s+VIRTUAL\b", str(sql), re.IGNORECASE):
            shadows.update(f"{caseless(name)}_{part}" for part in SHADOWS)
        elif kind in {"table", "view"} and not caseless(name).startswith("sqlite_"):
            known[caseless(name)] = (name, kind == "view")
    return Library({name: one for name, one in known.items() if name not in shadows}, indexes)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def readings(connection: sqlite3.Connection, views: Sequence[str]) -> frozenset[tuple[str, str, str]]:
    """What the views read from tables: (table, column, view)."""
    found: set[tuple[str, str, str]] = set()

    def record(action: int, first: str | None, second: str | None, schema: str | None, source: str | None) -> int:
        if action == sqlite3.SQLITE_READ and source and schema == "main":
            found.add((first or "", second or "", source))
        return sqlite3.SQLITE_OK

    connection.set_authorizer(record)
    for view in views:
        with contextlib.suppress(sqlite3.Error):  # a view over a table that is gone: nothing can be read through it
            connection.execute(f"EXPLAIN SELECT * FROM main.{quoted(view)}").close()  # noqa: S608 -- the name is quoted
    connection.set_authorizer(None)
    return frozenset(found)


def is_settled(path: str) -> bool:
    """Whether the file keeps a write-ahead log that is empty.

    Reading such a file makes SQLite put two others beside it, unless it is told that the file doesn't change. This is
    looked up here and not in the program that asks, whose own locks on the file would end with the look.
    """
    try:
        with Path(path).open("rb") as file:
            is_logged = file.read(20)[18:] == b"\x02\x02"
        log = Path(f"{path}-wal")
        return is_logged and not (log.exists() and log.stat().st_size)
    except OSError:
        return False


def connect(request: dict[str, Any]) -> sqlite3.Connection:
    """The read-only connection of one question."""
    path = request["path"]
    connection = sqlite3.connect(
        f"{Path(path).as_uri()}?mode=ro{'&immutable=1' if is_settled(path) else ''}",
        uri=True,
        timeout=request["seconds"] / 2,
        isolation_level=None,
        cached_statements=0,
    )
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    for pragma in (
        "query_only = 1",
        "trusted_schema = 0",
        "cell_size_check = 1",
        "temp_store = MEMORY",
        "mmap_size = 0",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def confine(connection: sqlite3.Connection, request: dict[str, Any]) -> None:
    """Set SQLite's own limits."""
    limits = {
        sqlite3.SQLITE_LIMIT_LENGTH: 4 * request["result"] + 1_000_000,
        sqlite3.SQLITE_LIMIT_SQL_LENGTH: 4 * LONGEST_STATEMENT,  # in bytes; the letters are counted before
        sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
        sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
        sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
        sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
        sqlite3.SQLITE_LIMIT_ATTACHED: 0,
        sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: LONGEST_PATTERN,
        sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: len(request["parameters"]),
        sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
        sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
    }
    for category, limit in limits.items():
        connection.setlimit(category, limit)


def columns_of(connection: sqlite3.Connection, library: Library, names: Sequence[str]) -> dict[str, list[str]]:
    """The columns of the tables and views by their names; a view that doesn't work any more is left out."""
    found: dict[str, list[str]] = {}
    for name, _ in (library.known[one] for one in names):
        with contextlib.suppress(sqlite3.OperationalError):
            found[name] = [row[1] for row in connection.execute(f"PRAGMA main.table_xinfo({quoted(name)})")]
    return {name: columns for name, columns in found.items() if columns}


def mirror(library: Library, tables: dict[str, list[str]]) -> sqlite3.Connection:
    """An empty database that has the readable tables and nothing else.

    A statement is prepared here first. What it says about a hidden table, that it isn't there, is then the same
    whether there is one or not, and a name that means something here means the same in the library.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
    connection.execute("BEGIN")
    for table, names in tables.items():
        connection.execute(f"CREATE TABLE {quoted(table)} ({', '.join(quoted(name) for name in names)})")
    first = {caseless(table): (table, names[0]) for table, names in tables.items()}
    for index, name in library.indexes:
        if name in first:  # for INDEXED BY
            table, column = first[name]
            connection.execute(f"CREATE INDEX {quoted(index)} ON {quoted(table)} ({quoted(column)})")
    connection.execute("COMMIT")
    return connection


def prepare(connection: sqlite3.Connection, request: dict[str, Any], library: Library) -> Wall:
    """Put the wall up around the connection, after the statement was refused if it doesn't fit the mirror."""
    names = library.wanted(request["tables"])
    functions = frozenset(request["functions"])
    tables = columns_of(connection, library, names)
    with contextlib.closing(mirror(library, tables)) as empty:
        wall = Wall(functions, frozenset(tables), frozenset())
        confine(empty, request)
        empty.set_authorizer(wall)
        try:
            empty.execute("EXPLAIN " + request["sql"], request["parameters"]).close()
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise _reason(error, wall) from None
    # SQLite says "for the view v" as well when a WITH calls something v: what that reads, the mirror has seen.
    views = [library.known[name][0] for name in names if library.known[name][1]]
    wall = Wall(functions, frozenset(tables), readings(connection, views))
    confine(connection, request)
    connection.set_authorizer(wall)
    return wall


def columns(request: dict[str, Any]) -> dict[str, Any]:
    """The readable tables and views with their columns."""
    with contextlib.closing(connect(request)) as connection:
        library = survey(connection)
        return {"tables": columns_of(connection, library, library.wanted(request["tables"]))}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run the request's statement; the reply holds its columns and rows."""
    beginning = BEGINNING.match(request["sql"])
    if beginning is None or beginning[1].upper() not in FIRST_WORDS:
        raise RefusedError("first word")
    if len(request["sql"]) > LONGEST_STATEMENT:
        raise RefusedError("large")
    until = time.monotonic() + OWN_END * request["seconds"]
    with contextlib.closing(connect(request)) as connection:
        connection.execute("BEGIN")  # from here on the file stays as it is, to us
        wall = prepare(connection, request, survey(connection))
        connection.set_progress_handler(lambda: time.monotonic() > until, STEPS_BETWEEN_LOOKS)
        try:
            return _collect(connection.execute(request["sql"], request["parameters"]), request)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise _reason(error, wall) from None


def _collect(cursor: sqlite3.Cursor, request: dict[str, Any]) -> dict[str, Any]:
    rows: list[list[Any]] = []
    names = [description[0] for description in cursor.description]
    left = request["result"] - sum(len(name) for name in names)
    truncated = False
    for row in cursor:
        left -= 8 + sum(_size(value) for value in row)
        if len(rows) == request["rows"] or left < 0:
            truncated = True
            break
        rows.append([_plain(value) for value in row])
    if left < 0 and not rows:
        raise RefusedError("large")
    return {"columns": names, "rows": rows, "truncated": truncated}


def _size(value: object) -> int:
    """Bytes of the value in the reply, about."""
    return len(value) + 3 if isinstance(value, str) else 12


def _plain(value: Any) -> Any:
    return f"({len(value)} bytes)" if isinstance(value, bytes) else value


def _reason(error: Exception, wall: Wall) -> RefusedError:
    """What an error of SQLite means for the question."""
    text = str(error)
    if wall.reason:
        return RefusedError(wall.reason, wall.name)
    if isinstance(error, UnicodeError):
        return RefusedError("syntax")
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in FILE_ERRORS:
        return RefusedError("file", text)
    kind = next((kind for kind, pattern in KINDS if pattern.search(text)), "broken")
    return RefusedError(kind, text.rpartition(": ")[2] if kind == "missing" else text)


def size() -> int:
    """Bytes of address space this process holds; 0 where the system doesn't tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * (resource.getpagesize() if resource else 0)
    except (OSError, ValueError):
        return 0


def settle_in() -> None:
    """Give up for good what no question needs: writing files, opening many, leaving a core behind."""
    if resource is None:
        return
    for what, most in ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 32)):
        with contextlib.suppress(ValueError, OSError):  # a stricter one is set already
            resource.setrlimit(what, (most, most))


def allow(request: dict[str, Any], baseline: int) -> None:
    """Cap this question's memory, and its processor time in case nobody is left to kill it."""
    if resource is None:
        return
    _soften(resource.RLIMIT_AS, baseline + request["memory"] if baseline else -1)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _soften(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + request["seconds"]) + 3)


def _soften(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (most if hard < 0 or 0 <= most < hard else hard, hard))


def reply_to(request: dict[str, Any], baseline: int) -> dict[str, Any]:
    """The reply, also when there is no memory left to run the question with."""
    try:
        allow(request, baseline)
        reply = answer(request) if "sql" in request else columns(request)
    except RefusedError as error:
        reply = {"error": error.kind, "detail": error.detail}
    except sqlite3.Error as error:  # not the statement's: those are refused one by one
        reply = {"error": "file", "detail": str(error)}
    except MemoryError:
        reply = {"error": "memory", "worn": True}
    if baseline and size() > baseline + WORN_OUT:
        reply["worn"] = True
    return reply


def frames(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """The requests, until the other side closes its end."""
    while len(head := stream.read(LENGTH.size)) == LENGTH.size:
        yield json.loads(stream.read(LENGTH.unpack(head)[0]))


def send(stream: BinaryIO, reply: dict[str, Any]) -> None:
    body = json.dumps(reply, separators=(",", ":")).encode("ascii")
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that asks
    settle_in()
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        MODULES.update(name for (name,) in connection.execute("SELECT name FROM pragma_module_list"))
    baseline = size()
    send(sys.stdout.buffer, {})
    for request in frames(sys.stdin.buffer):
        send(sys.stdout.buffer, reply_to(request, baseline))


if __name__ == "__main__":
    main()
