"""What the tests of the import share: small files of every kind, made here, and a look at what came of them."""

from __future__ import annotations

import csv
import io
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import pytest

from familychat_music.importing import ImportOptions, ImportReport, import_library


@dataclass(frozen=True, slots=True)
class Imported:
    """A library and the report about it."""

    report: ImportReport
    connection: sqlite3.Connection

    def rows(self, sql: str = "SELECT * FROM songs") -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def column(self, name: str) -> list[Any]:
        return [value for (value,) in self.rows(f'SELECT "{name}" FROM songs ORDER BY id')]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.report.tables[0].columns]


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[Callable[..., Imported]]:
    """Import a file or folder into a new library and open it."""
    opened: list[sqlite3.Connection] = []

    def run(source: Path, **options: Any) -> Imported:
        destination = tmp_path / f"library-{len(opened)}.db"
        report = import_library(source, destination, ImportOptions(**options))
        opened.append(sqlite3.connect(destination))
        assert opened[-1].execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not destination.with_name(destination.name + ".part").exists()
        return Imported(report, opened[-1])

    yield run
    for connection in opened:
        connection.close()


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as csv."""

    def write(*rows: Sequence[object], name: str = "songs.csv", delimiter: str = ",", encoding: str = "utf-8") -> Path:
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter).writerows(rows)
        path = tmp_path / name
        path.write_bytes(text.getvalue().encode(encoding))
        return path

    return write


@pytest.fixture
def xlsx_file(tmp_path: Path) -> Callable[..., Path]:
    """Write rows into the first worksheet of a workbook; ``change`` may do more to the workbook."""

    def write(*rows: Sequence[object], name: str = "songs.xlsx", change: Callable[[Any], object] | None = None) -> Path:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        if change:
            change(book)
        path = tmp_path / name
        book.save(path)
        return path

    return write


ODS_CONTENT = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body>'
    '<office:spreadsheet><table:table table:name="Songs">{}</table:table></office:spreadsheet></office:body>'
    "</office:document-content>"
)
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def ods_cell(value: object) -> str:
    """A cell of an ods file; a text that begins with PT is a time."""
    if value is None:
        return "<table:table-cell/>"
    text = escape(str(value))
    kind = f'"float" office:value="{text}"' if isinstance(value, (int, float)) else '"string"'
    if text.startswith("PT"):
        kind = f'"time" office:time-value="{text}"'
    return f"<table:table-cell office:value-type={kind}><text:p>{text}</text:p></table:table-cell>"


@pytest.fixture
def ods_file(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as a minimal ods file; ``xml`` follows them as it is."""

    def write(*rows: Sequence[object], xml: str = "", name: str = "songs.ods", manifest: str = "") -> Path:
        lines = "".join(f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in rows)
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr("mimetype", ODS_TYPE, zipfile.ZIP_STORED)
            package.writestr("content.xml", ODS_CONTENT.format(lines + xml))
            package.writestr("META-INF/manifest.xml", manifest or "<manifest/>")
        return path

    return write


@pytest.fixture
def ole_file() -> Callable[[str, bytes], bytes]:
    return compound_file


@pytest.fixture
def xls_file() -> Callable[[Sequence[Sequence[object]]], bytes]:
    return biff_file


def compound_file(stream: str, content: bytes) -> bytes:
    """A minimal OLE compound file with one stream, as [MS-CFB] describes it."""
    content = content.ljust(4096, b"\0")
    content += b"\0" * (-len(content) % 512)
    sectors = len(content) // 512
    end, free, fat_sector = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    fat = [fat_sector, end, *range(3, sectors + 2), end]
    fat += [free] * (128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<I", 0)
    header += struct.pack("<I", free) * 108

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        encoded = name.encode("utf-16-le") + b"\0\0"
        return (
            encoded.ljust(64, b"\0")
            + struct.pack("<HBBIII", len(encoded), kind, 1, free, free, child)
            + b"\0" * 36
            + struct.pack("<IQ", start, size)
        )

    directory = entry("Root Entry", 5, 1, end, 0) + entry(stream, 2, free, 2, len(content))
    directory = directory.ljust(512, b"\0")
    return header + struct.pack("<128I", *fat) + directory + content


def biff_file(rows: Sequence[Sequence[object]]) -> bytes:
    """A minimal BIFF8 workbook."""

    def record(code: int, data: bytes) -> bytes:
        return struct.pack("<HH", code, len(data)) + data

    def cell(row: int, column: int, value: object) -> bytes:
        place = struct.pack("<HHH", row, column, 0)
        if isinstance(value, (int, float)):
            return record(0x0203, place + struct.pack("<d", value))
        text = str(value)
        return record(0x0204, place + struct.pack("<HB", len(text), 1) + text.encode("utf-16-le"))

    begin = struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
    name = b"Songs"
    sheet_at = 4 + len(begin) + 4 + 8 + len(name) + 4
    book = record(0x0809, begin) + record(0x0085, struct.pack("<IBBBB", sheet_at, 0, 0, len(name), 0) + name)
    book += record(0x000A, b"")
    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    sheet += b"".join(cell(at, column, value) for at, row in enumerate(rows) for column, value in enumerate(row))
    return compound_file("Workbook", book + sheet + record(0x000A, b""))
