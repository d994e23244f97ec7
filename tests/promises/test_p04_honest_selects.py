"""Promise 4: honest SELECTs are never refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from familychat_music import run_checked
from familychat_music.guard import check
from familychat_music.guard_testing import Case, build_library, read_cases

CASES = Path(__file__).parents[1] / "fixtures" / "sql"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("library") / "l.db", CASES / "library.sql")


@pytest.mark.parametrize("case", read_cases(CASES / "honest.sql"), ids=str)
def test_an_honest_statement_gets_its_answer(case: Case, library: Path) -> None:
    check(case.sql)
    assert run_checked(library, case.sql).columns


@pytest.mark.parametrize("ending", ["", ";", "; -- done", " -- done", ";\n/* done */\n", ";;", "\n"])
def test_one_statement_however_it_ends(ending: str, library: Path) -> None:
    assert run_checked(library, f"SELECT count(*) FROM songs{ending}").rows == ((240,),)
