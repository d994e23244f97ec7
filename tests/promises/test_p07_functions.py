"""Promise 7: functions are denied unless listed, whatever SQLite has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from familychat.errors import QueryError
from familychat_music.functions import AGGREGATES, FUNCTIONS, WINDOWS
from familychat_music.guard import check
from familychat_music.guard_testing import build_library
from familychat_music.runner import Runner

CASES = Path(__file__).parents[1] / "fixtures" / "sql"


def functions() -> list[tuple[str, int]]:
    """Every function that this SQLite has, with a number of arguments it takes."""
    with closing(sqlite3.connect(":memory:")) as connection:
        rows = connection.execute("SELECT DISTINCT name, narg FROM pragma_function_list").fetchall()
    return sorted((name, 2 if count < 0 else count) for name, count in rows)


UNLISTED = [(name, count) for name, count in functions() if name not in FUNCTIONS]
DANGEROUS = {"fts3_tokenizer", "load_extension", "randomblob", "zeroblob", "sqlite_compileoption_get", "total_changes"}


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("library") / "l.db", CASES / "library.sql")


def test_the_walk_sees_the_dangerous_ones() -> None:
    assert len(UNLISTED) > 40
    assert {name for name, _ in UNLISTED} | {"load_extension"} >= DANGEROUS
    assert not DANGEROUS & FUNCTIONS


@pytest.mark.parametrize(("name", "count"), UNLISTED)
def test_what_is_not_listed_is_refused_by_each_wall(name: str, count: int, runner: Runner, library: Path) -> None:
    arguments = ", ".join(["title"] * count)
    for call in (f"{name}({arguments})", f'"{name}"({arguments})', f"{name.upper()} ({arguments})"):
        for sql in (
            f"SELECT {call} FROM songs",
            f"SELECT 1 FROM songs ORDER BY {call}",
            f"SELECT {call} OVER () FROM songs",
        ):
            with pytest.raises(QueryError):
                runner.run(library, sql)
            with pytest.raises(QueryError):
                check(sql)


def test_a_view_does_not_open_a_function(runner: Runner, tmp_path: Path) -> None:
    path = build_library(tmp_path / "l.db", CASES / "library.sql", "CREATE VIEW bad AS SELECT hex(zeroblob(9)) AS x")
    with pytest.raises(QueryError):
        runner.run(path, "SELECT x FROM bad")


def test_what_is_listed_can_be_called(runner: Runner, library: Path) -> None:
    known = {name for name, _ in functions()}
    for name, count in functions():
        if name in FUNCTIONS - WINDOWS - AGGREGATES - {
            "current_date",
            "current_time",
            "current_timestamp",
            "like",
            "glob",
        }:
            arguments = ", ".join(["'1'"] * count)
            assert runner.run(library, f"SELECT {name}({arguments})").columns
    for name in WINDOWS & known:
        assert runner.run(
            library, f"SELECT {name}({'id, 1' if name == 'nth_value' else argument(name)}) OVER () FROM songs"
        )
    for name in AGGREGATES & known:
        assert runner.run(library, f"SELECT {name}(id) FROM songs").columns


def argument(name: str) -> str:
    return {"ntile": "4"}.get(name, "id" if name in {"first_value", "last_value", "lag", "lead"} else "")
