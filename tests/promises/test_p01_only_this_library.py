"""Promise 1: only the asked library's tables are readable. A differing answer on two databases that differ only
elsewhere is a leak."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from familychat_music import Rows, run_checked
from familychat_music.guard_testing import build_library, outcome, read_cases
from familychat_music.rows import Limits
from familychat_music.runner import Runner

CASES = Path(__file__).parents[1] / "fixtures" / "sql"
LIMITS = Limits(seconds=0.5, memory=64 * 1024 * 1024, result=1024 * 1024)
READABLE = ["songs", "artists"]
PROBES = [case.sql for case in read_cases(CASES / "hostile.sql") if case.kind in {"hidden", "schema", "function"}]
PROBES += [case.sql for case in read_cases(CASES / "honest.sql")[::3] if "random" not in case.sql]
OTHERS = (
    "",
    "DROP VIEW opened; DROP TABLE secret;",
    "UPDATE secret SET code = 'canary-other'; INSERT INTO secret (code) VALUES ('canary-third');",
    "DROP VIEW opened; DROP TABLE secret; CREATE TABLE secret (other); CREATE TABLE json_each (value);",
    "DROP TABLE songs_fts; DROP VIEW long_songs; CREATE VIEW long_songs AS SELECT code FROM secret;",
)
"""Changes to what the question may not read."""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("libraries")
    return [build_library(folder / f"{number}.db", CASES / "library.sql", one) for number, one in enumerate(OTHERS)]


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


@pytest.mark.parametrize("sql", PROBES)
def test_what_may_not_be_read_changes_no_answer(sql: str, libraries: list[Path], runner: Runner) -> None:
    alone = [outcome(runner.run, path, sql, tables=READABLE, limits=LIMITS) for path in libraries]
    both = [outcome(run_checked, path, sql, tables=READABLE, limits=LIMITS) for path in libraries[::4]]
    assert alone == alone[:1] * len(libraries)
    assert both == both[:1] * 2
    assert "canary" not in repr((alone, both)).replace(sql, "")


def test_the_test_would_see_a_leak(libraries: list[Path], runner: Runner) -> None:
    sql = "SELECT count(*) FROM secret"
    found = [outcome(runner.run, path, sql, tables=[*READABLE, "secret"]) for path in libraries[:3]]
    assert len({repr(one) for one in found}) == 3
    assert isinstance(found[0], Rows)
