"""Conversations at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from familychat_cli.testing import CommandLine

pytestmark = pytest.mark.embedded


@pytest.fixture
def three(cli: CommandLine, with_model: Path) -> list[str]:
    """The ids of three conversations, oldest first."""
    questions = ("First about apples", "Second about pears", "Third about plums")
    return [cli("ask", text, "--json", "--max-tokens", "2").json()["conversation"] for text in questions]


def titles(cli: CommandLine) -> list[str]:
    return [row["title"] for row in cli("conversations", "list", "--json").json()]


def test_rename_never_reorders(cli: CommandLine, three: list[str]) -> None:
    assert titles(cli) == ["Third about plums", "Second about pears", "First about apples"]
    renamed = cli("conversations", "rename", three[0][-6:], "Apples", "--json").json()
    assert renamed["title"] == "Apples"
    assert titles(cli) == ["Third about plums", "Second about pears", "Apples"]
    assert cli("conversations", "rename", "Apples", "  ").code == 2
    cli("ask", "And more", "--conversation", "Apples", "--max-tokens", "2")
    assert titles(cli)[0] == "Apples"


def test_delete_and_bring_back(cli: CommandLine, three: list[str]) -> None:
    assert cli("conversations", "delete", three[1]).code == 0
    assert titles(cli) == ["Third about plums", "First about apples"]
    assert [row["title"] for row in cli("trash", "list", "--json").json()] == ["Second about pears"]
    assert cli("conversations", "show", three[1]).code == 3
    assert cli("trash", "restore", "pears").code == 0
    assert titles(cli) == ["Third about plums", "Second about pears", "First about apples"]
    cli("conversations", "delete", three[1])
    assert cli("trash", "empty").code == 2
    assert cli("trash", "empty", "--yes").code == 0
    assert cli("trash", "restore", "pears").code == 3


def test_show_for_people(cli: CommandLine, three: list[str]) -> None:
    shown = cli("conversations", "show", "apples").out
    assert shown.startswith("First about apples\n> First about apples\n")


def test_words_that_fit_several(cli: CommandLine, three: list[str]) -> None:
    result = cli("conversations", "show", "about")
    assert result.code == 2
    assert result.err.startswith("Several of your conversations are called about. Give the id: ")


def test_nobody_sees_anybody_elses(cli: CommandLine, three: list[str]) -> None:
    cli("admin", "users", "add", "child", "--admin", "--password-stdin", stdin="quiet little river\n")
    assert cli("login", "child", "--password-stdin", stdin="quiet little river\n").code == 0
    assert titles(cli) == []
    for command in ("show", "delete"):
        assert cli("conversations", command, three[0]).code == 3
    assert cli("conversations", "rename", three[0], "Mine").code == 3
    assert cli("ask", "Hi", "--conversation", three[0]).code == 3
    assert cli("chat", three[0], stdin="Hi\n").code == 3
    assert cli("logout").code == 0
    assert len(titles(cli)) == 3


def test_a_terminal_that_knows_few_letters(cli: CommandLine, three: list[str]) -> None:
    cli("conversations", "rename", three[0], "Äpfel 🍎")
    old = cli.using(PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="POSIX", PYTHONCOERCECLOCALE="0")
    result = old("conversations", "list")
    assert result.code == 0
    assert "?pfel" in result.out
