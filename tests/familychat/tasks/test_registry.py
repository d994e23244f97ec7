"""Tasks from everywhere: who wins a name, and that what is broken is named and harms nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from familychat.errors import TaskError
from familychat.events import Delta, Event
from familychat.household import Household
from familychat.models import User
from familychat.store.database import Database
from familychat.tasks.base import Task, defaults_of, opening_of, suggestions_for, suggestions_of
from familychat.tasks.registry import GROUP, Origin, TaskRegistry
from familychat.turn import Turn

WriteTask = Callable[..., Path]
WritePlugin = Callable[..., EntryPoint]


def test_what_is_installed_and_shipped_comes_with_the_program() -> None:
    found = {known.task.name: known for known in TaskRegistry().all() if known.origin is Origin.PROGRAM}
    assert {"general", "homework", "music", "story"} <= set(found)
    assert found["general"].text is None
    assert "name = " in str(found["story"].text)
    assert opening_of(found["general"].task) == ""
    assert len(suggestions_of(found["general"].task)) == 4
    assert defaults_of(found["story"].task).parameters.temperature == 0.9
    assert getattr(found["homework"].task, "continues", False)


def test_suggestions_for_a_person_may_be_made_and_may_fail(household: Household, owner: User) -> None:
    class Suggesting:
        name = title = description = "suggesting"
        suggestions = ("The same for all",)

        async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
            yield Delta(turn.question.content)

    class ForOne(Suggesting):
        def suggestions_for(self, database: Database, user: User, language: str) -> list[str]:
            return [f"{user.username} in {language}"]

    class Broken(Suggesting):
        def suggestions_for(self, database: Database, user: User, language: str) -> list[str]:
            raise RuntimeError

    def made(task: Task) -> tuple[str, ...]:
        return suggestions_for(task, household.database, owner, "de")

    assert made(Suggesting()) == ("The same for all",)
    assert made(ForOne()) == (f"{owner.username} in de",)
    assert made(Broken()) == ()


def test_a_file_is_there_at_once_and_gone_at_once(write_task: WriteTask, folder: Path) -> None:
    registry = TaskRegistry((), folder=folder)
    with pytest.raises(TaskError, match="There is no task cooking"):
        registry.get("cooking")
    path = write_task("cooking")
    assert registry.find("cooking").place == str(path)
    write_task("cooking", title="Kitchen")
    assert registry.get("cooking").title == "Kitchen"
    path.unlink()
    assert "cooking" not in registry.names()


def test_a_folder_that_isnt_there_or_is_none(tmp_path: Path) -> None:
    assert TaskRegistry((), folder=tmp_path / "none").problems() == []
    (tmp_path / "file").touch()
    registry = TaskRegistry((), folder=tmp_path / "file")
    assert registry.get("story").title == "Bedtime story"
    assert "can't be read: Not a directory" in registry.problems()[0].message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("this is no Python", "SyntaxError"),
        ("Other = 1", "AttributeError"),
        ("Task = dict", "it isn't a task of that name"),
        ("class Task:\n    def __init__(self):\n        raise ValueError('mine')", "ValueError: mine"),
    ],
)
def test_a_broken_plugin_is_named_and_the_rest_works(write_plugin: WritePlugin, code: str, words: str) -> None:
    module = f"broken_{abs(hash(code))}"
    registry = TaskRegistry((write_plugin("bad", module, code=code), write_plugin("good", f"{module}_good")))
    assert [known.task.name for known in registry.all()] == ["good", "homework", "story"]
    (problem,) = registry.problems()
    assert problem.name == "bad"
    assert problem.message.startswith(f"The task bad (from {module}:Task) is broken: {words}")
    with pytest.raises(TaskError, match="is broken"):
        registry.get("bad")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    opening = 7", "must be text"),
        ("    @property\n    def opening(self):\n        raise ValueError('mine')", "ValueError: mine"),
        ("    suggestions = 'one'", "its suggestions must be several texts"),
        ("    suggestions = ('one', 2)", "must be text"),
        ("    defaults = {'temperature': 1}", "its defaults must be TaskDefaults"),
        (
            "    from familychat.models import Parameters\n    from familychat.tasks.base import TaskDefaults\n"
            "    defaults = TaskDefaults(parameters=Parameters(temperature=9))",
            "temperature can't be 9",
        ),
    ],
)
def test_a_plugin_with_a_wrong_attribute(write_plugin: WritePlugin, body: str, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        TaskRegistry((write_plugin("odd", f"odd_{abs(hash(body))}", body=body),)).get("odd")


def test_of_two_with_one_name_the_programs_wins(write_task: WriteTask, write_plugin: WritePlugin, folder: Path) -> None:
    write_task("story")
    write_task("chess", file="Chess")
    registry = TaskRegistry((write_plugin("Story", "clash_a"), write_plugin("chess", "clash_b")), folder=folder)
    assert (registry.find("story").origin, registry.find("chess").origin) == (Origin.PROGRAM, Origin.PLUGIN)
    assert [(problem.name, problem.message.split(" is left out: ")[1]) for problem in registry.problems()] == [
        ("Story", "familychat brings one of that name."),
        ("chess", "clash_b:Task brings one of that name."),
        ("story", "familychat brings one of that name."),
    ]
    with pytest.raises(TaskError, match="Story from clash_a:Task is left out"):
        registry.get("Story")


def test_two_of_the_same_kind_are_both_left_out(write_task: WriteTask, write_plugin: WritePlugin, folder: Path) -> None:
    write_task("cooking", file="a")
    write_task("cooking", file="b")
    registry = TaskRegistry((write_plugin("chess", "twin_a"), write_plugin("chess", "twin_b")), folder=folder)
    assert [problem.name for problem in registry.problems()] == ["chess", "chess", "cooking", "cooking"]
    assert registry.names() == ["homework", "story"]
    with pytest.raises(TaskError, match=r"a\.toml is left out: .*b\.toml brings one of that name, too"):
        registry.get("cooking")


def test_files_that_cant_be_tasks_are_named(write_task: WriteTask, folder: Path, tmp_path: Path) -> None:
    good = write_task("cooking")
    (folder / "broken.toml").write_text("name = ")
    (folder / "bytes.toml").write_bytes(b"name = '\xff'")
    (folder / "folder.toml").mkdir()
    (folder / "huge.toml").write_text("#" * 64_001)
    (folder / "link.toml").symlink_to(good)
    (folder / "lost.toml").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.toml")
    write_task("wrong", more="promt = 'x'")
    (folder / ".hidden.toml").touch()
    (folder / "notes.txt").touch()
    registry = TaskRegistry((), folder=folder)
    assert registry.get("cooking").title == "Cooking"
    told = {problem.name: problem.message for problem in registry.problems()}
    words = {
        "broken": "it isn't valid TOML",
        "bytes": "it isn't UTF-8 text",
        "folder": "isn't an ordinary file",
        "huge": "it is over 64,000 bytes long",
        "link": "it is a link",
        "lost": "it is a link",
        "pipe": "isn't an ordinary file",
        "wrong": "there is no key promt",
    }
    assert told.keys() == words.keys()
    for name, part in words.items():
        assert part in told[name]
        assert f"{name}.toml" in told[name]
    with pytest.raises(TaskError, match="there is no key promt"):
        registry.get("wrong")


def test_a_file_that_may_not_be_read_is_named(write_task: WriteTask, folder: Path) -> None:
    write_task("cooking").chmod(0)
    script = (
        "import sys, pathlib\nfrom familychat.tasks.registry import TaskRegistry\n"
        "registry = TaskRegistry((), folder=pathlib.Path(sys.argv[1]))\n"
        "print([problem.message for problem in registry.problems()], registry.get('story').title)\n"
    )
    powerless = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*powerless, sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True
    )
    assert "cooking.toml can't be read: Permission denied." in done.stdout
    assert "Bedtime story" in done.stdout


def test_a_package_that_is_installed_brings_its_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "site" / "chess_task-2.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: chess-task\nVersion: 2.1\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nchess = no_such_chess:Task\n")
    nameless = tmp_path / "site" / "half_gone-1.0.dist-info"
    nameless.mkdir()
    (nameless / "entry_points.txt").write_text(f"[{GROUP}]\nhalf = no_such_half:Task\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry = TaskRegistry()
    assert {"chess", "half", "general"} <= set(registry.names())
    assert registry.claims("CHESS") == ("chess-task 2.1",)
    assert [problem.name for problem in registry.problems()] == ["chess", "half"]
