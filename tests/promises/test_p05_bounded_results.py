"""Promise 5: at most 1,000 rows and a bounded size reach the model or the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from familychat_music import Limits, run_checked
from familychat_music.guard_testing import build_library
from familychat_music.runner import Runner

CASES = Path(__file__).parents[1] / "fixtures" / "sql"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("library") / "l.db", CASES / "library.sql")


@pytest.mark.parametrize(
    "ending", ["", " LIMIT 100000", " LIMIT -1", " LIMIT 99 * 99", " UNION ALL SELECT id, id FROM songs"]
)
def test_a_thousand_rows_and_a_word_that_there_are_more(ending: str, library: Path) -> None:
    sql = f"SELECT a.id, b.id FROM songs a, songs b{ending}"
    with Runner() as runner:
        for found in (run_checked(library, sql), runner.run(library, sql)):
            assert len(found.rows) == 1000
            assert found.truncated


def test_the_size_is_bounded(library: Path) -> None:
    sql = "SELECT replace(replace(title, 'o', '0123456789'), '0', '01234567890123456789') FROM songs"
    with Runner() as runner:
        found = runner.run(library, sql, limits=Limits(result=5_000))
    assert found.truncated
    assert sum(len(str(row[0])) for row in found.rows) <= 5_000


def test_blobs_are_words(library: Path) -> None:
    assert run_checked(library, "SELECT cover FROM songs WHERE id = 3").rows == (("(3 bytes)",),)
