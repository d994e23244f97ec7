"""Leases: a process's sign of life ends with it, however it ends, and nobody else ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from familychat.errors import ConflictError
from familychat.store.database import Database
from familychat.store.leases import FOLDER, Lease, live_processes
from familychat.store.snapshots import restore, take_snapshot

HOLD = """
import sys
from pathlib import Path
from familychat.store.leases import Lease
lease = Lease(Path(sys.argv[1]))
print(lease.id, flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that holds a lease until its input ends, and the lease's id."""
    command = [sys.executable, "-c", HOLD, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_gone_at_once_however_it_ends(data_dir: Path, number: signal.Signals) -> None:
    with another_process(data_dir) as (process, lease):
        assert live_processes(data_dir) == {lease}
        assert live_processes(data_dir) == {lease}, "looking takes nothing away"
        process.send_signal(number)
        process.wait()
        assert live_processes(data_dir) == set()
    assert list((data_dir / FOLDER).iterdir()) == [], "the file of a dead process is cleared away"


def test_the_living_among_the_dead(data_dir: Path) -> None:
    with another_process(data_dir) as (_, alive), another_process(data_dir) as (dying, _):
        dying.kill()
        dying.wait()
        assert live_processes(data_dir) == {alive}
        assert live_processes(data_dir, own=alive) == set()


def test_released_leaves_no_file_and_twice_is_fine(data_dir: Path) -> None:
    lease = Lease(data_dir)
    (file,) = (data_dir / FOLDER).iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    lease.release()
    lease.release()
    assert list((data_dir / FOLDER).iterdir()) == []


def test_no_folder_no_processes(tmp_path: Path) -> None:
    assert live_processes(tmp_path / "not-there") == set()


def test_a_database_is_not_replaced_under_another_process(data_dir: Path) -> None:
    path = data_dir / "familychat.db"
    Database(path).close()
    taken = take_snapshot(path)
    before = path.read_bytes()
    with another_process(data_dir) as (process, _):
        with pytest.raises(ConflictError, match="still running"):
            restore(path, taken)
        assert path.read_bytes() == before
        process.kill()
        process.wait()
        restore(path, taken)
