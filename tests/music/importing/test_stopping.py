"""An import that is stopped, or killed, leaves nothing that looks like a library."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from familychat_music.importing import import_library

SCRIPT = """
import sys
from pathlib import Path
from familychat_music.importing import import_library
import_library(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def large_csv(tmp_path: Path) -> Path:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("Title,Artist,Year,Length\n")
        file.writelines(f"Song {at},Artist {at % 999},{1950 + at % 70},3:{at % 60:02}\n" for at in range(400_000))
    return path


def folder_of(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


def test_a_killed_import_leaves_no_library(tmp_path: Path, large_csv: Path) -> None:
    destination = tmp_path / "library.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", SCRIPT, str(large_csv), str(destination)]
    part = tmp_path / "library.db.part"
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        until = time.monotonic() + 30
        while time.monotonic() < until and not (part.exists() and part.stat().st_size > 100_000):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not destination.exists()
    report = import_library(large_csv, destination)
    assert report.tables[0].rows == 400_000
    assert folder_of(tmp_path) == ["large.csv", "library.db"]


class Stopped(Exception):  # noqa: N818
    pass


def test_progress_is_told_and_may_stop_the_import(tmp_path: Path, large_csv: Path) -> None:
    told: list[tuple[int, float | None]] = []
    import_library(large_csv, tmp_path / "library.db", progress=lambda rows, fraction: told.append((rows, fraction)))
    assert told[-1] == (400_000, 1.0)
    assert 2 <= len(told) < 60
    assert told == sorted(told)
    assert all(fraction is not None and 0 < fraction <= 1 for _, fraction in told)

    def stop(rows: int, fraction: float | None) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        import_library(large_csv, tmp_path / "other.db", progress=stop)
    assert folder_of(tmp_path) == ["large.csv", "library.db"]


def test_progress_may_stop_the_copy_of_a_database(tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    connection = sqlite3.connect(source)
    connection.execute("CREATE TABLE songs (title TEXT, artist TEXT)")
    rows = (("x" * 200, "y" * 200) for _ in range(300_000))
    connection.executemany("INSERT INTO songs VALUES (?, ?)", rows)
    connection.commit()
    connection.close()

    def stop(rows: int, fraction: float | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_library(source, tmp_path / "library.db", progress=stop)
    assert folder_of(tmp_path) == ["source.db"]


def children_of_this_process() -> Iterator[str]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            yield stat.parent.name


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_stopped_import_ends_the_reading_process(tmp_path: Path, xlsx_file: Any) -> None:
    path = xlsx_file(("Title", "Artist"), *[(f"Song {at}", "Adele") for at in range(60_000)])

    def stop(rows: int, fraction: float | None) -> None:
        raise Stopped

    before = set(children_of_this_process())
    with pytest.raises(Stopped):
        import_library(path, tmp_path / "library.db", progress=stop)
    assert set(children_of_this_process()) == before
