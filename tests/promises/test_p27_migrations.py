"""Migrations: from blank, from each old version, failing half-way, killed half-way, and rerun."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils
from sqlite_utils import Migrations

from familychat.clock import utc_now
from familychat.conversations import Conversations
from familychat.errors import FamilychatError
from familychat.recovery import Recovery
from familychat.searching import Search
from familychat.store.database import Database
from familychat.store.leases import Lease
from familychat.store.migrations import MIGRATIONS
from familychat.store.people import PeopleStore
from familychat.store.snapshots import KEEP_AUTOMATIC, check, snapshots, take_snapshot

ROWS = 50


@pytest.fixture
def path(data_dir: Path) -> Path:
    return data_dir / "familychat.db"


def shipped(count: int | None = None) -> Migrations:
    """The first ``count`` migrations that have shipped."""
    found = Migrations("familychat")
    for migration in MIGRATIONS._migrations[:count]:
        found(name=migration.name, transactional=migration.transactional)(migration.fn)
    return found


def extended(*extra: str, fail: bool = False) -> Migrations:
    """What a later version would bring: tables of these names; the last may fail half-way."""
    found = shipped()
    for number, name in enumerate(extra):

        def add(db: sqlite_utils.Database, name: str = name, last: bool = number == len(extra) - 1) -> None:
            db.execute(f"CREATE TABLE {name} (id)")
            db.execute("UPDATE sign_in_failures SET failures = failures + 1")
            if fail and last:
                raise sqlite3.OperationalError

        found(name=f"m9{number:02}_{name}")(add)
    return found


def fill(path: Path, migrations: Migrations | None = None) -> None:
    with Database(path, migrations=migrations) as database, database.transaction():
        for number in range(ROWS):
            database.insert("sign_in_failures", {"subject": str(number), "failures": 0, "last_failed_at": "x"})


def schema(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        return [(row[0], row[1]) for row in connection.execute(query)]


def total_failures(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT sum(failures) FROM sign_in_failures").fetchone()[0])


@pytest.mark.parametrize("old", range(1, len(MIGRATIONS._migrations) + 1))
def test_every_old_version_comes_to_the_same_schema(path: Path, tmp_path: Path, old: int) -> None:
    fill(path, shipped(old))
    Database(path).close()
    Database(tmp_path / "blank" / "familychat.db").close()
    assert schema(path) == schema(tmp_path / "blank" / "familychat.db")
    assert check(path).ok


def test_from_blank_takes_no_snapshot_and_rerunning_does_nothing(path: Path) -> None:
    Database(path).close()
    before = schema(path)
    Database(path).close()
    assert schema(path) == before
    assert snapshots(path) == []


def test_failing_half_way_leaves_everything_and_can_be_run_again(path: Path) -> None:
    fill(path)
    before = schema(path)
    with pytest.raises(FamilychatError):
        Database(path, migrations=extended("plums", fail=True))
    assert schema(path) == before
    assert total_failures(path) == 0
    Database(path, migrations=extended("plums")).close()
    assert total_failures(path) == ROWS


@pytest.mark.parametrize("number", range(len(MIGRATIONS._migrations)))
def test_each_one_that_has_shipped_can_fail_at_its_end(path: Path, number: int) -> None:
    migration = MIGRATIONS._migrations[number]
    failing = shipped(number)

    def fail(db: sqlite_utils.Database) -> None:
        migration.fn(db)
        raise sqlite3.OperationalError

    failing(name=migration.name, transactional=migration.transactional)(fail)
    if number:
        fill(path, shipped(number))
    with pytest.raises(FamilychatError):
        Database(path, migrations=failing)
    Database(path).close()
    assert check(path).ok


def test_of_two_the_finished_one_stays(path: Path) -> None:
    fill(path)
    with pytest.raises(FamilychatError):
        Database(path, migrations=extended("pears", "plums", fail=True))
    assert total_failures(path) == ROWS
    Database(path, migrations=extended("pears", "plums")).close()
    assert total_failures(path) == 2 * ROWS


def test_the_snapshot_before_is_complete(path: Path) -> None:
    fill(path)
    Database(path, migrations=extended("plums")).close()
    (taken,) = snapshots(path)
    assert taken.name.endswith("-before-m900_plums.db")
    found = check(taken)
    assert found.ok
    assert found.rows["sign_in_failures"] == ROWS
    assert "plums" not in found.rows
    assert taken.stat().st_mode & 0o777 == 0o600


def test_the_last_five_automatic_snapshots_are_kept_and_all_by_hand(path: Path) -> None:
    fill(path)
    by_hand = take_snapshot(path)
    names = [f"t{number}" for number in range(KEEP_AUTOMATIC + 2)]
    for count in range(1, len(names) + 1):
        Database(path, migrations=extended(*names[:count])).close()
    kept = snapshots(path)
    assert by_hand in kept
    assert [one.stem.rpartition("_")[2] for one in kept if one != by_hand] == names[2:]


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlite_utils import Migrations
from familychat.store.database import Database
from familychat.store.migrations import MIGRATIONS

later = Migrations("familychat")
for migration in MIGRATIONS._migrations:
    later(name=migration.name)(migration.fn)

@later()
def m900_plums(db):
    db.execute("CREATE TABLE plums (id)")
    db.execute("UPDATE sign_in_failures SET failures = failures + 1")
    os.kill(os.getpid(), signal.SIGKILL)

Database(Path(sys.argv[1]), migrations=later)
"""


def test_killed_half_way(path: Path) -> None:
    fill(path)
    before = schema(path)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    Database(path).close()
    assert schema(path) == before
    assert total_failures(path) == 0
    assert check(snapshots(path)[0]).rows["sign_in_failures"] == ROWS
    Database(path, migrations=extended("plums")).close()
    assert total_failures(path) == ROWS


def test_several_at_once_migrate_once(path: Path) -> None:
    fill(path)

    def open_it(_: int) -> None:
        Database(path, migrations=extended("plums")).close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_it, range(4)))
    assert total_failures(path) == ROWS
    assert len(snapshots(path)) == 1


def test_conversations_of_an_old_version_are_found_and_shown(path: Path) -> None:
    """What a household wrote before there were indexes and versions is as good as what it writes now."""
    at = "2026-01-01T00:00:00.000Z"
    with Database(path, migrations=shipped(2)) as old:
        for name in ("owner", "child"):
            person = {"id": name, "username": name, "username_key": name, "display_name": name}
            old.insert("users", {**person, "role": "admin", "created_at": at})
            talk = {"id": f"chat-{name}", "owner_id": name, "title": "Fruit", "task": "general", "head_id": f"a-{name}"}
            old.insert("conversations", {**talk, "created_at": at, "last_message_at": at})
            for author, message, parent in (("user", "q", None), ("assistant", "a", "q")):
                text = f"{author} about plums of {name}"
                row = {"id": f"{message}-{name}", "parent_id": parent and f"{parent}-{name}", "content": text}
                old.insert(
                    "messages",
                    {
                        **row,
                        "conversation_id": f"chat-{name}",
                        "author": author,
                        "status": "complete",
                        "created_at": at,
                    },
                )
    with Database(path) as database:
        child = PeopleStore(database).get("child")
        assert child is not None
        (hit,) = Search(database, utc_now).find(child, "plums").hits
        assert (hit.conversation.id, hit.others) == ("chat-child", 1)
        assert Search(database, utc_now).find(child, "owner").hits == ()
        lease = Lease(path.parent)
        chats = Conversations(database, utc_now, Recovery(database, lease))
        chat = chats.get(child, "chat-child")
        assert [message.content for message in chats.messages(child, chat)] == [
            "user about plums of child",
            "assistant about plums of child",
        ]
        chats.rename(child, chat, "Stones")
        lease.release()
        assert len(Search(database, utc_now).find(child, "stones").hits) == 1
        assert Search(database, utc_now).find(child, "title:fruit").hits == ()
        chats.delete(child, chat)
        assert chats.empty_trash(child) == 1
        PeopleStore(database).remove("child")
        assert check(path).ok
