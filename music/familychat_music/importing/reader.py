"""Reads one workbook in a process of its own, so that no file can take more memory or time than it may.

It is run by its path and imports nothing else of this package. Its arguments are the folders to import from (JSON), the
workbook, the worksheet or an empty text, and its memory in bytes. It writes frames: four bytes of length (big-endian),
then MessagePack. The first has the kind of workbook and the worksheets with their first rows; then it reads the name of
one (a line of JSON) and writes what is known about it, batches of rows, and an empty batch at the end. A refusal comes
instead of any frame. Dates and times are extensions that hold their ISO forms.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

CPU_SECONDS = 10
"""A second line of defence: the parent process sets the deadline that counts."""
MAX_FILE = 64 << 20
"""Bytes of a workbook as it lies on the disk."""
MAX_UNPACKED = 600 << 20
"""Bytes of all its parts, unpacked. A hundred thousand rows of ten columns are about 60 MB."""
MAX_RATIO = 400
"""A large part that unpacks to more times its size is no list; spreadsheets reach 10 to 60."""
RATIO_FROM = 32 << 20
"""Parts smaller than this, unpacked, may be packed as tightly as they like."""
MAX_ENTRIES = 10_000
MAX_SHEETS = 40
"""So many worksheets are looked at when none was named."""
PEEKED_ROWS = 45
PEEKED_COLUMNS = 200
CELLS_PER_BATCH = 40_000
KEPT_CELLS = 400_000
"""A worksheet of more cells isn't kept in memory while others are looked at."""
LONGEST_CELL = 131_072
SUSPICIOUS_FRAME = 2 << 20
FORMULAS_LOOKED_AT = 8 << 20
"""Bytes of a worksheet's XML in which formulas without a value are looked for."""
DATE, TIME, SPAN = 1, 2, 3
"""The extension codes of a date (with or without a time), a time of day, and a time span in seconds."""

_PLAIN = frozenset({str, int, float, bool, type(None)})
_NO_VALUE = re.compile(rb"(?:</f>|<f[^>]*/>)(?:<v\s*/>|<v></v>)?</c>")


class Refusal(Exception):  # noqa: N818 -- not an error: an answer
    """Why the workbook isn't taken, as a code that the parent process puts into words, and a detail."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def limit_resources(memory: int) -> None:
    """Cap this process where the system can."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's deadline holds there
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ValueError, OSError):  # macOS accepts no cap of the address space
        return


def check_container(path: Path) -> str:
    """Say what kind of workbook it is; raise ``Refusal`` if it must not be opened."""
    if path.stat().st_size > MAX_FILE:
        raise Refusal("large", str(MAX_FILE >> 20))
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            return check_zip(path)
        file.seek(0)
        content = file.read()
    if any(name.encode("utf-16-le") in content for name in ("EncryptedPackage", "EncryptionInfo")):
        raise Refusal("password")
    if any(name.encode("utf-16-le") in content for name in ("Workbook", "Book", "WORKBOOK", "BOOK")):
        return "xls"
    raise Refusal("other")


def check_zip(path: Path) -> str:
    """Look at the sizes that a zip file declares, and at the names in it."""
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
            if len(parts) > MAX_ENTRIES or sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise Refusal("unpacked", str(MAX_UNPACKED >> 20))
            if any(part.file_size > max(RATIO_FROM, MAX_RATIO * part.compress_size) for part in parts):
                raise Refusal("packed")
            if any(part.flag_bits & 1 for part in parts):
                raise Refusal("password")
            return kind_in_zip(package)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error, KeyError):
        raise Refusal("damaged") from None


def kind_in_zip(package: zipfile.ZipFile) -> str:
    """The kind of workbook in a zip file."""
    names = set(package.namelist())
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "content.xml" not in names or b"opendocument.spreadsheet" not in beginning(package, "mimetype", 100):
        raise Refusal("other")
    if b"encryption-data" in beginning(package, "META-INF/manifest.xml", 1 << 20):
        raise Refusal("password")
    return "ods"


def beginning(package: zipfile.ZipFile, name: str, size: int) -> bytes:
    """The first bytes of a part, none if there is no such part."""
    if name not in package.namelist():
        return b""
    with package.open(name) as part:
        return part.read(size)


def valueless_formulas(path: Path, kind: str, index: int) -> int:
    """How many formulas at the beginning of a worksheet were saved without their value. Only told of xlsx."""
    if kind != "xlsx":
        return 0
    try:
        with zipfile.ZipFile(path) as package:
            ids = re.findall(rb"<sheet\s[^>]*?r:id=\"([^\"]+)\"", beginning(package, "xl/workbook.xml", 1 << 20))
            rels = beginning(package, "xl/_rels/workbook.xml.rels", 1 << 20)
            tags = [tag for tag in re.findall(rb"<Relationship\s[^>]*>", rels) if b'"%s"' % ids[index] in tag]
            target = re.findall(rb"Target=\"/?(?:xl/)?([^\"]+)\"", tags[0])[0].decode()
            return len(_NO_VALUE.findall(beginning(package, f"xl/{target}", FORMULAS_LOOKED_AT)))
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, LookupError, NotImplementedError, zlib.error):
        return 0


def send(message: Any) -> int:
    """Write one frame; return its bytes."""
    import msgspec

    frame = msgspec.msgpack.encode(message)
    sys.stdout.buffer.write(len(frame).to_bytes(4, "big") + frame)
    return len(frame)


def plain(row: list[Any]) -> list[Any]:
    """A row with its dates and times as extensions; nothing of a row without anything."""
    if not any(row) and row.count("") == len(row):
        return []
    if _PLAIN.issuperset(map(type, row)):
        return row
    return [cell if type(cell) in _PLAIN else extension(cell) for cell in row]


def extension(cell: Any) -> Any:
    """A date or time as an extension; anything else as text."""
    from msgspec.msgpack import Ext

    if isinstance(cell, datetime.date):
        return Ext(DATE, cell.isoformat().encode())
    if isinstance(cell, datetime.time):
        return Ext(TIME, cell.isoformat().encode())
    if isinstance(cell, datetime.timedelta):
        return Ext(SPAN, repr(cell.total_seconds()).encode())
    return str(cell)


def worksheets(book: CalamineWorkbook) -> list[str]:
    """The worksheets with cells; hidden ones only if there are no others."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    return visible or [sheet.name for sheet in sheets]


def peek(book: CalamineWorkbook, names: list[str]) -> tuple[list[Any], dict[str, CalamineSheet]]:
    """The first rows of each worksheet, and those worksheets that are small enough to keep."""
    peeks: list[Any] = []
    kept: dict[str, CalamineSheet] = {}
    for name in names[:MAX_SHEETS]:
        sheet = book.get_sheet_by_name(name)
        rows = [plain(row[:PEEKED_COLUMNS]) for row, _ in zip(sheet.iter_rows(), range(PEEKED_ROWS), strict=False)]
        peeks.append([name, rows, sheet.total_height])
        if sheet.height * sheet.width < KEPT_CELLS:
            kept = {name: sheet}
    return peeks, kept


def batches(sheet: CalamineSheet) -> Iterator[list[list[Any]]]:
    """The rows, ready to be sent, about as many cells at a time."""
    size = max(1, CELLS_PER_BATCH // max(1, sheet.width))
    batch: list[list[Any]] = []
    for row in sheet.iter_rows():
        batch.append(plain(row))
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def check_cells(batch: list[list[Any]], first: int) -> None:
    """Refuse a cell that is far too long."""
    for number, row in enumerate(batch, first):
        if any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in row):
            raise Refusal("cell", str(number))


def read(path: Path, wanted: str) -> None:
    """Answer for one workbook."""
    import python_calamine

    kind = check_container(path)
    try:
        book = python_calamine.load_workbook(str(path))
        if wanted and wanted not in book.sheet_names:
            raise Refusal("sheet", "\n".join(book.sheet_names))
        names = [wanted] if wanted else worksheets(book)
        peeks, kept = peek(book, names) if len(names) > 1 else ([[name, [], 0] for name in names], {})
        send({"kind": kind, "peeks": peeks})
        sys.stdout.buffer.flush()
        name = json.loads(sys.stdin.readline())
        sheet = kept.get(name) or book.get_sheet_by_name(name)
        send_sheet(sheet, valueless_formulas(path, kind, book.sheet_names.index(name)))
    except python_calamine.PasswordError:
        raise Refusal("password") from None
    except (python_calamine.CalamineError, OSError, ValueError, LookupError):
        raise Refusal("damaged") from None


def send_sheet(sheet: CalamineSheet, formulas: int) -> None:
    """Write what is known about a worksheet, then its rows."""
    start = sheet.start or (0, 0)
    merged = [[*first, *last] for first, last in (sheet.merged_cell_ranges or []) if first[0] < PEEKED_ROWS]
    send({"height": sheet.total_height, "first_column": start[1], "merged": merged[:1000], "formulas": formulas})
    number = 1
    for batch in batches(sheet):
        if send(batch) > SUSPICIOUS_FRAME:
            check_cells(batch, number)
        number += len(batch)
    send([])
    sys.stdout.buffer.flush()


def main() -> None:
    """Limit this process, read, and send a refusal if that is the answer."""
    folders, path, wanted, memory = sys.argv[1:5]
    sys.path[:] = json.loads(folders)
    limit_resources(int(memory))
    try:
        read(Path(path), wanted)
    except Refusal as refusal:
        send({"refused": refusal.code, "detail": refusal.detail})
    except MemoryError:
        send({"refused": "memory", "detail": ""})
    except BrokenPipeError:
        return
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
