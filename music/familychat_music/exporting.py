"""A library as a file to take along: a spreadsheet, CSV, or the SQLite file itself."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from familychat.errors import ConflictError, InvalidInputError, StoreFullError
from familychat.wording import Text
from familychat_music.describe import quoted

# What spreadsheets take for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_SHEET_NAME = 31


def export_library(library: Path, target: Path, *, force: bool = False) -> int:
    """Write ``library`` to ``target``, whose ending says how: .xlsx and .db with all tables, .csv with the songs.

    Returns the rows of the largest table. Text that a spreadsheet would run as a formula gets an apostrophe before it.
    Raises :class:`ConflictError` if the file is there and ``force`` isn't set; a file is whole or not there at all.
    """
    writers = {".xlsx": _write_xlsx, ".csv": _write_csv, ".db": _write_sqlite, ".sqlite": _write_sqlite}
    writer = writers.get(target.suffix.casefold())
    if writer is None:
        raise InvalidInputError(
            Text("%(name)s has an ending that isn't known.", name=target.name), "Use .xlsx, .csv or .db."
        )
    if target.exists() and not force:
        raise ConflictError(
            Text("%(path)s is already there. It was left as it is.", path=target), "Say --force to write over it."
        )
    part = target.with_name(target.name + ".part")
    try:
        with contextlib.closing(sqlite3.connect(f"{library.absolute().as_uri()}?mode=ro", uri=True)) as source:
            rows = writer(source, part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreFullError(
            Text("%(path)s can't be written: %(reason)s.", path=target, reason=error.strerror), "Choose another place."
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return rows


def _tables(source: sqlite3.Connection) -> list[tuple[str, int]]:
    """The tables with their rows, the largest first; the songs of a sheet before the lists made from their cells."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    names = [row[0] for row in source.execute(query)]
    counted = [(name, source.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0]) for name in names]  # noqa: S608
    return sorted(counted, key=lambda pair: (pair[0] != "songs", -pair[1]))


def _rows(source: sqlite3.Connection, table: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
    cursor = source.execute(f"SELECT * FROM {quoted(table)}")  # noqa: S608
    return [column[0] for column in cursor.description], ([_safe(cell) for cell in row] for row in cursor)


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _write_csv(source: sqlite3.Connection, part: Path) -> int:
    name, count = _tables(source)[0]
    columns, rows = _rows(source, name)
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(columns)
        out.writerows(rows)
    return count


def _write_xlsx(source: sqlite3.Connection, part: Path) -> int:
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    tables = _tables(source)
    for name, _ in tables:
        sheet = book.create_sheet(name[:MOST_SHEET_NAME])
        columns, rows = _rows(source, name)
        sheet.append(columns)
        for row in rows:
            sheet.append([ILLEGAL_CHARACTERS_RE.sub("", cell) if isinstance(cell, str) else cell for cell in row])
    book.save(part)
    return tables[0][1]


def _write_sqlite(source: sqlite3.Connection, part: Path) -> int:
    part.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
    return _tables(source)[0][1]
