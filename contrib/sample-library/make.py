"""Write family-music.xlsx from songs.csv; the same songs always give the same bytes."""

import csv
import datetime
import io
import re
import sys
import zipfile
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font

HERE = Path(__file__).parent
SONGS = HERE / "songs.csv"
WORKBOOK = HERE / "family-music.xlsx"
TITLE = "Our music"
WIDTHS = {"Title": 42, "Artist": 34, "Album": 34, "Composer": 26, "Genre": 13, "Language": 14, "Date Added": 12}
A_DAY = (2026, 10, 18, 12, 0, 0)  # every part of the workbook bears this date, so that nothing depends on the clock


def cell_of(column: str, text: str) -> str | int | datetime.date | None:
    """What the spreadsheet holds: numbers and dates as such, lengths and everything else as they were typed."""
    if not text:
        return None
    if column in {"Year", "Rating"}:
        return int(text)
    if column == "Date Added":
        return datetime.date.fromisoformat(text)
    return text


def workbook_of(rows: list[list[str]]) -> bytes:
    """The workbook whose headers are the first of ``rows``."""
    header, songs = rows[0], rows[1:]
    book = Workbook()
    sheet = book.active
    sheet.title = "Music"
    sheet.append([TITLE])
    sheet.append(header)
    sheet["A1"].font = Font(bold=True, size=16)
    for number, column in enumerate(header, start=1):
        heading = sheet.cell(row=2, column=number)
        heading.font = Font(bold=True)
        sheet.column_dimensions[heading.column_letter].width = WIDTHS.get(column, 9)
    for song in songs:
        sheet.append([cell_of(column, text) for column, text in zip(header, song, strict=True)])
    sheet.freeze_panes = "A3"
    raw = io.BytesIO()
    book.save(raw)
    return undated(raw.getvalue())


def undated(workbook: bytes) -> bytes:
    """The same workbook without the time at which it was written."""
    stamp = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*A_DAY).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, content)
            part = zipfile.ZipInfo(name, date_time=A_DAY)
            new.writestr(part, content, compress_type=zipfile.ZIP_DEFLATED)
    return out.getvalue()


def main() -> int:
    """Write the workbook beside this file."""
    with SONGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    WORKBOOK.write_bytes(workbook_of(rows))
    print(f"{WORKBOOK.name}: {len(rows) - 1} songs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
