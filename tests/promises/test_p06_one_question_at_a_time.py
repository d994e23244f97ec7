"""Promise 6: one question can't affect the next."""

from __future__ import annotations

from pathlib import Path

from familychat_music.guard_testing import build_library, outcome, read_cases
from familychat_music.rows import Limits
from familychat_music.runner import Runner

CASES = Path(__file__).parents[1] / "fixtures" / "sql"
QUESTIONS = (
    "SELECT * FROM songs",
    "SELECT name FROM artists WHERE name LIKE 'q%' ORDER BY name",
    "SELECT title = 'BOHEMIAN RHAPSODY' FROM songs WHERE id = 1",
    "SELECT count(DISTINCT title || album) FROM songs",
)


def test_no_hostile_statement_changes_the_next_answer(tmp_path: Path) -> None:
    path = build_library(tmp_path / "l.db", CASES / "library.sql")
    with Runner() as runner:
        wanted = [runner.run(path, sql) for sql in QUESTIONS]
        for case in read_cases(CASES / "hostile.sql"):
            if case.kind not in {"bomb", "runner"}:
                outcome(runner.run, path, case.sql, limits=Limits(seconds=0.5))
                assert [runner.run(path, sql) for sql in QUESTIONS] == wanted, case


def test_a_worker_that_ran_out_of_anything_is_as_good_as_new(tmp_path: Path) -> None:
    path = build_library(tmp_path / "l.db", CASES / "library.sql")
    with Runner() as runner:
        wanted = [runner.run(path, sql) for sql in QUESTIONS]
        for case in read_cases(CASES / "hostile.sql"):
            if case.kind in {"bomb", "runner"}:
                limits = Limits(seconds=0.1, memory=24 * 1024 * 1024, rows=5, result=10_000)
                outcome(runner.run, path, case.sql, limits=limits)
                assert [runner.run(path, sql) for sql in QUESTIONS] == wanted, case


def test_a_changed_library_is_read_anew(tmp_path: Path) -> None:
    path = build_library(tmp_path / "l.db", CASES / "library.sql")
    other = build_library(tmp_path / "new.db", CASES / "library.sql", "DELETE FROM songs WHERE id > 10")
    with Runner() as runner:
        assert runner.run(path, "SELECT count(*) FROM songs").rows == ((240,),)
        other.replace(path)
        assert runner.run(path, "SELECT count(*) FROM songs").rows == ((10,),)
