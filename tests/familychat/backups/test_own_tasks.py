"""The household's own tasks in backups: which are saved, what replaces what, and what a backup may not bring."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from familychat.backups import verify
from familychat.errors import StoreCorruptError, StoreError
from familychat.household import Household
from familychat.settings import Settings

COOKING = 'name = "cooking"\ntitle = "Cooking"\ndescription = "What to cook"\nsystem_prompt = "Cook well."\n'


def aside(place: Any) -> dict[str, str]:
    """The tasks that restoring set aside."""
    return {path.name: path.read_text() for path in place.data_dir.glob("before-restore-*/tasks/*")}


def forged(path: Path, files: dict[str, bytes], **changes: Any) -> Path:
    """The same backup with these files more, and another manifest."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json")) | changes
        content = {one["name"]: archive.read(one["name"]) for one in manifest["files"]} | files
    manifest["files"] = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in content.items()
    ]
    made = path.with_name("forged.fcbackup")
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in {**content, "manifest.json": json.dumps(manifest).encode()}.items():
            archive.writestr(name, data)
    return made


def test_onto_a_new_computer(place: Any, make_place: Callable[[str], Any]) -> None:
    place.task("cooking.toml", COOKING)
    place.task("Für Gäste.toml", "broken, but ours")
    made = place.create("quiet little river")
    assert [entry.name for entry in made.manifest.tasks] == ["tasks/Für Gäste.toml", "tasks/cooking.toml"]
    assert verify(place.data_dir, made.path, "quiet little river").manifest == made.manifest
    new = make_place("new")
    done = new.restore(made.path, "quiet little river")
    assert (done.tasks, done.kept) == (True, None)
    assert new.state()[3] == place.state()[3]
    folder = new.data_dir / "tasks"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    home = Household(Settings(data_dir=new.data_dir))
    assert home.tasks.find("cooking").task.title == "Cooking"
    home.close()


def test_what_it_replaces_is_set_aside_whole(place: Any) -> None:
    place.task("cooking.toml", "first")
    made = place.create()
    place.task("cooking.toml", "second")
    place.task("later.toml", "later")
    place.task("notes.txt", "a note")
    done = place.restore(made.path)
    assert done.tasks
    assert place.state()[3] == {"cooking.toml": "first"}
    assert aside(place) == {"cooking.toml": "second", "later.toml": "later", "notes.txt": "a note"}
    assert done.kept == next(place.data_dir.glob("before-restore-*"))
    again = place.restore(made.path)
    assert (again.tasks, again.kept) == (False, None), "twice changes nothing more"


def test_a_backup_without_tasks_sets_them_aside(place: Any) -> None:
    made = place.create()
    place.task("cooking.toml", COOKING)
    assert place.restore(made.path).tasks
    assert not (place.data_dir / "tasks").exists()
    assert aside(place) == {"cooking.toml": COOKING}


def test_a_backup_from_before_leaves_them_alone(place: Any) -> None:
    path = place.create().path
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(content.pop("manifest.json"))
    older = {key: value for key, value in manifest.items() if not key.startswith("tasks")}
    assert len(older) == len(manifest) - 2
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**content, "manifest.json": json.dumps(older).encode()}.items():
            archive.writestr(name, data)
    place.put("second")
    place.task("cooking.toml", COOKING)
    before = place.state()
    done = place.restore(path)
    assert place.state() == (["first"], *before[1:])
    assert (done.tasks, done.kept, done.manifest.tasks_saved) == (False, None, False)


def test_what_is_no_ordinary_task_file_is_left_out_and_said(place: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.toml"
    secret.write_text("sk-secret")
    folder = place.task("cooking.toml", COOKING).parent
    place.task(".hidden.toml", "an editor's copy")
    place.task("notes.txt", "a note")
    place.task("exactly.toml", "#" * 64_000)
    place.task("long.toml", "#" * 64_001)
    place.task("line\nend.toml", "x")
    place.task("Cooking.toml", "the same name on some disks")
    (folder / "link.toml").symlink_to(secret)
    (folder / "folder.toml").mkdir()
    os.mkfifo(folder / "pipe.toml")
    (folder / os.fsdecode(b"half\xff.toml")).write_text("x")
    manifest = place.create().manifest
    assert [entry.name for entry in manifest.tasks] == ["tasks/Cooking.toml", "tasks/exactly.toml"]
    assert manifest.tasks_left_out == (
        "cooking.toml", "folder.toml", "half\\udcff.toml", "line\nend.toml", "link.toml", "long.toml", "pipe.toml"
    )  # fmt: skip


def test_no_more_than_a_backup_holds(place: Any) -> None:
    for number in range(1_002):
        place.task(f"t{number:04}.toml", "x")
    made = place.create()
    assert len(made.manifest.tasks) == 1_000
    assert made.manifest.tasks_left_out == ("t1000.toml", "t1001.toml")
    place.restore(made.path)
    assert len(place.state()[3]) == 1_000
    assert len(aside(place)) == 1_002, "those that weren't saved aren't lost"


def test_a_folder_that_is_none_makes_no_backup(place: Any) -> None:
    (place.data_dir / "tasks").write_text("in the way")
    with pytest.raises(StoreError, match=r"tasks can't be read: Not a directory. No backup was made"):
        place.create()
    assert not (place.data_dir / "backup-work").exists()


def test_a_link_to_a_folder_elsewhere_is_set_aside_as_a_link(place: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (place.data_dir / "tasks").symlink_to(tmp_path / "elsewhere")
    place.task("cooking.toml", "first")
    made = place.create()
    place.task("cooking.toml", "second")
    place.restore(made.path)
    assert (tmp_path / "elsewhere" / "cooking.toml").read_text() == "second"
    assert not (place.data_dir / "tasks").is_symlink()
    assert place.state()[3] == {"cooking.toml": "first"}
    assert aside(place) == {"cooking.toml": "second"}


@pytest.mark.parametrize(
    "name",
    ["tasks/../x.toml", "tasks/sub/x.toml", "tasks/.x.toml", "tasks//x.toml", "/tasks/x.toml", "tasks\\x.toml",
     "tasks/a\\x.toml", "tasks/C:x.toml", "tasks/x.py", "tasks/x.toml/", "tasks/x.toml\n", "tasks/x\0.toml",
     "tasks/.toml", f"tasks/{'x' * 61}.toml", "x.toml", "Tasks/x.toml", "tasks/\u202ex.toml"],
)  # fmt: skip
def test_a_hostile_name_is_refused(place: Any, tmp_path: Path, name: str) -> None:
    path = forged(place.create().path, {name: b"x"})
    before = place.files()
    outside = set(tmp_path.iterdir())
    with pytest.raises(StoreCorruptError, match="Nothing was changed"):
        verify(place.data_dir, path)
    with pytest.raises(StoreCorruptError, match="Nothing was changed"):
        place.restore(path)
    assert place.files() == before
    assert set(tmp_path.iterdir()) == outside


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"tasks/x.toml": b"#" * 64_001}, {}),
        ({f"tasks/{number}.toml": b"" for number in range(1_001)}, {}),
        ({"tasks/x.toml": b"", "tasks/X.toml": b""}, {}),
        ({"tasks/x.toml": b""}, {"tasks_saved": False}),
        ({}, {"tasks_saved": "yes"}),
    ],
)
def test_a_list_of_tasks_that_makes_no_sense(place: Any, files: dict[str, bytes], said: dict[str, Any]) -> None:
    path = forged(place.create().path, files, **said)
    before = place.files()
    with pytest.raises(StoreCorruptError, match="list of contents"):
        place.restore(path)
    assert place.files() == before


def test_a_task_that_was_changed_in_the_backup_is_found(place: Any) -> None:
    place.task("cooking.toml", "Cook well.")
    made = place.create()
    with zipfile.ZipFile(made.path) as archive:
        content = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(made.path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data.replace(b"well", b"evil") if name.startswith("tasks/") else data)
    with pytest.raises(StoreCorruptError, match=r"tasks/cooking.toml isn't what was saved"):
        verify(place.data_dir, made.path)


REFUSED = """
import errno, os, sys
from pathlib import Path
from familychat.backups import restore
from familychat.errors import StoreError
root, backup, refused = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def refuse(event, args):
    if event == "os.rename" and refused in str(args[0]) and str(args[1]).endswith("tasks"):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

sys.addaudithook(refuse)
try:
    restore(root / "data", root / "config.toml", backup)
except StoreError as error:
    print(error.message)
"""


@pytest.mark.parametrize("refused", ["opened/tasks", "data/tasks"])
def test_a_folder_that_cannot_be_exchanged_stays(place: Any, refused: str) -> None:
    place.task("cooking.toml", "first")
    made = place.create()
    place.put("second")
    place.task("cooking.toml", "second")
    place.config.write_text('model = "maker/huge"\n')
    command = [sys.executable, "-c", REFUSED, str(place.root), str(made.path), refused]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"can't be exchanged: {os.strerror(errno.EBUSY)}. The settings are as they were" in said
    assert f"your tasks are in {place.data_dir / 'tasks'}." in said
    words, _, settings, tasks = place.state()
    assert (words, settings, tasks) == (["first"], {"model": "maker/huge"}, {"cooking.toml": "second"})
    place.restore(made.path)
    assert place.state()[2:] == (
        {"model": "maker/tiny", "server": {"kind": "openai"}}, {"cooking.toml": "first"}
    )  # fmt: skip
