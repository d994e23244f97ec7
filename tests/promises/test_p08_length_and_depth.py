"""Promise 8: length is checked before parsing, and deep nesting ends in our own error."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from familychat.errors import QueryError, QueryTooExpensive
from familychat_music.guard import LONGEST_STATEMENT, check
from familychat_music.guard_testing import build_library
from familychat_music.runner import Runner

CASES = Path(__file__).parents[1] / "fixtures" / "sql"


@pytest.mark.parametrize("sql", ["SELECT '" + "x" * 50_000_000 + "'", "(" * 50_000_000, "-" * 50_000_000])
def test_a_long_text_is_not_even_read(sql: str, tmp_path: Path) -> None:
    library = build_library(tmp_path / "l.db", CASES / "library.sql")
    with Runner() as runner:
        began = time.monotonic()
        with pytest.raises(QueryTooExpensive):
            check(sql)
        with pytest.raises(QueryTooExpensive):
            runner.run(library, sql)
        assert time.monotonic() - began < 1


def test_the_longest_statement_passes() -> None:
    sql = "SELECT '" + "x" * (LONGEST_STATEMENT - 9) + "'"
    assert len(sql) == LONGEST_STATEMENT
    assert check(sql)
    with pytest.raises(QueryTooExpensive):
        check(sql + " ")


@pytest.mark.parametrize("depth", [40, 60, 100, 1_000, 10_000, 40_000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("(", ")"),
        ("abs(", ")"),
        ("NOT ", ""),
        ("-", ""),
        ("~", ""),
        ("CASE WHEN ", " THEN 1 END"),
        ("(SELECT ", ")"),
        ("[", "]"),
    ],
)
def test_deep_nesting_ends_in_our_own_error(opening: str, closing: str, depth: int, tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        check(f"SELECT {opening * depth}1{closing * depth}")


def test_what_people_write_is_never_too_deep() -> None:
    assert check("SELECT " + "(" * 20 + "1" + ")" * 20)
    assert check("SELECT " + "CASE WHEN 1 THEN " * 10 + "1" + " END" * 10)
    assert check("SELECT 1 WHERE " + " OR ".join(["1 = 2"] * 45))
