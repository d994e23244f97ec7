"""The guard alone: every honest statement passes and means the same, every hostile one is refused."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from familychat.errors import BrokenQuery, QueryError, QueryTooExpensive, UnsafeQuery
from familychat_music.guard import check
from familychat_music.guard_testing import Case, build_library, read_cases

CASES = Path(__file__).parents[1] / "fixtures" / "sql"
HONEST = list(read_cases(CASES / "honest.sql"))
HOSTILE = list(read_cases(CASES / "hostile.sql"))
TABLES = {
    "songs": (
        "id", "title", "artist_id", "album", "genre", "year", "duration_seconds", "rating", "play_count", "Date Added",
        "update", "order", "Länge", "it's", "cover",
    ),
    "artists": ("id", "name", "country", "founded"),
    "My Plays": ("Song Id", "Played At"),
    "long_songs": ("title", "year", "duration_seconds"),
    "opened": ("title", "letters"),
}  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(build_library(tmp_path_factory.mktemp("guard") / "l.db", CASES / "library.sql"))
    ) as it:
        yield it


def test_there_are_enough_cases() -> None:
    assert len(HONEST) >= 100
    assert len(HOSTILE) >= 150
    assert len({case.name for case in HONEST}) == len(HONEST)
    assert len({case.name for case in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize("case", HONEST, ids=str)
def test_an_honest_statement_passes_and_means_the_same(case: Case, library: sqlite3.Connection) -> None:
    checked = check(case.sql, tables=TABLES)
    wanted = library.execute(case.sql.removeprefix("\ufeff"))
    found = library.execute(checked)
    assert [column[0].split() for column in found.description] == [column[0].split() for column in wanted.description]
    assert found.fetchall() == wanted.fetchall()[:1001]
    assert check(checked, tables=TABLES) == checked
    assert check(case.sql) == checked or '"' in case.sql


@pytest.mark.parametrize("case", HONEST, ids=str)
def test_an_honest_statement_passes_caseless_too(case: Case, library: sqlite3.Connection) -> None:
    library.execute(check(case.sql, tables=TABLES, caseless=True)).fetchall()


@pytest.mark.parametrize("case", [case for case in HOSTILE if case.kind != "runner"], ids=str)
def test_a_hostile_statement_is_refused(case: Case) -> None:
    with pytest.raises(QueryError) as refused:
        check(case.sql, tables=TABLES)
    assert "canary" not in str(refused.value) or "canary" in case.sql
    assert refused.value.message.endswith((".", "changed"))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("case", [case for case in HOSTILE if case.kind not in {"runner", "hidden"}], ids=str)
def test_most_are_refused_without_knowing_the_tables(case: Case) -> None:
    with pytest.raises(QueryError):
        check(case.sql)


@pytest.mark.parametrize(
    ("sql", "checked"),
    [
        ("SELECT title FROM songs", "SELECT title FROM songs LIMIT 11"),
        ("SELECT title FROM songs;  ;", "SELECT title FROM songs LIMIT 11"),
        ("SELECT title -- x\nFROM songs /* y */ -- z", "SELECT title FROM songs LIMIT 11"),
        ("SELECT title FROM songs LIMIT 3", "SELECT title FROM songs LIMIT 3"),
        ("SELECT title FROM songs LIMIT 11", "SELECT title FROM songs LIMIT 11"),
        ("SELECT title FROM songs LIMIT 12", "SELECT title FROM songs LIMIT 11"),
        ("SELECT title FROM songs LIMIT 1e9 OFFSET 2", "SELECT title FROM songs LIMIT 11 OFFSET 2"),
        ("SELECT title FROM songs LIMIT 5, 99", "SELECT title FROM songs LIMIT 5, 11"),
        ("SELECT title FROM songs LIMIT -1", "SELECT title FROM songs LIMIT 11"),
        ("SELECT title FROM songs LIMIT 2 * 50", "SELECT title FROM songs LIMIT 2 * 50"),
        ("SELECT 1 UNION SELECT 2", "SELECT 1 UNION SELECT 2 LIMIT 11"),
        (
            "SELECT * FROM (SELECT 1 FROM songs LIMIT 50) WHERE 1 IN (SELECT 1 LIMIT 60)",
            "SELECT * FROM (SELECT 1 FROM songs LIMIT 50) WHERE 1 IN (SELECT 1 LIMIT 60) LIMIT 11",
        ),
    ],
)
def test_the_outermost_limit_is_set(sql: str, checked: str) -> None:
    assert check(sql, row_limit=10).split() == checked.split()


@pytest.mark.parametrize(
    ("condition", "checked"),
    [
        ("genre = 'rock'", "genre COLLATE NOCASE = 'rock'"),
        ("'rock' = s.genre", "'rock' = s.genre COLLATE NOCASE"),
        ("genre <> 'rock'", "genre COLLATE NOCASE <> 'rock'"),
        ("genre NOT IN ('rock', 'pop')", "genre COLLATE NOCASE NOT IN ('rock', 'pop')"),
        ("s.\"Date Added\" = 'x'", "s.\"Date Added\" COLLATE NOCASE = 'x'"),
        ('genre = "rock"', "genre COLLATE NOCASE = 'rock'"),
        ("genre LIKE 'rock'", "genre LIKE 'rock'"),
        ("year = 1980", "year = 1980"),
        ("genre = album", "genre = album"),
        ("lower(genre) = 'rock'", "lower(genre) = 'rock'"),
        ("genre COLLATE BINARY = 'Rock'", "genre COLLATE BINARY = 'Rock'"),
        ("genre IN (SELECT name FROM artists)", "genre IN (SELECT name FROM artists)"),
    ],
)
def test_comparisons_with_a_text_become_caseless(condition: str, checked: str) -> None:
    sql = f"SELECT 1 FROM songs s WHERE {condition}"
    assert check(sql, tables=TABLES, caseless=True) == f"SELECT 1 FROM songs s WHERE {checked} LIMIT 1001"
    if '"rock"' not in condition:
        assert check(sql, tables=TABLES) == f"{sql} LIMIT 1001"


def test_caseless_finds_the_other_case(library: sqlite3.Connection) -> None:
    sql = "SELECT count(*) FROM songs WHERE genre = 'ROCK' AND title <> 'BOHEMIAN rhapsody'"
    assert library.execute(check(sql, tables=TABLES)).fetchone() == (0,)
    assert library.execute(check(sql, tables=TABLES, caseless=True)).fetchone() == (60,)


@pytest.mark.parametrize(
    ("sql", "error", "says"),
    [
        ("SELECT titel FROM songs", BrokenQuery, "no column titel.*mean title"),
        ("SELECT s.titel FROM songs s", BrokenQuery, "no column titel.*mean title"),
        ('SELECT "Date Aded" FROM songs', BrokenQuery, "no column Date Aded.*Date Added"),
        ("SELECT x.title FROM songs s", BrokenQuery, "no table or alias x"),
        ("SELECT * FROM song", BrokenQuery, "no readable table song;.*mean songs"),
        ("SELECT * FROM zzz", BrokenQuery, "no readable table zzz;.*songs, artists"),
        ("SELECT title FROM songs WHERE title ILIKE 'x'", BrokenQuery, "no ILIKE"),
        ("SELECT title FROM songs WHERE", BrokenQuery, "isn't valid"),
        ("SELECT title FROM songs WHERE title = 'x", BrokenQuery, "isn't valid"),
        ("", BrokenQuery, "no SQL"),
        (" ; ", BrokenQuery, "no SQL"),
        ("SELECT * FROM songs WHERE id = ?", BrokenQuery, "parameters"),
        ("SELECT * FROM songs, artists, long_songs", QueryTooExpensive, "how they belong together"),
        ("SELECT load_extension('x')", UnsafeQuery, "function load_extension isn't allowed"),
        ("WITH songs AS (SELECT * FROM songs) SELECT * FROM songs", UnsafeQuery, "songs of the SQL reads itself"),
        ("SELECT '\ud800'", BrokenQuery, "broken text"),
        ("SELECT " + "(" * 60 + "1" + ")" * 60, QueryTooExpensive, "nested too deeply"),
    ],
)
def test_it_says_what_is_wrong(sql: str, error: type[QueryError], says: str) -> None:
    with pytest.raises(error) as refused:
        check(sql, tables=TABLES)
    assert re.search(says, str(refused.value))
    assert "your music list is unchanged" in str(refused.value).lower()
    assert "\x1b" not in str(refused.value)


def test_no_library_is_named_that_the_question_may_not_know() -> None:
    with pytest.raises(BrokenQuery) as refused:
        check("SELECT * FROM secrets", tables={"songs": ["title"]})
    assert "secret" not in str(refused.value).replace("secrets", "")


def test_nothing_is_written_to_a_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    for case in [*HONEST, *HOSTILE]:
        try:
            check(case.sql, tables=TABLES)
        except QueryError:
            continue
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


LONG: list[Callable[[int], str]] = [
    lambda n: "SELECT " + "1," * (n // 2) + "1",
    lambda n: "SELECT title FROM songs WHERE " + "year = 1 OR " * (n // 14) + "1",
    lambda n: "SELECT title FROM songs WHERE " + "a.b = c.d AND " * (n // 16) + "1",
    lambda n: "SELECT 1 " + "UNION SELECT 1 " * (n // 16),
    lambda n: "SELECT 1 FROM songs" + ", songs" * (n // 8),
    lambda n: "WITH " + ", ".join(f"a{i} AS (SELECT 1)" for i in range(n // 24)) + " SELECT 1",
    lambda n: "SELECT 1 FROM " + "(" * n,
    lambda n: "SELECT " + "CASE " * (n // 6),
    lambda n: "SELECT '" + "x" * n,
    lambda n: "SELECT 1 " + "/* x */ " * (n // 9),
    lambda n: "SELECT 1" + " || 1" * (n // 6),
    lambda n: "SELECT 1" + "." * n,
    lambda n: "SELECT " + "(1) " * (n // 5),
]


@pytest.mark.parametrize("make", LONG)
def test_a_long_statement_takes_no_long_time_to_check(make: Callable[[int], str]) -> None:
    began = time.monotonic()
    with suppress(QueryError):
        check(make(99_000), tables=TABLES)
    assert time.monotonic() - began < 8


def test_it_works_deep_in_a_stack() -> None:
    """A web server's stack is deep before the question begins."""

    def deep(frames: int) -> str:
        return deep(frames - 1) if frames else check("SELECT (((((1)))))")

    assert deep(300).endswith("LIMIT 1001")
    with pytest.raises(QueryTooExpensive):
        deep(900)
