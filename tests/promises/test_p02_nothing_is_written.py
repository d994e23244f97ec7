"""Promise 2: nothing is ever written, also with the guard switched off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from familychat_music import Rows, run_checked
from familychat_music.guard_testing import build_library, fingerprint, outcome, read_cases
from familychat_music.rows import Limits
from familychat_music.runner import Runner

CASES = Path(__file__).parents[1] / "fixtures" / "sql"
WRITING = [
    case.sql
    for case in read_cases(CASES / "hostile.sql")
    if case.kind in {"write", "several", "configure", "function", "schema"}
]
LIMITS = Limits(seconds=0.5, memory=64 * 1024 * 1024)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_no_statement_changes_a_file(mode: str, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    path = build_library(tmp_path / "library" / "l.db", CASES / "library.sql", f"PRAGMA journal_mode = {mode}")
    before = fingerprint(path.parent)
    with Runner() as runner:
        walls: list[Callable[..., Rows]] = [runner.run, run_checked]
        for sql in WRITING:
            for wall in walls:
                outcome(wall, path, sql, limits=LIMITS)
    assert fingerprint(path.parent) == before
    assert [one.name for one in tmp_path.iterdir()] == ["library"]
    assert not list(Path("/tmp").glob("familychat-evil*"))


def test_not_even_one_statement_of_the_runner_gives_rows(tmp_path: Path) -> None:
    path = build_library(tmp_path / "l.db", CASES / "library.sql")
    with Runner() as runner:
        for sql in WRITING:
            found = outcome(runner.run, path, sql, limits=LIMITS)
            assert isinstance(found, tuple), sql
