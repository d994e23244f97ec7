"""What the two walls around a model's SQL cost: the guard's check, and a question in the warm worker process.

Times are milliseconds per call over a library of 10,000 songs, with the database's pages in memory.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from measuring import Row, finish, median, percentile, report

from familychat_music.guard import check
from familychat_music.runner import Runner

CALLS = 300
QUESTION = (
    "SELECT a.name, count(*) AS songs FROM songs AS s JOIN artists AS a ON a.id = s.artist_id "
    "WHERE s.genre = 'Rock' AND s.year BETWEEN 1970 AND 1989 GROUP BY a.id HAVING count(*) > 2 ORDER BY songs DESC"
)
SMALL = "SELECT title FROM songs WHERE id = 7"
SCRIPT = """
CREATE TABLE artists (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE songs (id INTEGER PRIMARY KEY, title TEXT, artist_id INTEGER, genre TEXT, year INTEGER);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
INSERT INTO songs SELECT i, 'Song ' || i, i % 500, CASE i % 5 WHEN 0 THEN 'Rock' ELSE 'Pop' END, 1960 + i % 60 FROM n;
INSERT INTO artists SELECT DISTINCT artist_id, 'Artist ' || artist_id FROM songs;
"""
TABLES = {"songs": ["id", "title", "artist_id", "genre", "year"], "artists": ["id", "name"]}


def milliseconds(call: Callable[[], object]) -> list[float]:
    """How long each call took."""
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times


def directly(path: Path) -> list[object]:
    """The small question without any wall, on a connection of its own."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(SMALL).fetchall()


def measure(path: Path) -> list[Row]:
    checking = milliseconds(lambda: check(QUESTION, tables=TABLES, caseless=True))
    bare = milliseconds(lambda: directly(path))
    with Runner() as runner:
        first = time.perf_counter()
        runner.run(path, SMALL)
        first = (time.perf_counter() - first) * 1000
        warm = milliseconds(lambda: runner.run(path, SMALL))
    return [
        Row("check of a question, median", median(checking), "ms", 20),
        Row("check of a question, 95th percentile", percentile(checking, 0.95), "ms"),
        Row("SQLite alone, a new connection, median", median(bare), "ms"),
        Row("the same in a warm worker, median", median(warm), "ms", 20),
        Row("the same in a warm worker, 95th percentile", percentile(warm, 0.95), "ms"),
        Row("the same in a worker that has to start", first, "ms"),
    ]


def main() -> list[Row]:
    """Measure over a library made for it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "library.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SCRIPT)
        return report("The walls around a model's SQL", measure(path))


if __name__ == "__main__":
    finish(main())
