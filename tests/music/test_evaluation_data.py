"""The questions of contrib/evaluation are well formed, and their right answers are there in the sample library."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CONTRIB = Path(__file__).parents[2] / "contrib"
SONGS = CONTRIB / "sample-library" / "songs.csv"
LIBRARIES = ("sample", "spotify")
PARTS = ("dev", "held-out")
WITHOUT_SQL = {"unanswerable", "hostile", "small-talk"}
HEADER = ["Title", "Artist", "Album", "Composer", "Year", "Genre", "Language", "Length", "Date Added", "Rating"]

SCHEMA = """
CREATE TABLE songs (
    id INTEGER PRIMARY KEY, title TEXT COLLATE NOCASE, artist TEXT COLLATE NOCASE, album TEXT COLLATE NOCASE,
    composer TEXT COLLATE NOCASE, year INTEGER, genre TEXT COLLATE NOCASE, language TEXT COLLATE NOCASE,
    duration_seconds INTEGER, date_added TEXT COLLATE NOCASE, rating INTEGER
);
CREATE TABLE song_artists (song_id INTEGER, artist TEXT COLLATE NOCASE);
CREATE TABLE song_composers (song_id INTEGER, composer TEXT COLLATE NOCASE);
"""


def questions(library: str, part: str) -> list[dict[str, Any]]:
    lines = (CONTRIB / "evaluation" / f"{library}.{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def songs() -> list[list[str]]:
    with SONGS.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def seconds(length: str) -> int | None:
    if not length:
        return None
    minutes, rest = length.split(":")
    return 60 * int(minutes) + int(rest)


def names(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(";") if name.strip()]


@pytest.fixture(scope="module")
def library() -> Iterator[sqlite3.Connection]:
    """The sample library as an import makes it."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for number, song in enumerate(songs()[1:], start=1):
        title, artist, album, composer, year, genre, language, length, added, rating = song
        texts = [text or None for text in (title, artist, album, composer, year, genre, language)]
        row = [number, *texts, seconds(length), added or None, rating or None]
        connection.execute("INSERT INTO songs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.executemany("INSERT INTO song_artists VALUES (?, ?)", [(number, name) for name in names(artist)])
        connection.executemany("INSERT INTO song_composers VALUES (?, ?)", [(number, name) for name in names(composer)])
    connection.execute("PRAGMA query_only = ON")
    yield connection
    connection.close()


def test_the_sample_library_is_well_formed() -> None:
    header, *rows = songs()
    assert header == HEADER
    assert len(rows) >= 500
    for title, artist, _, _, year, genre, language, length, added, rating in rows:
        assert title
        assert artist
        assert genre
        assert language
        assert re.fullmatch(r"(19[3-9]\d|20[0-2]\d)?", year), title
        assert re.fullmatch(r"(\d{1,2}:[0-5]\d)?", length), title
        assert re.fullmatch(r"(20(19|2\d)-\d\d-\d\d)?", added), title
        assert rating in {"", "1", "2", "3", "4", "5"}, title
        assert not (year and added) or int(added[:4]) >= int(year), title
    assert len({(row[0], row[1]) for row in rows}) == len(rows)


@pytest.mark.parametrize("library_name", LIBRARIES)
@pytest.mark.parametrize("part", PARTS)
def test_questions_are_well_formed(library_name: str, part: str) -> None:
    earlier: set[str] = set()
    for question in questions(library_name, part):
        assert set(question) - {"after"} == {"id", "question", "gold_sql", "kind"}
        assert question["id"].startswith(f"{library_name}-")
        assert question["question"].strip()
        assert ("after" in question) == (question["kind"] == "follow-up"), question["id"]
        assert question.get("after") in earlier | {None}, question["id"]
        assert (question["gold_sql"] is None) == (question["kind"] in WITHOUT_SQL), question["id"]
        earlier.add(question["id"])


def test_no_question_comes_twice() -> None:
    everything = [question for library in LIBRARIES for part in PARTS for question in questions(library, part)]
    assert len({question["id"] for question in everything}) == len(everything)
    for library in LIBRARIES:
        first = [question for part in PARTS for question in questions(library, part) if "after" not in question]
        assert len({question["question"].casefold() for question in first}) == len(first)


@pytest.mark.parametrize(("library_name", "least"), [("sample", 160), ("spotify", 105)])
def test_a_third_is_held_out(library_name: str, least: int) -> None:
    dev, held_out = (len(questions(library_name, part)) for part in PARTS)
    assert dev + held_out >= least
    assert 0.28 <= held_out / (dev + held_out) <= 0.38


@pytest.mark.parametrize("part", PARTS)
def test_every_right_answer_is_there(library: sqlite3.Connection, part: str) -> None:
    for question in questions("sample", part):
        if question["gold_sql"] is not None:
            rows = library.execute(question["gold_sql"]).fetchall()
            nothing = not rows or rows in ([(0,)], [(None,)])
            assert nothing == (question["kind"] == "none"), question["id"]
