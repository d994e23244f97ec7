"""Conversations at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from familychat_cli.testing import CommandLine

pytestmark = pytest.mark.embedded


@pytest.fixture
def three(cli: CommandLine, with_model: Path) -> list[str]:
    """The ids of three conversations, oldest first, each with a question and an answer."""
    asked = ("First about apples", "Second about pears", "Third about plums")
    folder = cli.folder / "chats"
    folder.mkdir()
    for number, text in enumerate(asked):
        at = f"2026-01-0{number + 1}T10:00:00"
        messages = [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}]
        chat = {"model": "tiny", "created_at": at, "updated_at": at, "messages": messages}
        (folder / f"{text}.json").write_text(json.dumps(chat))
    assert cli("import", "chats").code == 0
    rows = cli("conversations", "list", "--json").json()
    return [row["id"] for row in reversed(rows)]


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


# -- organising


def test_pins_folders_and_the_archive(cli: CommandLine, three: list[str]) -> None:
    assert "on top of the list" in cli("conversations", "pin", "apples").out
    assert titles(cli) == ["First about apples", "Third about plums", "Second about pears"]
    assert "* First about apples" in cli("conversations", "list").out
    cli("conversations", "pin", "apples", "--off")
    assert cli("conversations", "move", "pears", "Fruit").out == "Second about pears is in Fruit now.\n"
    assert cli("conversations", "folders", "--json").json() == {"Fruit": 1}
    assert [one["title"] for one in cli("conversations", "list", "--folder", "Fruit", "--json").json()] == [
        "Second about pears"
    ]
    cli("conversations", "archive", "plums")
    assert titles(cli) == ["Second about pears", "First about apples"]
    assert [one["title"] for one in cli("conversations", "list", "--archived", "--json").json()] == [
        "Third about plums"
    ]
    cli("conversations", "archive", "plums", "--off")
    cli("conversations", "move", "pears")
    assert cli("conversations", "folders", "--json").json() == {}
    assert titles(cli) == ["Third about plums", "Second about pears", "First about apples"]


def test_many_at_once(cli: CommandLine, three: list[str]) -> None:
    assert cli("conversations", "bulk", "delete").code == 2, "never all by accident"
    assert cli("conversations", "bulk", "delete", "--title", "about").code == 2, "asks first"
    dry = cli("conversations", "bulk", "delete", "--title", "second", "--dry-run").out
    assert "Second about pears" in dry
    assert "First" not in dry
    assert len(titles(cli)) == 3
    assert cli("conversations", "bulk", "move", "--to", "Fruit", "--all", "--yes").code == 0
    assert cli("conversations", "folders", "--json").json() == {"Fruit": 3}
    assert cli("conversations", "bulk", "archive", "--title", "second", "--yes").code == 0
    assert cli("conversations", "bulk", "delete", "--until", "2001-01-01", "--yes").out.strip() == ""
    assert cli("conversations", "bulk", "delete", "--folder", "Fruit", "--yes").code == 0
    assert titles(cli) == []
    assert cli("conversations", "bulk", "unarchive", "--all", "--yes").code == 0
    assert titles(cli) == ["Second about pears"]
    assert cli("conversations", "bulk", "delete", "--since", "someday", "--yes").code == 2


def test_how_long_they_are_kept(cli: CommandLine, three: list[str]) -> None:
    assert "until you delete them" in cli("conversations", "retention").out
    assert "30 days" in cli("conversations", "retention", "30").out
    assert "Nothing would be deleted" in cli("conversations", "retention", "--dry-run").err
    for bad in ("0", "soon", "9999999"):
        assert cli("conversations", "retention", bad).code == 2
    assert "until you delete them" in cli("conversations", "retention", "never").out


def test_a_fork(cli: CommandLine, three: list[str]) -> None:
    copy = cli("conversations", "fork", "apples", "--at", "1", "--json").json()
    messages = cli("conversations", "show", copy["id"], "--json").json()["messages"]
    assert [message["content"] for message in messages] == ["First about apples"]
    assert cli("conversations", "fork", three[1], "--at", "3").code == 2


# -- searching


def test_search(cli: CommandLine, three: list[str]) -> None:
    result = cli("search", "apples", "--json").json()
    assert [hit["conversation"]["id"] for hit in result["hits"]] == [three[0]]
    snippet = result["hits"][0]["snippet"]
    assert [snippet["text"][start:end] for start, end in snippet["marks"]] == ["apples"]
    assert result["after"] is None
    shown = cli("search", "pear*")
    assert "Second about pears" in shown.out
    loose = cli("search", "apples", "plums")
    assert loose.err.startswith("Nothing has all of these words")
    assert {"First about apples", "Third about plums"} <= {line[8:26].strip() for line in loose.out.splitlines()}
    assert cli("search", "apples", "plums", "--all-words").err == "Nothing was found.\n"
    assert [hit["conversation"]["id"] for hit in cli("search", "--json", "--", "about", "-apples").json()["hits"]] != []
    first = cli("search", "about", "--limit", "2", "--json").json()
    rest = cli("search", "about", "--limit", "2", "--after", first["after"], "--json").json()
    found = [hit["conversation"]["id"] for hit in first["hits"] + rest["hits"]]
    assert sorted(found) == sorted(three)
    assert cli("search", "about apples", "--json").json()["hits"][0]["conversation"]["id"] == three[0], "a phrase"
    for odd in ('"', "from:soon"):
        assert cli("search", odd).code == 2
