"""Opening the database, its privacy, and its troubles in plain words."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from familychat.errors import (
    ConflictError,
    FamilychatError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreTooNewError,
)
from familychat.store.database import Database
from familychat.store.files import BUSY_TIMEOUT_SECONDS


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


def test_a_planted_schema_can_only_call_one_harmless_function(database: Database) -> None:
    """The schema is trusted, for the sake of the triggers; so nothing may be there for a planted one to call."""
    query = "SELECT DISTINCT name FROM pragma_function_list"
    with contextlib.closing(sqlite3.connect(":memory:")) as bare:
        built_in = {row[0] for row in bare.execute(query)}
    assert {row["name"] for row in database.rows(query)} - built_in == {"casefold"}


class Interrupted(BaseException):
    """Stands for Ctrl+C: not an Exception."""


@pytest.mark.parametrize("trouble", [ValueError, Interrupted])
def test_a_transaction_is_rolled_back_whatever_ends_it(database: Database, trouble: type[BaseException]) -> None:
    def interrupted() -> None:
        with database.transaction():
            database.insert("sign_in_failures", {"subject": "a", "failures": 1, "last_failed_at": "x"})
            raise trouble

    with pytest.raises(trouble):
        interrupted()
    assert database.rows("SELECT * FROM sign_in_failures") == []
    with database.transaction():
        database.insert("sign_in_failures", {"subject": "a", "failures": 1, "last_failed_at": "x"})
    assert len(database.rows("SELECT * FROM sign_in_failures")) == 1


def test_a_disk_that_fills_up_inside_a_transaction(database: Database) -> None:
    def fill() -> None:
        with database.transaction():
            database.insert("sign_in_failures", {"subject": "a", "failures": 1, "last_failed_at": "x"})
            database.insert("sign_in_failures", {"subject": "x" * 100_000, "failures": 1, "last_failed_at": "x"})

    pages = database.rows("PRAGMA page_count")[0]["page_count"]
    database.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFullError):
        fill()
    assert database.rows("SELECT * FROM sign_in_failures") == []
    database.rows("PRAGMA max_page_count = 100000")
    fill()
    assert len(database.rows("SELECT * FROM sign_in_failures")) == 2


def test_several_threads_share_one_connection(database: Database) -> None:
    def count_up(_: int) -> None:
        for _ in range(25):
            with database.transaction():
                (row,) = database.rows("SELECT failures FROM sign_in_failures")
                database.execute("UPDATE sign_in_failures SET failures = ?", [row["failures"] + 1])

    database.insert("sign_in_failures", {"subject": "a", "failures": 0, "last_failed_at": "x"})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(4)))
    assert database.rows("SELECT failures FROM sign_in_failures")[0]["failures"] == 100


def test_several_connections_take_turns(path: Path) -> None:
    def count_up(_: int) -> None:
        with Database(path) as own:
            for _ in range(10):
                with own.transaction():
                    (row,) = own.rows("SELECT failures FROM sign_in_failures")
                    own.execute("UPDATE sign_in_failures SET failures = ?", [row["failures"] + 1])

    with Database(path) as database:
        database.insert("sign_in_failures", {"subject": "a", "failures": 0, "last_failed_at": "x"})
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(count_up, range(4)))
        assert database.rows("SELECT failures FROM sign_in_failures")[0]["failures"] == 40


def test_closed_is_closed_and_twice_is_fine(path: Path) -> None:
    database = Database(path)
    database.close()
    database.close()
    with pytest.raises(StoreError):
        database.rows("SELECT 1")
    assert not path.with_name(path.name + "-wal").exists()


@pytest.mark.parametrize("text", ["\ud83d", "a\udcffb"])
def test_text_that_cannot_be_stored_is_an_error_of_ours(database: Database, text: str) -> None:
    with pytest.raises(FamilychatError):
        database.rows("SELECT ?", [text])
    with pytest.raises(FamilychatError), database.transaction():
        database.insert("sign_in_failures", {"subject": text, "failures": 1, "last_failed_at": "x"})
    assert database.rows("SELECT * FROM sign_in_failures") == []


def test_another_program_that_lets_go_soon_is_waited_for(database: Database, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()
    began = time.monotonic()
    database.execute("UPDATE users SET active = 1")
    assert 0.2 < time.monotonic() - began < BUSY_TIMEOUT_SECONDS
    release.join()
    other.close()


def test_the_wait_for_another_program_has_an_end(database: Database) -> None:
    assert database.rows("PRAGMA busy_timeout")[0]["timeout"] == BUSY_TIMEOUT_SECONDS * 1000
