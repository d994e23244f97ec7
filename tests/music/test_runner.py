"""The runner alone, with the guard off: nothing written, nothing leaked, nothing over its limits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from familychat.errors import (
    BrokenQuery,
    NotFoundError,
    QueryError,
    QueryTooExpensive,
    StoreCorruptError,
    StoreLockedError,
    UnsafeQuery,
)
from familychat_music import runner as runner_module
from familychat_music.guard_testing import Case, build_library, fingerprint, outcome, read_cases
from familychat_music.rows import Limits, Rows
from familychat_music.runner import QueryStopped, Runner, run_checked

CASES = Path(__file__).parents[1] / "fixtures" / "sql"
HONEST = list(read_cases(CASES / "honest.sql"))
HOSTILE = list(read_cases(CASES / "hostile.sql"))
READABLE = ["songs", "artists", "My Plays", "long_songs", "opened"]
SHORT = Limits(seconds=0.25, memory=64 * 1024 * 1024, result=1024 * 1024)
WITHOUT_SECRET = """
DROP VIEW opened; DROP TABLE secret; DROP TABLE songs_fts;
CREATE VIEW opened AS SELECT title, 11 AS letters FROM songs WHERE id < 3;
"""
ENDLESS = "SELECT count(*) FROM songs a, songs b, songs c, songs d, songs e WHERE a.id + b.id > c.id + d.id + e.id"
STUCK = "SELECT printf('%.*c', 1000000000, 'x')"
"""Spends seconds inside one function, where SQLite can't be interrupted."""


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("library") / "library.db", CASES / "library.sql")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same library to whoever may read :data:`READABLE`; there is nothing hidden in it."""
    return build_library(tmp_path_factory.mktemp("twin") / "library.db", CASES / "library.sql", WITHOUT_SECRET)


@pytest.mark.parametrize("case", HOSTILE, ids=str)
def test_a_hostile_statement_does_no_harm(case: Case, runner: Runner, library: Path, twin: Path) -> None:
    before = fingerprint(library.parent)
    began = time.monotonic()
    found = outcome(runner.run, library, case.sql, tables=READABLE, limits=SHORT)
    assert time.monotonic() - began < SHORT.seconds + 3
    assert fingerprint(library.parent) == before
    assert "canary" not in repr(found).replace(case.sql, "")
    if isinstance(found, Rows):
        assert len(found.rows) <= SHORT.rows
        assert len(repr(found)) < 4 * SHORT.result
        assert case.kind in {"hidden", "bomb", "runner", "harmless"}
    if case.kind not in {"bomb", "runner"}:  # what takes about as long as it may can end either way
        assert found == outcome(runner.run, twin, case.sql, tables=READABLE, limits=SHORT)


@pytest.mark.parametrize("case", HONEST, ids=str)
def test_an_honest_statement_gives_its_rows(case: Case, runner: Runner, library: Path) -> None:
    found = runner.run(library, case.sql, tables=READABLE)
    with closing(sqlite3.connect(library)) as connection:
        wanted = connection.execute(case.sql.removeprefix("\ufeff")).fetchall()
    assert [[value for value in row if not str(value).endswith("bytes)")] for row in found.rows] == [
        [value for value in row if not isinstance(value, bytes)] for row in wanted[:1000]
    ]
    assert found.truncated == (len(wanted) > 1000)


@pytest.mark.parametrize("case", HONEST, ids=str)
def test_an_honest_statement_passes_both_walls(case: Case, library: Path) -> None:
    assert run_checked(library, case.sql, tables=READABLE) == run_checked(library, case.sql)


def test_both_walls_refuse_the_hostile_ones(library: Path) -> None:
    for case in HOSTILE:
        if case.kind != "runner":
            with pytest.raises(QueryError):
                run_checked(library, case.sql, tables=READABLE)


def test_only_ordinary_tables_are_readable_by_default(runner: Runner, library: Path) -> None:
    assert runner.run(library, "SELECT count(*) FROM secret").rows == ((2,),)
    assert set(runner.columns(library)) == {*READABLE, "secret"}
    assert runner.columns(library, tables=["SONGS", "sqlite_schema", "songs_fts", "nowhere"]).keys() == {"songs"}
    for table in ("sqlite_schema", "songs_fts", "songs_fts_content", "pragma_table_list"):
        with pytest.raises(QueryError):
            runner.run(library, f"SELECT count(*) FROM {table}")
        with pytest.raises(QueryError):
            runner.run(library, f"SELECT count(*) FROM {table}", tables=[table])


def test_a_view_shows_what_it_is_made_of_and_no_more(runner: Runner, library: Path) -> None:
    assert runner.run(library, "SELECT letters FROM opened", tables=["opened"]).rows == ((11,), (11,))
    assert runner.run(library, "SELECT count(*) FROM opened", tables=["opened"]).rows == ((2,),)
    sql = "WITH a AS (SELECT letters FROM opened) SELECT o.title, a.letters FROM opened AS o, a LIMIT 1"
    assert runner.run(library, sql, tables=["opened"]).rows == (("Bohemian Rhapsody", 11),)
    for sql in (
        "SELECT count(*) FROM secret, opened",
        "SELECT code FROM opened",
        "WITH opened AS (SELECT code FROM secret) SELECT code FROM opened",
        "SELECT (SELECT code FROM secret WHERE id = 1) FROM opened",
    ):
        with pytest.raises(BrokenQuery):
            runner.run(library, sql, tables=["opened"])


@pytest.mark.parametrize(
    "name", ["a b.db", "what?.db", "a#b.db", "50%.db", "%41.db", "ä.db", "file:x.db", "a&mode=rw.db", "\udcff.db"]
)
def test_odd_file_names_open_that_very_file(name: str, runner: Runner, tmp_path: Path) -> None:
    with closing(sqlite3.connect(os.fsencode(tmp_path / name))) as connection:
        connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (7)")
    assert runner.run(tmp_path / name, "SELECT x FROM t").rows == ((7,),)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_relative_path(runner: Runner, library: Path) -> None:
    relative = os.path.relpath(library)
    assert runner.run(relative, "SELECT count(*) FROM songs").rows == ((240,),)


@pytest.mark.parametrize("name", ["missing.db", ".", "a\0b", "missing/deeper.db"])
def test_a_library_that_is_not_there(name: str, runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        runner.run(tmp_path / name, "SELECT 1")
    with pytest.raises(NotFoundError):
        run_checked(tmp_path / name, "SELECT 1")
    assert not any(tmp_path.iterdir())


def test_a_file_that_is_no_library(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to look at " * 50)
    with pytest.raises(StoreCorruptError):
        runner.run(tmp_path / "x.db", "SELECT 1")


def test_an_empty_file(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    assert runner.run(tmp_path / "x.db", "SELECT 1").rows == ((1,),)


def test_a_library_that_is_being_written(runner: Runner, tmp_path: Path) -> None:
    path = build_library(tmp_path / "x.db", CASES / "library.sql")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreLockedError):
            runner.run(path, "SELECT count(*) FROM songs", limits=SHORT)
        connection.execute("ROLLBACK")
    assert runner.run(path, "SELECT count(*) FROM songs").rows == ((240,),)


def test_a_library_with_a_write_ahead_log(runner: Runner, tmp_path: Path) -> None:
    path = build_library(tmp_path / "x.db", CASES / "library.sql", "PRAGMA journal_mode = WAL")
    assert fingerprint(tmp_path).keys() == {"x.db"}
    assert runner.run(path, "SELECT count(*) FROM songs").rows == ((240,),)
    assert fingerprint(tmp_path).keys() == {"x.db"}, "nothing is written beside it"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM songs WHERE id > 100")
        connection.commit()
        assert runner.run(path, "SELECT count(*) FROM songs").rows == ((100,),)


def test_odd_texts_and_blobs_survive(runner: Runner, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.executescript("""
            CREATE TABLE t (x);
            INSERT INTO t VALUES (x'00ff'), (CAST(x'ff41' AS TEXT)), (CAST(x'eda08041' AS TEXT)), ('🎵'), (char(0, 65)),
                (9223372036854775807), (1e999), (NULL), ('');
        """)
    found = [row[0] for row in runner.run(tmp_path / "x.db", "SELECT x FROM t").rows]
    assert found[0] == "(2 bytes)"
    assert found[1] == "\ufffdA"
    assert str(found[2]).endswith("A")
    assert "".join(str(value) for value in found).encode("utf-8")
    assert found[3:] == ["🎵", "\0A", 9223372036854775807, float("inf"), None, ""]


@pytest.mark.parametrize("sql", ["SELECT '\ud800'", "SELECT 1\0", "", " ", "--", "SELECT"])
def test_broken_texts_are_refused(sql: str, runner: Runner, library: Path) -> None:
    with pytest.raises(QueryError):
        runner.run(library, sql)


def test_parameters(runner: Runner, library: Path) -> None:
    sql = "SELECT title FROM songs WHERE id = ? OR title = ?"
    assert runner.run(library, sql, parameters=[2, "Jóga"]).rows == (("Dancing Queen",), ("Jóga",))
    for wrong in ([], [1], [1, 2, 3]):
        with pytest.raises(BrokenQuery):
            runner.run(library, sql, parameters=wrong)


def test_rows_are_cut(runner: Runner, library: Path) -> None:
    sql = "SELECT a.id FROM songs a, songs b"
    found = runner.run(library, sql)
    assert (len(found.rows), found.truncated) == (1000, True)
    assert len(runner.run(library, sql, limits=Limits(rows=7)).rows) == 7
    assert run_checked(library, sql, limits=Limits(rows=7)).truncated
    assert not runner.run(library, "SELECT id FROM songs", limits=Limits(rows=240)).truncated
    assert not run_checked(library, "SELECT id FROM songs", limits=Limits(rows=240)).truncated
    assert run_checked(library, "SELECT id FROM songs", limits=Limits(rows=239)).truncated


def test_the_result_is_cut(runner: Runner, library: Path) -> None:
    found = runner.run(library, "SELECT title, album FROM songs", limits=Limits(result=2000))
    assert found.truncated
    assert 10 < len(found.rows) < 100
    with pytest.raises(QueryTooExpensive):
        runner.run(library, "SELECT group_concat(title) FROM songs", limits=Limits(result=500))


@pytest.mark.parametrize("sql", [ENDLESS, STUCK, next(case.sql for case in HOSTILE if case.name == "doubling with")])
def test_the_deadline_holds_everywhere(sql: str, runner: Runner, library: Path) -> None:
    began = time.monotonic()
    with pytest.raises(QueryTooExpensive):
        runner.run(library, sql, limits=Limits(seconds=0.5))
    assert time.monotonic() - began < 3
    assert runner.run(library, "SELECT 1").rows == ((1,),)


def test_the_memory_holds(runner: Runner, library: Path) -> None:
    sql = "SELECT count(DISTINCT a.title || b.title || c.title) FROM songs a, songs b, songs c"
    with pytest.raises(QueryTooExpensive, match="memory"):
        runner.run(library, sql, limits=Limits(seconds=20, memory=8 * 1024 * 1024))
    assert runner.run(library, "SELECT 1").rows == ((1,),)


def test_stop_ends_what_is_running_and_nothing_else(library: Path) -> None:
    with Runner() as runner:
        for sql in (ENDLESS, STUCK):
            threading.Timer(0.3, runner.stop).start()
            began = time.monotonic()
            with pytest.raises(QueryStopped):
                runner.run(library, sql, limits=Limits(seconds=20))
            assert time.monotonic() - began < 3
            assert runner.run(library, "SELECT 1").rows == ((1,),)
        runner.stop()
        assert runner.run(library, "SELECT 1").rows == ((1,),)


def test_cancelling_a_task_kills_its_statement_only(library: Path) -> None:
    async def both(runner: Runner) -> None:
        doomed = asyncio.create_task(runner.run_async(library, STUCK, limits=Limits(seconds=30)))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doomed
        assert time.monotonic() - began < 1
        assert (await runner.run_async(library, "SELECT 2")).rows == ((2,),)

    with Runner() as runner:
        began = time.monotonic()
        asyncio.run(both(runner))
        assert time.monotonic() - began < 5, "the thread ends with its worker"


def test_what_is_cancelled_before_it_begins_does_not_begin(library: Path) -> None:
    async def queue(runner: Runner) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        first = asyncio.create_task(runner.run_async(library, ENDLESS, limits=Limits(seconds=0.5)))
        second = asyncio.create_task(runner.run_async(library, STUCK, limits=Limits(seconds=30)))
        await asyncio.sleep(0.1)
        second.cancel()
        with pytest.raises(QueryTooExpensive):
            await first

    with Runner() as runner:
        began = time.monotonic()
        asyncio.run(queue(runner))
        assert time.monotonic() - began < 4


def test_many_threads_at_once(library: Path) -> None:
    found: list[object] = []

    def ask(number: int) -> None:
        sql = STUCK if number % 5 == 0 else f"SELECT {number}"
        found.append(outcome(shared.run, library, sql, limits=SHORT))

    with Runner() as shared:
        threads = [threading.Thread(target=ask, args=[number]) for number in range(15)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    numbers = {one.rows[0][0] for one in found if isinstance(one, Rows)}
    assert numbers == {number for number in range(15) if number % 5}


def test_a_worker_that_was_killed_while_it_waited_is_replaced(library: Path) -> None:
    with Runner() as runner:
        runner.run(library, "SELECT 1")
        for pid in children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        assert runner.run(library, "SELECT 1").rows == ((1,),)


def children() -> list[int]:
    """The workers of this process that aren't the shared ones of other tests are among these."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True
    )
    return [int(pid) for pid in listed.stdout.split()]


def test_nothing_runs_on_after_closing(library: Path) -> None:
    runner = Runner()
    runner.warm_up()
    runner.run(library, "SELECT 1")
    runner.close()
    runner.close()
    with pytest.raises(RuntimeError):
        runner.run(library, "SELECT 1")


def test_a_program_that_ends_leaves_no_worker(library: Path) -> None:
    code = (
        "import sys; from familychat_music import run_checked; from familychat_music.runner import default_runner\n"
        "print(run_checked(sys.argv[1], 'SELECT count(*) FROM songs').rows[0][0])\n"
        "print(default_runner()._idle[0]._process.pid)"
    )
    root = Path(runner_module.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(library)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'music'}"},
    )
    count, pid = done.stdout.split()
    assert (count, done.stderr) == ("240", "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_the_errors_are_told_apart(runner: Runner, library: Path) -> None:
    for sql, error in {
        "SELECT nothing FROM songs": BrokenQuery,
        "SELECT * FROM nothing": BrokenQuery,
        "SELECT FROM": BrokenQuery,
        "DELETE FROM songs": UnsafeQuery,
        "SELECT load_extension('x')": UnsafeQuery,
        "SELECT * FROM sqlite_schema": UnsafeQuery,
        "EXPLAIN SELECT 1": UnsafeQuery,
        "SELECT " + "abs(" * 60 + "1" + ")" * 60: QueryTooExpensive,
        "SELECT '" + "x" * 100_000 + "'": QueryTooExpensive,
        "SELECT 1" + " OR 1" * 150: QueryTooExpensive,
        "SELECT 1" + " UNION SELECT 1" * 30: QueryTooExpensive,
    }.items():
        with pytest.raises(error) as refused:
            runner.run(library, sql)
        assert type(refused.value) is error
        assert "your music list is unchanged" in str(refused.value).lower()
