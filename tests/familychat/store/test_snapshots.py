"""Taking snapshots and bringing them back, whatever lies in the way."""

from __future__ import annotations

import os
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
from familychat.store.snapshots import KEEP_AUTOMATIC, check, find_snapshot, restore, snapshots, take_snapshot


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


def test_the_snapshot_that_was_brought_back_stays(path: Path) -> None:
    """Restoring keeps what it replaces, but never at the price of the very snapshot that was wanted."""
    wanted = take_snapshot(path, reason="before-m002")
    for number in range(KEEP_AUTOMATIC - 1):
        put(path, f"after {number}")
        take_snapshot(path, reason=f"before-m{number + 3:03}")
    restore(path, wanted)
    assert subjects(path) == ["before"]
    assert wanted in snapshots(path)


def test_restoring_leaves_nothing_unfinished_and_all_private(path: Path) -> None:
    taken = take_snapshot(path)
    taken.chmod(0o644)
    restore(path, taken)
    names = {found.name for found in path.parent.iterdir()}
    assert names <= {"familychat.db", "familychat.lock", "running", "snapshots"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_somebody_elses_database_is_no_snapshot(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "recipes.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    before = path.read_bytes()
    with pytest.raises(StoreCorruptError, match="isn't a familychat database"):
        restore(path, other)
    assert path.read_bytes() == before


def test_a_row_that_points_nowhere_is_found(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO extensions VALUES ('e', 'nobody', 'hours', NULL, NULL, '2026', '2026')")
    found = check(path)
    assert not found.ok
    assert "extensions points to a missing users" in found.problems[0]


def test_checking_changes_nothing(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    assert check(path).ok
    assert path.read_bytes() == before
    with pytest.raises(NotFoundError):
        check(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_what_a_killed_snapshot_left_is_cleared_away(path: Path) -> None:
    take_snapshot(path)
    leftover = path.parent / "snapshots" / "20260101T000000000000Z-by-hand.db.unfinished"
    leftover.write_bytes(b"half")
    old = time.time() - 24 * 3600
    os.utime(leftover, (old, old))
    take_snapshot(path)
    assert not leftover.exists(), "each would take as much disk as the database"


def test_killed_while_restoring_leaves_the_one_or_the_other(path: Path) -> None:
    one = take_snapshot(path)
    put(path, "after")
    two = take_snapshot(path)
    script = "import sys\nfrom pathlib import Path\nfrom familychat.store.snapshots import restore\n"
    script += "paths = [Path(word) for word in sys.argv[1:]]\nprint('go', flush=True)\n"
    script += "while True:\n    restore(paths[0], paths[1])\n    restore(paths[0], paths[2])\n"
    for wait in (0.01, 0.03, 0.06, 0.1, 0.15):
        command = [sys.executable, "-c", script, str(path), str(one), str(two)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.kill()
        assert check(path).ok
        assert subjects(path) in (["before"], ["after"])
    restore(path, one)
    assert subjects(path) == ["before"]
