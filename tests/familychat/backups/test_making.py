"""Making backups: whole, consistent, private, and without what doesn't belong in them."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from familychat.backups import BackupOptions, backups, create, default_folder, find_backup, verify
from familychat.errors import ConflictError, NotFoundError, SettingsError, StoreCorruptError, StoreError
from familychat.store.database import Database

PASSPHRASE = "quiet little river"
MOMENT = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)


def test_what_is_in_it(place: Any) -> None:
    (place.data_dir / "terminal-session").write_text("token")
    (place.data_dir / "models").mkdir()
    (place.data_dir / "models" / "big.gguf").write_text("model")
    made = place.create()
    with zipfile.ZipFile(made.path) as archive:
        names = archive.namelist()
        content = b"".join(archive.read(name) for name in names)
        settings = archive.read("settings.toml").decode()
    (library,) = (place.data_dir / "music").iterdir()
    assert names == ["database.db", f"music/{library.name}/1.db", "settings.toml", "manifest.json"]
    assert settings == 'model = "maker/tiny"\n\n[server]\nkind = "openai"\n'
    assert b"sk-" not in content, "a key that was commented out is a secret, too"
    assert made.manifest.migrations
    assert not made.manifest.secrets
    found = verify(place.data_dir, made.path)
    assert found.manifest == made.manifest
    assert found.rows["sign_in_failures"] == 1


def test_secrets_only_when_asked(place: Any) -> None:
    made = place.create(secrets=True)
    assert made.manifest.secrets
    with zipfile.ZipFile(made.path) as archive:
        assert b"sk-secret" in archive.read("settings.toml")


def test_encrypted_shows_nothing(place: Any) -> None:
    made = place.create(PASSPHRASE, secrets=True)
    content = made.path.read_bytes()
    for told in (b"SQLite", b"sk-secret", b"music/", b"manifest", b"PK\x03\x04", b"maker"):
        assert told not in content
    assert verify(place.data_dir, made.path, PASSPHRASE).manifest == made.manifest


def test_files_are_private_and_nothing_else_is_left(place: Any) -> None:
    made = place.create()
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in made.path.parent.iterdir()] == [made.path.name]
    assert not (place.data_dir / "backup-work").exists()


def test_no_settings_file_is_fine(place: Any) -> None:
    place.config.unlink()
    assert "settings.toml" not in {entry.name for entry in place.create().manifest.files}


def test_an_unreadable_settings_file_is_said(place: Any) -> None:
    place.config.write_text("model = ")
    with pytest.raises(SettingsError, match="isn't valid TOML"):
        place.create()
    assert backups(default_folder(place.data_dir)) == []


def test_nothing_to_save(place: Any) -> None:
    place.database.unlink()
    with pytest.raises(NotFoundError, match="no database"):
        place.create()


def test_names_sort_by_time_and_never_clash(place: Any, tmp_path: Path) -> None:
    for automatic in (False, False, True):
        chosen = BackupOptions(automatic=automatic)
        create(place.data_dir, place.config, tmp_path / "stick", chosen, clock=lambda: MOMENT)
    there = backups(tmp_path / "stick")
    assert [one.path.name for one in there] == [
        "familychat-20261121T101500Z.fcbackup",
        "familychat-20261121T101501Z.fcbackup",
        "familychat-20261121T101502Z-auto.fcbackup",
    ]
    assert [one.automatic for one in there] == [False, False, True]
    assert there[0].made_at == MOMENT


def test_finding_one(place: Any, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    with pytest.raises(NotFoundError, match="There is no backup in"):
        find_backup(folder, None)
    for hour in (1, 2):
        create(place.data_dir, place.config, folder, clock=lambda hour=hour: MOMENT.replace(hour=hour))  # type: ignore[misc]
    older, newer = (one.path for one in backups(folder))
    assert find_backup(folder, None) == newer
    assert (
        find_backup(folder, older.name) == find_backup(folder, older.stem) == find_backup(folder, str(older)) == older
    )
    for name in ("no-such", "x" * 5000, "nul\0", "..", ""):
        with pytest.raises(NotFoundError, match="There is no backup"):
            find_backup(folder, name)


def test_while_it_is_written_to(place: Any) -> None:
    """Whatever the moment, both halves of a change are in the backup, or neither is."""
    stop = threading.Event()
    began = threading.Event()

    def write() -> None:
        with Database(place.database) as database:
            number = 0
            while not stop.is_set():
                number += 1
                with database.transaction():
                    database.execute("UPDATE sign_in_failures SET failures = ? WHERE subject = 'first'", [number])
                    database.execute("UPDATE libraries SET songs = ?", [number])
                began.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert began.wait(30)
        made = [place.create() for _ in range(3)]
    finally:
        stop.set()
        writer.join()
    for one in made:
        with zipfile.ZipFile(one.path) as archive:
            copy = Path(archive.extract("database.db", place.root / one.path.stem))
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            query = "SELECT (SELECT failures FROM sign_in_failures), (SELECT songs FROM libraries)"
            first, second = connection.execute(query).fetchone()
        assert first == second > 0


def test_songs_that_change_in_mid_save_belong_to_the_database_that_is_saved(place: Any) -> None:
    changed: list[Path] = []

    def change(step: str, done: int, total: int) -> None:
        if not changed:
            before = next((place.data_dir / "music").rglob("*.db"))
            changed.append(place.music("Grandma", "Tango"))
            before.unlink()

    made = create(place.data_dir, place.config, default_folder(place.data_dir), progress=change)
    assert changed
    assert place.state()[1] == {"Grandma": "Tango"}
    place.restore(made.path)
    assert place.state()[1] == {"Grandma": "Waltz"}


MOVING = """
import sys
from pathlib import Path
from familychat.backups import create
from familychat.store.database import Database
root, moved = Path(sys.argv[1]), []

def import_the_next_version(event, args):
    if event == "open" and str(args[0]).endswith("1.db") and not moved:
        moved.append(True)
        path = Path(args[0])
        path.rename(path.with_name("2.db"))
        with Database(root / "data" / "familychat.db") as database:
            database.execute("UPDATE libraries SET version = 2")

sys.addaudithook(import_the_next_version)
made = create(root / "data", root / "config.toml", root / "stick")
assert moved
print([entry.name for entry in made.manifest.files], made.manifest.missing)
"""


def test_songs_that_go_before_they_are_opened_are_looked_for_again(place: Any) -> None:
    (library,) = (place.data_dir / "music").iterdir()
    done = subprocess.run([sys.executable, "-c", MOVING, str(place.root)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"['database.db', 'music/{library.name}/2.db', 'settings.toml'] ()"


def test_songs_that_are_gone_are_said_and_the_rest_is_saved(place: Any, make_place: Callable[[str], Any]) -> None:
    path = place.music("Sister", "Polka")
    path.unlink()
    damaged = place.music("Brother", "March")
    damaged.write_bytes(b"ruined" * 100)
    made = place.create()
    assert set(made.manifest.missing) == {path.parent.name, damaged.parent.name}
    new = make_place("new")
    new.restore(made.path)
    assert new.state()[:2] == (["first"], {"Grandma": "Waltz", "Sister": "gone", "Brother": "gone"})


def test_a_damaged_database_takes_no_good_backups_place(place: Any) -> None:
    place.create(automatic=True)
    place.database.write_bytes(b"ruined" * 1000)
    with pytest.raises(StoreCorruptError, match="damaged"):
        place.create(automatic=True)
    folder = default_folder(place.data_dir)
    assert [path.suffix for path in folder.iterdir()] == [".fcbackup"]


def test_a_stick_that_keeps_something_else_is_noticed(place: Any) -> None:
    """What was written is read again: a backup that can't be opened never gets a name."""

    def spoil(step: str, done: int, total: int) -> None:
        if step == "Saving" and done == total:
            (written,) = default_folder(place.data_dir).glob("*.unfinished")
            with written.open("r+b") as file:
                file.seek(1000)
                file.write(b"something else")

    with pytest.raises(StoreCorruptError):
        create(place.data_dir, place.config, default_folder(place.data_dir), progress=spoil)
    assert list(default_folder(place.data_dir).iterdir()) == []


def test_one_at_a_time(place: Any) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom familychat.backups.places import workspace\n"
        "with workspace(Path(sys.argv[1])):\n    print('go', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(place.data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ConflictError, match="busy with a backup"):
            place.create()
        other.kill()
    place.create()


@pytest.mark.parametrize("kind", ["file", "folder in a file", "device"])
def test_a_place_that_cannot_be_written(place: Any, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = {"file": tmp_path / "file", "folder in a file": tmp_path / "file" / "inside", "device": Path("/dev/full")}
    with pytest.raises(StoreError, match=r"can't be written.*No backup was made"):
        create(place.data_dir, place.config, folder[kind])
    assert (tmp_path / "file").read_text() == "in the way"
    assert not (place.data_dir / "backup-work").exists()


def test_what_is_already_there_is_left_alone(place: Any, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir(mode=0o755)
    for name in ("photo.jpg", "familychat-20200101T000000Z.fcbackup", "familychat-20200101T000000Z.fcbackup.unfinished",
                 "familychat-99999999T999999Z-auto.fcbackup", "my-auto.fcbackup"):  # fmt: skip
        (folder / name).write_bytes(b"precious")
    create(place.data_dir, place.config, folder, BackupOptions(automatic=True))
    assert sum(path.read_bytes() == b"precious" for path in folder.iterdir()) == 5
    assert folder.stat().st_mode & 0o777 == 0o755
