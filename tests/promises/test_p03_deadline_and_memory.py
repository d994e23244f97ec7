"""Promise 3: any question ends within its deadline and its memory, also while it is being prepared or inside one
function call."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from familychat.errors import QueryTooExpensive
from familychat_music.guard_testing import build_library, outcome, read_cases
from familychat_music.rows import Limits
from familychat_music.runner import Runner
from familychat_music.working import WORKER

CASES = Path(__file__).parents[1] / "fixtures" / "sql"
HEAVY = {case.name: case.sql for case in read_cases(CASES / "hostile.sql") if case.kind in {"bomb", "runner"}}
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("library") / "l.db", CASES / "library.sql")


@pytest.mark.parametrize(
    "name", ["doubling with", "doubling join", "printf star", "instr in every row", "false condition"]
)
def test_it_ends_at_its_deadline_and_the_next_one_is_answered(name: str, library: Path) -> None:
    with Runner() as runner:
        runner.run(library, "SELECT 1")
        began = time.monotonic()
        outcome(runner.run, library, HEAVY[name], limits=Limits(seconds=0.5))
        assert time.monotonic() - began < 3
        assert runner.run(library, "SELECT 1").rows == ((1,),)


def test_no_worker_outgrows_its_memory(library: Path) -> None:
    """The whole process, Python and all, against 64 MB for the question."""
    peaks: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peaks.extend(resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Runner() as runner:
            for sql in HEAVY.values():
                outcome(runner.run, library, sql, limits=Limits(seconds=0.15, memory=64 * MEGABYTE))
    finally:
        done.set()
        watcher.join()
    assert peaks
    assert max(peaks) < (64 + 40) * MEGABYTE


def resident() -> list[int]:
    """Bytes of memory of every worker there is."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(WORKER).encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                lines = (folder / "status").read_text().splitlines()
                found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
        except OSError:  # it ended meanwhile
            continue
    return found


def test_what_needs_more_memory_is_told_so(library: Path) -> None:
    sql = "SELECT count(DISTINCT a.title || b.title || c.title) FROM songs a, songs b, songs c"
    with Runner() as runner, pytest.raises(QueryTooExpensive, match="too much memory"):
        runner.run(library, sql, limits=Limits(seconds=30, memory=8 * MEGABYTE))
