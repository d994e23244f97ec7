"""``familychat tasks`` as people use it: lists, changes by flags, files and editors, and plugins that are installed."""

from __future__ import annotations

import os
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from familychat_cli.testing import COMMAND, CommandLine

AddPerson = Callable[..., None]
PASSWORD = "quiet little river"
COOKING = ("--title", "Cooking", "--description", "What to cook", "--prompt", "Cook well.")
GROUP = "familychat.tasks"


@pytest.fixture
def folder(data_dir: Path) -> Path:
    return data_dir / "tasks"


@pytest.fixture
def editor(tmp_path: Path) -> Callable[[str], str]:
    """A command that replaces words in the file it is given: ``editor("old=new")``."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\nold, new = sys.argv[1].split('=')\npath = pathlib.Path(sys.argv[2])\n"
        "path.write_text(path.read_text().replace(old, new))\n"
    )
    return lambda words: f"{sys.executable} {script} {words}"


def names(cli: CommandLine) -> list[str]:
    return [task["name"] for task in cli("tasks", "list", "--json").json()["tasks"]]


def test_the_list_says_what_there_is_and_who_may_use_it(cli: CommandLine, add_person: AddPerson) -> None:
    listed = cli("tasks", "list").out
    assert "Bedtime story" in listed
    found = {task["name"]: task for task in cli("tasks", "list", "--json").json()["tasks"]}
    assert {name: found[name]["allowed"] for name in ("general", "homework", "music", "story")} == {
        "general": True,
        "homework": True,
        "music": False,
        "story": True,
    }
    assert found["story"]["origin"] == "program"
    assert cli("tasks", "disable", "story").code == 0
    assert "story was off already" in cli("tasks", "disable", "story").out
    add_person("child", PASSWORD)
    assert cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    assert "switched off" in cli("tasks", "list").out
    refused = cli("ask", "--task", "story", "Tell me one")
    assert refused.code == 4
    assert "The task story is switched off." in refused.err
    for command in (["enable", "story"], ["add", "cooking", *COOKING], ["remove", "story"], ["edit", "story"]):
        refused = cli("tasks", *command)
        assert refused.code == 4
        assert "Only an admin" in refused.err


def test_adding_editing_and_removing_by_flags(cli: CommandLine, folder: Path) -> None:
    more = ("--opening", "Hungry?", "--suggest", "Eggs", "--suggest", "Rice", "--temperature", "0.5")
    added = cli("tasks", "add", "cooking", *COOKING, *more)
    assert "familychat admin grant everyone task:cooking" in added.out
    file = folder / "cooking.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = cli("tasks", "show", "cooking", "--json").json()
    assert (shown["opening"], shown["suggestions"], shown["system_prompt"]) == (
        "Hungry?",
        ["Eggs", "Rice"],
        "Cook well.",
    )
    assert shown["defaults"]["parameters"]["temperature"] == 0.5
    assert cli("tasks", "edit", "cooking", "--opening", "", "--suggest", "", "--top-p", "0.9").code == 0
    assert tomllib.loads(file.read_text()) == {
        "name": "cooking",
        "title": "Cooking",
        "description": "What to cook",
        "system_prompt": "Cook well.",
        "temperature": 0.5,
        "top_p": 0.9,
    }
    unsure = cli("tasks", "remove", "cooking")
    assert unsure.code == 2
    assert "--yes" in unsure.err
    assert cli("tasks", "remove", "cooking", "--yes").code == 0
    assert not file.exists()
    actions = [entry["action"] for entry in cli("admin", "audit", "--json").json()]
    assert actions[:3] == ["task.remove", "task.edit", "task.add"]


def test_adding_from_a_file_keeps_it_as_it_is(cli: CommandLine, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine.toml"
    source.write_bytes(cli("tasks", "show", "story", "--toml").out.encode() + b"# ours\n")
    assert cli("tasks", "add", "--from", str(source)).code == 5, "the name is taken"
    assert cli("tasks", "add", "my-story", "--from", str(source)).code == 0
    assert (folder / "my-story.toml").read_text() == source.read_text().replace('"story"', '"my-story"')
    prompt = tmp_path / "prompt.txt"
    prompt.write_bytes(b"First.\r\nSecond.\r\n")
    assert cli("tasks", "edit", "my-story", "--prompt-file", str(prompt)).code == 0
    assert cli("tasks", "show", "my-story", "--json").json()["system_prompt"] == "First.\nSecond."
    assert "# ours" in (folder / "my-story.toml").read_text()
    assert cli("tasks", "show", "general", "--toml").code == 2


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["add", "cooking", "--title", "T"], 2, "the key description is missing"),
        (["add", "Two Words", *COOKING], 2, "name must be a word"),
        (["add", "homework", *COOKING], 5, "There is a task homework already"),
        (["add", "cooking", *COOKING, "--temperature", "9"], 2, "temperature must be a number from 0 to 2"),
        (["add", "--from", "nowhere.toml"], 2, "nowhere.toml can't be read: No such file"),
        (["add", "--from", "."], 2, "isn't an ordinary file"),
        (["add", "cooking", *COOKING, "--prompt-file", "x"], 2, "not both"),
        (["edit", "homework", "--title", "T"], 5, "isn't one of your own"),
        (["show", "nothing"], 10, "There is no task nothing"),
        (["disable", "nothing"], 10, "There is no task nothing"),
    ],
)
def test_what_cant_be_done_says_why(cli: CommandLine, folder: Path, args: list[str], code: int, words: str) -> None:
    refused = cli("tasks", *args)
    assert (refused.code, refused.out) == (code, "")
    assert words in refused.err
    assert not folder.exists()


def test_editing_in_an_editor_loses_nothing(
    cli: CommandLine, folder: Path, editor: Callable[[str], str], tmp_path: Path
) -> None:
    cli = cli.using(TMPDIR=str(tmp_path))
    assert cli("tasks", "add", "cooking", *COOKING).code == 0
    file = folder / "cooking.toml"
    assert cli.using(EDITOR="false", VISUAL=editor("Cooking=Kitchen"))("tasks", "edit", "cooking").code == 0
    assert 'title = "Kitchen"' in file.read_text()
    assert "Nothing was changed" in cli.using(EDITOR=editor("zzz=y"))("tasks", "edit", "cooking").out
    before = file.read_text()
    wrong = cli.using(EDITOR=editor("title=titel"))("tasks", "edit", "cooking")
    assert wrong.code == 2
    assert "there is no key titel" in wrong.err
    assert file.read_text() == before
    kept = Path(wrong.err.rpartition("--from ")[2].strip())
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    kept.write_text(kept.read_text().replace("titel", "title").replace("Kitchen", "Pots"))
    assert cli("tasks", "edit", "cooking", "--from", str(kept)).code == 0
    assert 'title = "Pots"' in file.read_text()
    failed = cli.using(EDITOR="false")("tasks", "edit", "cooking")
    assert failed.code == 2
    assert Path(failed.err.rpartition("kept in ")[2].strip()).read_text() == file.read_text()
    assert "No editor is set" in cli("tasks", "edit", "cooking").err
    assert "can't be started" in cli.using(EDITOR="/no/such/editor")("tasks", "edit", "cooking").err


def test_a_broken_file_is_named_and_mended(
    cli: CommandLine, folder: Path, editor: Callable[[str], str], tmp_path: Path
) -> None:
    cli = cli.using(TMPDIR=str(tmp_path))
    assert cli("tasks", "add", "cooking", *COOKING).code == 0
    (folder / "wrong.toml").write_text((folder / "cooking.toml").read_text().replace("title", "titel"))
    (folder / "latin.toml").write_bytes(b"# \xe4\n")
    listed = cli("tasks", "list")
    assert listed.code == 0
    assert "cooking" in listed.out
    assert "wrong.toml can't be a task: there is no key titel" in listed.err
    assert "there is no key titel" in cli("ask", "--task", "wrong", "hello").err
    assert "isn't UTF-8" in cli.using(EDITOR=editor("a=b"))("tasks", "edit", "latin").err
    assert cli("tasks", "remove", "latin", "--yes").code == 0
    assert cli.using(EDITOR=editor("titel=title"))("tasks", "edit", "wrong").code == 5, "the name is taken, too"
    (folder / "wrong.toml").write_text((folder / "wrong.toml").read_text().replace("cooking", "baking"))
    assert cli.using(EDITOR=editor("titel=title"))("tasks", "edit", "wrong").code == 0
    assert {"baking", "cooking"} <= set(names(cli))
    assert cli("tasks", "list", "--json").json()["problems"] == []


def test_plugins_that_are_installed(cli: CommandLine, tmp_path: Path, with_model: Path) -> None:
    site = tmp_path / "site"
    example = Path(__file__).parents[2] / "contrib" / "example-task"
    entries = tomllib.loads((example / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    for package, points in (("familychat_dice", entries), ("unlucky", {"unlucky": "unlucky_plugin:Task"})):
        about = site / f"{package}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {value}" for name, value in points.items())
        (about / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}\n")
    (site / "unlucky_plugin.py").write_text("raise RuntimeError('no luck today')\n")
    installed = cli.using(PYTHONPATH=os.pathsep.join([str(site), str(example), *sys.path]))
    listed = installed("tasks", "list")
    assert "familychat_dice 1.0" in listed.out
    assert "The task unlucky (from unlucky_plugin:Task) is broken: RuntimeError: no luck today." in listed.err
    assert installed("admin", "grant", "everyone", "task:dice").code == 0
    assert installed("admin", "grant", "everyone", "task:unlucky").code == 0
    assert installed("ask", "--task", "unlucky", "hello").code == 10
    answer = installed("ask", "--task", "dice", "Who goes first: cat or cat?", "--max-tokens", "5")
    assert answer.out.startswith("**cat**"), answer.err


@pytest.mark.embedded
def test_a_conversation_opens_with_the_tasks_line(cli: CommandLine, with_model: Path) -> None:
    child = pexpect.spawn(
        sys.executable,
        [*COMMAND[1:], "chat", "--task", "story"],
        env={**cli.env, "TERM": "xterm-256color"},
        encoding="utf-8",
        dimensions=(40, 130),
        timeout=60,
    )

    def expect(text: str) -> None:
        while child.expect([text, r"\x1b\[6n"]) == 1:
            child.send("\x1b[1;1R")  # as a terminal answers where its cursor is

    expect("Are you snug in bed")
    expect("A story about a night train to the moon")
    expect(r"\x1b\[\?2004h")
    child.send("/task\r")
    expect("Bedtime story")
    expect("It is story now")
    child.send("/task homework\r")
    expect("The next question is one for homework")
    expect("how far you got")
    expect(r"\x1b\[\?2004h")
    child.sendcontrol("d")
    expect("See you soon!")
    child.close(force=True)
