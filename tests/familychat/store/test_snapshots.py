"""Taking snapshots and bringing them back, whatever lies in the way."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from familychat.errors import ConflictError, InvalidInputError, NotFoundError, StoreCorruptError, StoreTooNewError
from familychat.household import Household
from familychat.settings import Settings
from familychat.store.database import Database
from familychat.store.leases import Lease, live_processes
from familychat.store.snapshots import check, find_snapshot, restore, snapshots, take_snapshot


@pytest.fixture
def path(data_dir: Path) -> Path:
    """A database with the one subject ``before``."""
    path = data_dir / "familychat.db"
    put(path, "before")
    return path


def put(path: Path, *subjects: str) -> None:
    with Database(path) as database:
        database.execute("DELETE FROM sign_in_failures")
        for subject in subjects:
            database.insert("sign_in_failures", {"subject": subject, "failures": 1, "last_failed_at": "x"})


def subjects(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT subject FROM sign_in_failures ORDER BY subject")]


def test_there_and_back(path: Path) -> None:
    taken = take_snapshot(path)
    put(path, "after")
    kept = restore(path, taken)
    assert subjects(path) == ["before"]
    assert kept is not None
    assert subjects(kept) == ["after"]
    Database(path).close()


def test_while_it_is_in_use(path: Path) -> None:
    with Database(path) as database:
        database.execute("UPDATE sign_in_failures SET failures = 2")  # only in the log so far
        taken = take_snapshot(path)
    with closing(sqlite3.connect(taken)) as connection:
        assert connection.execute("SELECT failures FROM sign_in_failures").fetchone() == (2,)
    assert not taken.with_name(taken.name + "-wal").exists()


def test_a_damaged_snapshot_changes_nothing(path: Path) -> None:
    taken = take_snapshot(path)
    content = taken.read_bytes()
    taken.write_bytes(content[:4096] + b"\xff" * 4096 + content[8192:])
    before = path.read_bytes()
    with pytest.raises(StoreCorruptError, match="can't be used"):
        restore(path, taken)
    taken.write_bytes(b"nonsense")
    with pytest.raises(StoreCorruptError, match="can't be used"):
        restore(path, taken)
    assert path.read_bytes() == before


def test_a_newer_snapshot_changes_nothing(path: Path) -> None:
    taken = take_snapshot(path)
    with closing(sqlite3.connect(taken)) as connection, connection:
        connection.execute("INSERT INTO _sqlite_migrations VALUES (99, 'familychat', 'm999_future', '2030')")
    with pytest.raises(StoreTooNewError, match="m999_future"):
        restore(path, taken)


def test_not_while_familychat_runs(path: Path, data_dir: Path) -> None:
    taken = take_snapshot(path)
    home = Household(Settings(data_dir=data_dir))
    with pytest.raises(ConflictError, match="still running"):
        restore(path, taken)
    home.close()
    restore(path, taken)


def leave_a_log(path: Path) -> None:
    """A process that is killed with its last change only in the log."""
    script = (
        "import os, signal, sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "c.execute(\"INSERT INTO sign_in_failures VALUES ('late', 1, 'x')\")\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert path.with_name(path.name + "-wal").stat().st_size > 0


def test_an_old_log_is_never_replayed_into_what_was_restored(path: Path) -> None:
    taken = take_snapshot(path)
    leave_a_log(path)
    kept = restore(path, taken)
    assert subjects(path) == ["before"]
    assert kept is not None
    assert subjects(kept) == ["before", "late"], "what was only in the log is kept as well"


def test_a_damaged_database_is_put_aside_as_it_is_with_its_log(path: Path) -> None:
    taken = take_snapshot(path)
    leave_a_log(path)
    path.write_bytes(b"ruined" * 1000)
    log = path.with_name(path.name + "-wal").read_bytes()
    kept = restore(path, taken)
    assert subjects(path) == ["before"]
    assert kept is not None
    assert kept.read_bytes() == b"ruined" * 1000
    assert kept.with_name(kept.name + "-wal").read_bytes() == log


def test_a_missing_database_comes_back(path: Path) -> None:
    taken = take_snapshot(path)
    path.unlink()
    assert restore(path, taken) is None
    assert subjects(path) == ["before"]


def test_never_over_an_existing_file(path: Path, tmp_path: Path) -> None:
    there = tmp_path / "photo.jpg"
    there.write_bytes(b"precious")
    with pytest.raises(ConflictError):
        take_snapshot(path, destination=there)
    assert there.read_bytes() == b"precious"


def test_finding_one_by_its_name(path: Path) -> None:
    with pytest.raises(NotFoundError, match="no snapshot yet"):
        find_snapshot(path, None)
    one, two = take_snapshot(path), take_snapshot(path)
    assert find_snapshot(path, None) == two
    assert find_snapshot(path, one.name) == one
    assert find_snapshot(path, str(one)) == one
    with pytest.raises(InvalidInputError, match="2 snapshots"):
        find_snapshot(path, "by-hand")
    with pytest.raises(NotFoundError):
        find_snapshot(path, "no-such")


def test_a_killed_snapshot_leaves_no_half_file(path: Path) -> None:
    with Database(path) as database, database.transaction():
        for number in range(20_000):
            database.insert(
                "sign_in_failures", {"subject": f"{number} {'x' * 500}", "failures": 1, "last_failed_at": "x"}
            )
    script = "import sys\nfrom pathlib import Path\nfrom familychat.store.snapshots import take_snapshot\n"
    script += "print('go', flush=True)\nwhile True: take_snapshot(Path(sys.argv[1]))\n"
    for wait in (0.02, 0.05, 0.11):
        process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert all(check(one).ok for one in snapshots(path))


def test_leases_tell_the_living_from_the_dead(data_dir: Path) -> None:
    own = Lease(data_dir)
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom familychat.store.leases import Lease\n"
        "lease = Lease(Path(sys.argv[1]))\nprint(lease.id, flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(data_dir)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    other = process.stdout.readline().strip()
    assert live_processes(data_dir, own=own.id) == {other}
    process.kill()
    process.wait()
    process.stdout.close()
    assert live_processes(data_dir, own=own.id) == set()
    assert live_processes(data_dir) == {own.id}
    own.release()
    assert live_processes(data_dir) == set()
