"""How long an import takes, with the index that questions need.

A million rows of csv go against ``sqlite-utils insert``, which makes no index, and a workbook against openpyxl.
Both sides of a ratio read the same file, made here, as processes of their own that take turns. The list is like those
that people export: 30,000 different songs by 10,000 artists, some of them together, over and over with other titles.
``--rows N`` makes the csv smaller, for a quick look.
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from measuring import Row, finish, median, report

CSV_ROWS = 1_000_000
SHEET_ROWS = 100_000
REPETITIONS = 3
HEADER = ("track_name", "album", "album_release", "artist", "popularity", "genres", "playlist", "duration_sec")
GENRES = ("pop", "rap", "rock", "latin", "r&b", "edm")
OURS = """
import resource
import sys
import time
from pathlib import Path
from familychat_music.importing import import_library
from familychat_music.index import build_index

library = Path(sys.argv[2])
report = import_library(Path(sys.argv[1]), library)
imported = time.time() - float(sys.argv[3])
build_index(library, library.with_suffix(".index"))
own, reader = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(report.tables[0].rows, max(own, reader), imported)
"""
OPENPYXL = """
import sys
import openpyxl

book = openpyxl.load_workbook(sys.argv[1], read_only=True)
print(sum(1 for row in book.worksheets[0].iter_rows(values_only=True)) - 1)
"""


@dataclass(frozen=True, slots=True)
class Took:
    """What a process said, and its wall-clock seconds."""

    said: list[str]
    seconds: float


def songs(count: int) -> Iterator[tuple[str | int | float, ...]]:
    """So many songs, the same ones each time."""
    chance = random.Random(7)
    artists = [
        f"{chance.choice('ABCDEFGH')}{at:04} {chance.choice(('Band', 'Singer', 'Trio'))}" for at in range(10_000)
    ]
    known = []
    for at in range(30_000):
        artist = artists[chance.randrange(len(artists))]
        if at % 300 == 0:
            artist += " feat. " + artists[chance.randrange(len(artists))]
        day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(1960, 2023)
        known.append((
            f"Album {at // 3} of songs", f"{day:02}-{month:02}-{year}", artist, chance.randint(0, 100),
            chance.choice(GENRES), f"Playlist {at % 450}", round(chance.uniform(90, 400), 3),
        ))  # fmt: skip
    for at in range(count):
        yield (f"A song with a name {at}", *known[at % len(known)])


def write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(songs(count))


def write_workbook(path: Path, count: int) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Songs")
    sheet.append((*HEADER, "track_no", "comment"))
    for at, song in enumerate(songs(count)):
        sheet.append((*song, at % 20, f"number {at}"))
    book.save(path)


def run(command: list[str]) -> Took:
    """Run a command to its end."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Took(done.stdout.split(), time.perf_counter() - began)


def ours(source: Path, folder: Path, rows: int) -> Took:
    """Our import, into a fresh library."""
    library = folder / "library.db"
    library.unlink(missing_ok=True)
    took = run([sys.executable, "-c", OURS, str(source), str(library), str(time.time())])
    assert took.said[0] == str(rows), took.said
    return took


def against_sqlite_utils(folder: Path, rows: int) -> list[Row]:
    """The csv: our import and ``sqlite-utils insert`` in turn."""
    source, other = folder / "songs.csv", folder / "other.db"
    write_csv(source, rows)
    pairs = []
    for _ in range(REPETITIONS):
        other.unlink(missing_ok=True)
        mine = ours(source, folder, rows)
        theirs = run([sys.executable, "-m", "sqlite_utils", "insert", str(other), "t", str(source), "--csv"])
        pairs.append((mine, theirs))
    name = f"csv, {rows:,} rows"
    return [
        *compared(name, pairs, 1 / 3, with_index=1 / 3),
        Row(f"{name}: sqlite-utils insert", median([theirs.seconds for _, theirs in pairs]), "s"),
    ]


def compared(name: str, pairs: list[tuple[Took, Took]], bound: float, *, with_index: float | None = None) -> list[Row]:
    """Our side of both comparisons: without the index, which the other side doesn't make, and with it."""
    alone = [(float(mine.said[2]), theirs.seconds) for mine, theirs in pairs]
    return [
        Row(f"{name}: import", median([mine for mine, _ in alone]), "s"),
        Row(f"{name}: import and index", median([mine.seconds for mine, _ in pairs]), "s"),
        Row(f"{name}: ratio of the import", median([one / two for one, two in alone]), "times", bound),
        Row(
            f"{name}: ratio with the index",
            median([one.seconds / two.seconds for one, two in pairs]),
            "times",
            with_index,
        ),
        Row(f"{name}: most memory", max(int(mine.said[1]) for mine, _ in pairs) / 1024, "MB", 300),
    ]


def against_openpyxl(folder: Path) -> list[Row]:
    """The workbook: our import, and openpyxl's read-only loop that does nothing with the rows, in turn."""
    source = folder / "songs.xlsx"
    write_workbook(source, SHEET_ROWS)
    pairs = []
    for _ in range(REPETITIONS):
        mine = ours(source, folder, SHEET_ROWS)
        theirs = run([sys.executable, "-c", OPENPYXL, str(source)])
        assert theirs.said == [str(SHEET_ROWS)], theirs.said
        pairs.append((mine, theirs))
    name = f"xlsx, {SHEET_ROWS:,} rows"
    return [
        *compared(name, pairs, 0.25),
        Row(f"{name}: openpyxl, only reading", median([theirs.seconds for _, theirs in pairs]), "s"),
    ]


def main(rows: int = CSV_ROWS) -> list[Row]:
    """Measure both."""
    with tempfile.TemporaryDirectory() as name:
        found = [*against_sqlite_utils(Path(name), rows), *against_openpyxl(Path(name))]
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return report("Importing", [*found, Row("most memory of any process, openpyxl's included", most, "MB")])


if __name__ == "__main__":
    finish(main(int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else CSV_ROWS))
