"""Who changes the household's tasks, what is written down about it, and that nothing is lost on the way."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from familychat.errors import (
    ConflictError,
    FamilychatError,
    InvalidInputError,
    NotAllowedError,
    StoreError,
    TaskError,
)
from familychat.household import Household
from familychat.models import Effect, Role, User
from familychat.settings import Settings
from familychat.store.task_states import TaskStateStore
from familychat.tasks.managing import TaskShelf

WriteTask = Callable[..., Path]
TEXT = """# Ours
name = "cooking"
title = "Cooking"
description = "What to cook"
system_prompt = "Cook well."
"""


@pytest.fixture
def shelf(household: Household) -> TaskShelf:
    return household.task_shelf


@pytest.fixture
def child(household: Household, owner: User) -> User:
    return household.accounts.add(owner, "child", "quiet little river")


def audited(household: Household, owner: User) -> list[tuple[str, str, str]]:
    entries = household.accounts.audit(owner, 50)
    return [(e.action, e.target, e.details) for e in reversed(entries) if e.action.startswith("task.")]


def test_a_task_from_its_beginning_to_its_end(
    household: Household, shelf: TaskShelf, owner: User, child: User, data_dir: Path
) -> None:
    added = shelf.add(owner, TEXT)
    path = data_dir / "tasks" / "cooking.toml"
    assert path.read_text() == TEXT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (added.allowed, added.on) == (False, True)
    household.rules.grant(owner, "child", "task:cooking", Effect.ALLOW)
    assert shelf.get(child, "cooking").allowed
    assert not shelf.get(owner, "cooking").allowed
    shelf.edit(owner, "cooking", TEXT.replace("Cook well.", "Cook!") + "top_p = 0.5\n")
    assert shelf.edit(owner, "cooking", path.read_bytes()).system_prompt == "Cook!"
    assert shelf.switch(owner, "cooking", off=True)
    assert not shelf.switch(owner, "cooking", off=True)
    found = shelf.get(child, "cooking")
    assert (found.allowed, found.on) == (False, False)
    shelf.remove(owner, "cooking")
    assert not path.exists()
    assert not TaskStateStore(household.database).is_off("cooking")
    with pytest.raises(TaskError, match="There is no task cooking"):
        shelf.get(owner, "cooking")
    assert audited(household, owner) == [
        ("task.add", "cooking", "Cooking"),
        ("task.edit", "cooking", "system_prompt, defaults"),
        ("task.disable", "cooking", ""),
        ("task.remove", "cooking", "cooking.toml"),
    ]


def test_only_admins_change_anything(
    household: Household, shelf: TaskShelf, owner: User, child: User, write_task: WriteTask
) -> None:
    path = write_task("baking")
    before = path.read_text()
    second = household.accounts.add(owner, "second", "another quiet river", role=Role.ADMIN)
    household.accounts.demote(owner, "second")
    for person in (child, second):  # the second one still thinks of itself as an admin
        for change in (
            lambda by: shelf.add(by, TEXT),
            lambda by: shelf.own(by, "baking"),
            lambda by: shelf.edit(by, "baking", before + "top_p = 0.5\n"),
            lambda by: shelf.remove(by, "baking"),
            lambda by: shelf.switch(by, "general", off=True),
        ):
            with pytest.raises(NotAllowedError, match="Only an admin"):
                change(person)
    assert [file.name for file in path.parent.iterdir()] == ["baking.toml"]
    assert path.read_text() == before
    assert audited(household, owner) == []


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (TEXT + "promt = 'x'\n", InvalidInputError, "What you gave can't be a task: there is no key promt"),
        (TEXT.replace('"cooking"', '"story"'), ConflictError, "There is a task story already, from familychat"),
        (TEXT.replace('"cooking"', '"baking"'), ConflictError, r"There is a task baking already, from .*other\.toml"),
        (TEXT.replace('"cooking"', '"broken"'), ConflictError, r"There is a file .*broken\.toml already"),
        (TEXT.replace('"cooking"', '"other"'), ConflictError, r"There is a file .*other\.toml already"),
    ],
)
def test_what_cant_be_added_changes_nothing(
    shelf: TaskShelf,
    owner: User,
    household: Household,
    write_task: WriteTask,
    text: str,
    kind: type[FamilychatError],
    words: str,
) -> None:
    write_task("baking", file="other")
    folder = write_task("wrong", file="broken", more="promt = 1").parent
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(kind, match=words):
        shelf.add(owner, text)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert audited(household, owner) == []


def test_a_wrong_edit_leaves_the_old_one(shelf: TaskShelf, owner: User, write_task: WriteTask) -> None:
    path = write_task("baking")
    before = path.read_text()
    with pytest.raises(InvalidInputError, match="temperature must be a number"):
        shelf.edit(owner, "baking", before + "temperature = 9\n")
    with pytest.raises(InvalidInputError, match="The task baking keeps its name"):
        shelf.edit(owner, "baking", TEXT)
    with pytest.raises(ConflictError, match="changed by somebody else meanwhile"):
        shelf.edit(owner, "baking", before + "top_p = 0.5\n", before="something older")
    with pytest.raises(ConflictError, match="The task homework isn't one of your own"):
        shelf.edit(owner, "homework", TEXT)
    with pytest.raises(ConflictError, match="isn't one of your own"):
        shelf.remove(owner, "general")
    with pytest.raises(TaskError, match="There is no task nothing"):
        shelf.remove(owner, "nothing")
    assert path.read_text() == before


def test_a_broken_file_is_mended_or_removed(
    shelf: TaskShelf, owner: User, household: Household, write_task: WriteTask, folder: Path
) -> None:
    path = write_task("story")  # a clash
    with pytest.raises(ConflictError, match="There is a task general already"):
        shelf.edit(owner, "story", TEXT.replace('"cooking"', '"general"'))
    household.task_shelf.switch(owner, "story", off=True)
    shelf.edit(owner, "story", TEXT)
    assert shelf.get(owner, "cooking").known.place == str(path)
    write_task("story", file="again")
    shelf.remove(owner, "again")
    (folder / "bad.toml").write_bytes(b"\xff")
    assert shelf.own(owner, "bad").text is None
    shelf.remove(owner, "bad")
    write_task("twin", file="one")
    write_task("twin", file="two")
    with pytest.raises(ConflictError, match=r"Several files say that they are twin.*one or two"):
        shelf.remove(owner, "twin")
    shelf.remove(owner, "two")
    assert shelf.get(owner, "twin").known.task.title == "Cooking"
    assert shelf.problems() == []
    assert not shelf.get(owner, "story").on, "the shipped one stays switched off"


def test_a_link_isnt_followed(shelf: TaskShelf, owner: User, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.toml"
    outside.write_text(TEXT)
    (folder / "cooking.toml").symlink_to(outside)
    with pytest.raises(ConflictError, match="is a link"):
        shelf.edit(owner, "cooking", TEXT + "top_p = 0.5\n")
    with pytest.raises(ConflictError, match="There is a file"):
        shelf.add(owner, TEXT)
    shelf.remove(owner, "cooking")
    assert outside.read_text() == TEXT


def test_a_folder_that_cant_be_written_leaves_no_trace(
    shelf: TaskShelf, owner: User, household: Household, data_dir: Path
) -> None:
    (data_dir / "tasks").symlink_to("/proc/self")  # where nobody makes files, root neither
    with pytest.raises(StoreError):
        shelf.add(owner, TEXT)
    assert audited(household, owner) == []


def test_broken_and_unknown_tasks_are_switched_or_named(
    shelf: TaskShelf, owner: User, write_task: WriteTask, household: Household
) -> None:
    path = write_task("baking")
    assert shelf.switch(owner, "baking", off=True)
    path.unlink()
    assert shelf.switch(owner, "baking", off=False), "what is gone can be forgotten"
    with pytest.raises(TaskError, match="There is no task baking"):
        shelf.switch(owner, "baking", off=True)
    assert TaskStateStore(household.database).all_off() == frozenset()


def test_letter_case_doesnt_matter_for_what_is_switched_off(household: Household) -> None:
    states = TaskStateStore(household.database)
    states.switch("Chess", off=True, at="2026")
    assert states.is_off("CHESS")
    assert states.all_off() == {"chess"}


def test_of_two_who_add_the_same_one_gets_it(shelf: TaskShelf, owner: User, data_dir: Path) -> None:
    """Two front ends on one data folder, each with a connection of its own."""
    homes = [Household(Settings(data_dir=data_dir)) for _ in range(4)]
    results: list[str] = []

    def add(home: Household, number: int) -> None:
        try:
            home.task_shelf.add(owner, TEXT.replace("Cooking", f"Cooking {number}"))
            results.append("added")
        except ConflictError:
            results.append("refused")

    threads = [threading.Thread(target=add, args=(home, number)) for number, home in enumerate(homes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for home in homes:
        home.close()
    assert sorted(results) == ["added", "refused", "refused", "refused"]
    assert shelf.problems() == []
    assert [file.name for file in (data_dir / "tasks").iterdir()] == ["cooking.toml"]
