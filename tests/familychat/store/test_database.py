"""Opening the database, its privacy, and its troubles in plain words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from familychat.errors import (
    ConflictError,
    StoreCorruptError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreTooNewError,
)
from familychat.store.database import Database


@pytest.fixture
def path(data_dir: Path) -> Path:
    return data_dir / "familychat.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with Database(path) as opened:
        yield opened


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_files_are_private(database: Database, path: Path) -> None:
    database.execute("UPDATE users SET active = 1")
    assert mode(path.parent) == 0o700
    for suffix in ("", "-wal", "-shm"):
        assert mode(path.with_name(path.name + suffix)) == 0o600
    assert mode(path.with_suffix(".lock")) == 0o600


def test_files_that_were_open_to_others_are_closed(path: Path) -> None:
    Database(path).close()
    path.chmod(0o644)
    path.parent.chmod(0o755)
    Database(path).close()
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_a_folder_with_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"precious")
    tmp_path.chmod(0o755)
    with pytest.raises(StoreReadOnlyError, match="holds other things"):
        Database(tmp_path / "familychat.db")
    assert mode(tmp_path) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
    tmp_path.chmod(0o700)
    Database(tmp_path / "familychat.db").close()


def test_pragmas(database: Database) -> None:
    values = {
        name: database.rows(f"PRAGMA {name}")[0][name] for name in ("journal_mode", "foreign_keys", "synchronous")
    }
    assert values == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    def insert(key: str) -> None:
        database.insert("sign_in_failures", {"subject": key, "failures": 1, "last_failed_at": "x"})

    def clash() -> None:
        with database.transaction():
            insert("a")
            with database.transaction():
                insert("b")
            insert("a")

    with pytest.raises(ConflictError):
        clash()
    assert database.rows("SELECT * FROM sign_in_failures") == []
    with database.transaction():
        insert("a")
    assert len(database.rows("SELECT * FROM sign_in_failures")) == 1


def test_held_by_another_program(database: Database, path: Path) -> None:
    database.rows("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreLockedError, match="Another program is holding the database"):
        database.execute("UPDATE users SET active = 1")
    with pytest.raises(StoreLockedError), database.transaction():
        pass
    other.close()
    database.execute("UPDATE users SET active = 1")


def test_read_only(database: Database) -> None:
    database.rows("PRAGMA query_only = ON")
    with pytest.raises(StoreReadOnlyError, match="can't be opened for writing"):
        database.execute("UPDATE users SET active = 1")


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(StoreReadOnlyError, match="can't be used"):
        Database(tmp_path / "data" / "familychat.db")


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError, match="familychat db restore") as caught:
        Database(path)
    assert "damaged" in caught.value.message
    assert path.read_bytes() == content


def test_a_cut_off_file_is_noticed(path: Path) -> None:
    with Database(path) as database:
        for number in range(500):
            database.insert(
                "sign_in_failures", {"subject": "x" * 200 + str(number), "failures": 1, "last_failed_at": "x"}
            )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreCorruptError), Database(path) as database:
        database.rows("SELECT * FROM sign_in_failures ORDER BY subject")


def test_somebody_elses_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipes (name)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreCorruptError, match="not one of familychat's"):
        Database(path)
    assert path.read_bytes() == before


def test_a_full_disk(database: Database) -> None:
    pages = database.rows("PRAGMA page_count")[0]["page_count"]
    database.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFullError, match="disk is full"):
        database.insert("sign_in_failures", {"subject": "x" * 100_000, "failures": 1, "last_failed_at": "x"})
    assert database.rows("SELECT * FROM sign_in_failures") == []


@pytest.mark.parametrize("unfinished_log", [False, True])
def test_a_newer_database_is_refused_untouched(path: Path, unfinished_log: bool) -> None:
    Database(path).close()
    newer = sqlite3.connect(path, isolation_level=None)
    newer.execute("INSERT INTO _sqlite_migrations VALUES (99, 'familychat', 'm999_future', '2030')")
    if not unfinished_log:
        newer.close()
    before = path.read_bytes()
    log = path.with_name(path.name + "-wal")
    log_before = log.read_bytes() if unfinished_log else b""
    with pytest.raises(StoreTooNewError, match="m999_future"):
        Database(path)
    assert path.read_bytes() == before
    if unfinished_log:
        assert log.read_bytes() == log_before
        newer.close()
