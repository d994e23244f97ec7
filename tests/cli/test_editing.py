"""The person's own editor: which one is started, and what becomes of the text when that goes wrong."""

from __future__ import annotations

import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from familychat.errors import InvalidInputError
from familychat_cli.editing import edited


@pytest.fixture
def editor(tmp_path: Path) -> Callable[[str], str]:
    """A command that adds a line to the file it is given and then runs a statement."""

    def command(statement: str) -> str:
        script = tmp_path / "my editor.py"
        script.write_text(
            f"import pathlib, sys\nwith open(sys.argv[-1], 'a') as file:\n    file.write('b')\n{statement}"
        )
        return f"{sys.executable} '{script}' --quietly"

    return command


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the copies lie, and no editor."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_a_private_copy_is_changed(editor: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", editor(""))
    copy = edited("ä\r\n", "cooking.toml")
    assert copy.name == "cooking.toml"
    assert copy.read_bytes() == "ä\r\nb".encode(), "not even its line ends are others"
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("ending", ["sys.exit(3)", "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)"])
def test_what_was_written_is_kept_when_the_editor_fails(
    editor: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setenv("VISUAL", editor(ending))
    with pytest.raises(InvalidInputError, match=r"ended with an error. Nothing was changed") as failed:
        edited("a", "cooking.toml")
    assert Path(failed.value.hint.rpartition("kept in ")[2]).read_text() == "ab"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "No editor is set"),
        ("  ", "No editor is set"),
        ("/no/such/editor", "can't be started. Nothing was changed"),
        ("vi 'unfinished", "can't be started. Nothing was changed"),
        ("no-such-editor; touch started;", "can't be started. Nothing was changed"),
    ],
)
def test_an_editor_that_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch, temporary: Path, command: str, words: str
) -> None:
    monkeypatch.chdir(temporary)
    monkeypatch.setenv("EDITOR", command)
    with pytest.raises(InvalidInputError, match=words):
        edited("a", "cooking.toml")
    assert list(temporary.iterdir()) == []
