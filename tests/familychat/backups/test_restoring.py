"""Bringing a backup back: onto a new computer, over what is there, and not while or where it must not be."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from familychat.backups import restore
from familychat.errors import ConflictError, InvalidInputError, SettingsError, StoreReadOnlyError, StoreTooNewError
from familychat.household import Household
from familychat.settings import Settings
from familychat.store.snapshots import check

PASSPHRASE = "quiet little river"


@pytest.fixture
def changed(place: Any) -> Path:
    """The place has gone on since this backup: other words, songs and settings."""
    path: Path = place.create().path
    place.put("second")
    place.music("Grandma", "Tango")
    place.music("Sister", "Polka")
    place.config.write_text('data_dir = "/elsewhere"\nmodel = "maker/huge"\n[server]\napi_key = "sk-newer"\n')
    return path


def song_of(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT title FROM songs").fetchone()[0])


def test_onto_a_new_computer(place: Any, make_place: Callable[[str], Any]) -> None:
    before = place.state()
    path = place.create(PASSPHRASE, secrets=True).path
    new = make_place("new")
    done = new.restore(path, PASSPHRASE)
    new.start()
    assert new.state() == before
    assert (done.snapshot, done.kept, done.settings) == (None, None, True)
    assert new.config.stat().st_mode & 0o777 == 0o600
    names = {found.name for found in new.data_dir.iterdir()}
    assert names == {"familychat.db", "familychat.lock", "backup.lock", "music", "running"}
    for path in new.data_dir.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.suffix in {".lock", ".db-shm", ".db-wal"}, path


def test_over_what_is_there(place: Any, changed: Path) -> None:
    replaced = place.files()
    done = place.restore(changed)
    words, songs, settings, _ = place.state()
    assert (words, songs) == (["first"], {"Grandma": "Waltz"})
    assert settings == {
        "data_dir": "/elsewhere", "model": "maker/tiny", "server": {"kind": "openai", "api_key": "sk-newer"}
    }  # fmt: skip
    assert check(done.snapshot).rows["libraries"] == 2
    assert (done.kept / "settings.toml").read_bytes() == replaced["config.toml"]
    kept = {path.relative_to(done.kept): song_of(path) for path in done.kept.rglob("*.db")}
    assert sorted(kept.values()) == ["Polka", "Tango"]
    assert all(replaced[f"data/{path}"] == (done.kept / path).read_bytes() for path in kept), "each where it was"
    assert not (place.data_dir / "backup-work").exists()


def test_what_was_replaced_can_be_put_back(place: Any, changed: Path) -> None:
    before = place.state()
    undo = place.create(secrets=True).path
    place.restore(changed)
    place.restore(undo)
    assert place.state() == before


def test_the_same_version_with_other_songs(place: Any, make_place: Callable[[str], Any]) -> None:
    """Two computers went on from one backup: each has a second version of the same list, with other songs."""
    other = place.copy("other")
    place.music("Grandma", "Tango")
    index = other.music("Grandma", "Rumba").with_suffix(".index")
    index.write_text("of Rumba")
    other.restore(place.create().path)
    assert other.state()[1] == {"Grandma": "Tango"}
    assert not index.exists(), "an index of other songs would answer for them"
    assert len(list(index.parent.iterdir())) == 1


def test_an_index_of_other_songs_is_never_used(place: Any) -> None:
    made = place.create()
    path = next((place.data_dir / "music").rglob("1.db"))
    path.unlink()
    path.with_suffix(".index").write_text("of songs that are gone")
    place.restore(made.path)
    assert place.state()[1] == {"Grandma": "Waltz"}
    assert not list(path.parent.glob("*.index"))


def test_twice_changes_nothing_more(place: Any, changed: Path) -> None:
    place.restore(changed)
    before = place.state()
    done = place.restore(changed)
    assert place.state() == before
    assert (done.kept, done.settings) == (None, False)


def test_settings_stay_when_asked_to(place: Any, changed: Path) -> None:
    before = place.config.read_bytes()
    assert not place.restore(changed, settings=False).settings
    assert place.config.read_bytes() == before
    assert place.state()[0] == ["first"]


def test_secrets_of_the_backup_come_back(place: Any) -> None:
    path = place.create(secrets=True).path
    place.config.write_text('[server]\napi_key = "sk-newer"\n')
    place.restore(path)
    assert place.settings()["server"]["api_key"] == "sk-secret"


def test_another_computers_data_folder_is_not_taken_over(place: Any, make_place: Callable[[str], Any]) -> None:
    place.config.write_text('data_dir = "/another/computer"\nmodel = "maker/tiny"\n')
    new = make_place("new")
    new.restore(place.create().path)
    assert new.settings() == {"model": "maker/tiny"}


def test_a_link_to_the_settings_stays_a_link(place: Any, changed: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    place.config.rename(real)
    place.config.symlink_to(real)
    place.restore(changed)
    assert place.config.is_symlink()
    assert 'model = "maker/tiny"' in real.read_text()


def test_settings_that_cannot_be_written_change_nothing(place: Any, changed: Path, tmp_path: Path) -> None:
    before = place.state()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="Nothing was changed"):
        restore(place.data_dir, tmp_path / "file" / "config.toml", changed)
    assert place.state() == before
    assert not list(place.data_dir.glob("before-restore-*"))
    assert not (place.data_dir / "backup-work").exists()


def test_saying_no_changes_nothing(place: Any, changed: Path) -> None:
    def no(_found: object) -> None:
        raise InvalidInputError("Nothing was changed.")

    before = place.files()
    with pytest.raises(InvalidInputError):
        place.restore(changed, sure=no)
    assert place.files() == before


def test_trouble_on_the_way_is_taken_back(place: Any, changed: Path) -> None:
    """The last step before the exchange fails: what was already put there goes again."""
    (place.data_dir / "snapshots").write_text("in the way")
    before = place.files()
    with pytest.raises(StoreReadOnlyError):
        place.restore(changed)
    assert place.files() == before


def test_not_while_familychat_runs(place: Any, changed: Path) -> None:
    before = place.state()
    home = Household(Settings(data_dir=place.data_dir))
    with contextlib.closing(home), pytest.raises(ConflictError, match=r"still running\. Nothing was changed"):
        place.restore(changed)
    assert place.state() == before
    place.restore(changed)


def test_not_when_familychat_is_started_meanwhile(place: Any, changed: Path) -> None:
    opened: list[Household] = []
    before = place.state()
    with pytest.raises(ConflictError, match="still running"):
        place.restore(changed, sure=lambda _: opened.append(Household(Settings(data_dir=place.data_dir))))
    opened[0].close()
    assert place.state() == before


def test_not_into_a_newer_installation(place: Any, changed: Path) -> None:
    with contextlib.closing(sqlite3.connect(place.database)) as connection, connection:
        connection.execute("INSERT INTO _sqlite_migrations VALUES (99, 'familychat', 'm999_future', '2030')")
    before = place.files()
    with pytest.raises(StoreTooNewError, match=r"database in your data folder.*m999_future"):
        place.restore(changed)
    assert place.files() == before


def test_not_into_somebody_elses_folder(place: Any, changed: Path, make_place: Callable[[str], Any]) -> None:
    other = make_place("other")
    other.data_dir.mkdir(mode=0o755)
    (other.data_dir / "photo.jpg").write_bytes(b"precious")
    with pytest.raises(StoreReadOnlyError, match="holds other things"):
        other.restore(changed)
    assert [path.name for path in other.data_dir.iterdir()] == ["photo.jpg"]


def test_over_a_damaged_database(place: Any, changed: Path) -> None:
    place.database.write_bytes(b"ruined" * 1000)
    done = place.restore(changed)
    assert place.state()[0] == ["first"]
    assert done.snapshot.read_bytes() == b"ruined" * 1000


# -- killed

KILLED = """
import os, shutil, signal, sys
from itertools import count
from pathlib import Path
from familychat.backups import BackupOptions, create, restore

what, source, folder, backup = sys.argv[1], *map(Path, sys.argv[2:])
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "shutil.rmtree",
           "sqlite3.connect"}

def work(root, progress):
    if what == "restore":
        restore(root / "data", root / "config.toml", backup, progress=progress)
    else:
        create(root / "data", root / "config.toml", root / "stick", BackupOptions(automatic=True), progress=progress)

def killed_at(number, root):
    seen = 0
    def step(*_):
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
    def watch(event, args):
        if event in CHANGES or (event == "open" and isinstance(args[2], int) and args[2] & WRITING):
            step()
    sys.addaudithook(watch)
    work(root, step)

shutil.copytree(source, folder / "0")
work(folder / "0", lambda *_: None)  # imports all that it needs, so that only files of the household are counted
for number in count(1):
    shutil.copytree(source, folder / str(number))
    child = os.fork()
    if child == 0:
        killed_at(number, folder / str(number))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


def killed(what: str, place: Any, folder: Path, backup: Path) -> Iterator[Any]:
    """Copies of a place, in each of which the same work was killed one step later than in the one before.

    A step is anything that changes the file system, or a piece of progress. The last ran to its end.
    """
    folder.mkdir()
    command = [sys.executable, "-c", KILLED, what, str(place.root), str(folder), str(backup)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for path in sorted(folder.iterdir(), key=lambda path: int(path.name))[1:]:
        yield type(place)(path)


def leave_a_log(place: Any, word: str) -> None:
    """A process that is killed with its last change only in the database's log."""
    script = (
        "import os, signal, sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "c.execute('INSERT INTO sign_in_failures VALUES (?, 1, ?)', [sys.argv[2], 'x'])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(place.database), word], check=False)
    assert place.database.with_name("familychat.db-wal").stat().st_size > 0


def test_killed_while_restoring_leaves_the_one_or_the_other(place: Any, tmp_path: Path) -> None:
    other = place.copy("other")
    place.put("old")
    place.music("Grandma", "Tango")
    place.music("Sister", "Polka")
    place.config.write_text('model = "maker/old"\n')
    for name in ("same.toml", "gone.toml", "other.toml"):
        place.task(name, "old")
    place.task("same.toml", "as ever")
    _, songs, settings, tasks = place.copy("before").state()
    other.put("new")
    other.music("Grandma", "Rumba")
    other.music("Brother", "March")
    other.config.write_text('model = "maker/new"\n')
    other.task("other.toml", "new")
    other.task("same.toml", "as ever")
    after = other.state()
    backup = other.create().path
    leave_a_log(place, "late")
    before = (["late", "old"], songs, settings, tasks)
    found = []
    for copy in killed("restore", place, tmp_path / "killed", backup):
        state = copy.state()
        found.append("old" if state == before else "new" if state == after else state)
        if found[-1] == "old":
            continue
        kept = [check(path) for path in (copy.data_dir / "snapshots").glob("*.db")]
        assert [one.ok for one in kept] == [True]
        assert kept[0].rows["sign_in_failures"] == 2, "what was only in the log is kept as well"
        if state[3] != tasks:
            (aside,) = copy.data_dir.glob("before-restore-*/tasks")
            assert {path.name: path.read_text() for path in aside.iterdir()} == tasks, "no task is lost"
    between = [one for one in found if one not in ("old", "new")]
    none: dict[str, str] = {}
    on_the_way = [(*after[:2], settings, there) for there in (tasks, none, after[3])]
    assert [one for one, _ in groupby(between)] == on_the_way, "all is new but tasks and settings, until three renames"
    assert len(between) < 10
    assert found.count("old") > 20
    assert found.count("new") > 3
    last = copy
    for copy in (type(place)(tmp_path / "killed" / str(number)) for number in range(1, len(found), 5)):
        copy.start()
        copy.restore(backup)
        copy.start()
        assert copy.state() == after
        assert not (copy.data_dir / "backup-work").exists()
        assert not list(copy.root.rglob("*.restoring"))
    assert last.state() == after


def test_killed_while_saving_leaves_nothing_of_a_final_name(place: Any, tmp_path: Path) -> None:
    place.music("Sister", "Polka")
    (place.root / "stick").mkdir()
    older = place.root / "stick" / "familychat-20250101T000000Z-auto.fcbackup"
    older.write_bytes(place.create().path.read_bytes())
    before = place.state()
    made = 0
    for copy in killed("create", place, tmp_path / "killed", tmp_path):
        there = sorted(path for path in (copy.root / "stick").iterdir() if path.suffix == ".fcbackup")
        assert there[0].name == older.name
        made += len(there) - 1
        for path in there:
            assert copy.restore(path).manifest.files, "every file of a final name is whole"
        assert copy.state() == before
        left = [path for path in (copy.root / "stick").iterdir() if path.suffix != ".fcbackup"]
        assert left == [], "what a killed one left is cleared away by the next command"
        assert not (copy.data_dir / "backup-work").exists()
    assert made > 1
