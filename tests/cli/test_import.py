"""``familychat import`` as people use it: files and folders, told plainly, killed in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from familychat_cli.testing import COMMAND, CommandLine


def plain(text: str, number: int = 0) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": f"About {text}"}]
    return {"model": "maker/tiny", "created_at": f"2024-05-01T10:00:{number % 60:02}", "messages": messages}


def claude(number: int) -> dict[str, Any]:
    said = [{"uuid": f"{number}-{place}", "sender": "human", "text": f"plum {number}"} for place in range(20)]
    return {"uuid": str(number), "name": f"Talk {number}", "chat_messages": said}


def test_a_folder_comes_in_and_only_once(cli: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    for number, name in enumerate(("Apples", "Pears")):
        (folder / f"{name}.json").write_text(json.dumps(plain(name, number)))
    (folder / "conversations.json").write_text("nonsense")
    result = cli("import", str(folder))
    assert result.code == 0
    assert "Apples.json (plain): 1 conversation came in." in result.out
    assert "2 conversations came in." in result.out
    assert "conversations.json isn't readable JSON" in result.err
    assert {row["title"] for row in cli("conversations", "list", "--json").json()} == {"Apples", "Pears"}
    again = cli("import", str(folder), "--json").json()
    assert [(one["added"], one["here"]) for one in again if not one["refused"]] == [(0, 1), (0, 1)]
    assert cli("search", "apples", "--json").json()["hits"][0]["conversation"]["title"] == "Apples"


def test_a_dry_run_changes_nothing(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "conversations.json").write_text(json.dumps([claude(1), {"name": "Odd", "chat_messages": 7}]))
    result = cli("import", "conversations.json", "--dry-run")
    assert result.out == "conversations.json (Claude): 1 conversation would come in.\n"
    assert result.err == "  left out: Odd. It has no messages.\n"
    assert cli("conversations", "list", "--json").json() == []


def test_what_cannot_be_read(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name, code in (("picture.json", 2), ("nothing.json", 3)):
        result = cli("import", name)
        assert result.code == code
        assert "Traceback" not in result.err


def test_out_and_in_again_is_the_same(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "conversations.json").write_text(json.dumps([claude(number) for number in range(3)]))
    cli("import", "conversations.json")
    assert cli("export", "--all", "--to", "first.json").code == 0
    assert cli("conversations", "bulk", "delete", "--all", "--yes").code == 0
    assert cli("trash", "empty", "--yes").code == 0
    assert cli("import", "first.json").out == "first.json (familychat): 3 conversations came in.\n"
    assert cli("export", "--all", "--to", "second.json").code == 0
    assert (tmp_path / "second.json").read_bytes() == (tmp_path / "first.json").read_bytes()


def test_killed_in_the_middle_leaves_whole_conversations(cli: CommandLine, tmp_path: Path) -> None:
    count = 3_000
    (tmp_path / "conversations.json").write_text(json.dumps([claude(number) for number in range(count)]))
    cli("conversations", "list")
    process = subprocess.Popen(
        [*COMMAND, "import", "conversations.json"], env=cli.env, cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    here = 0
    while not here and process.poll() is None:
        here = len(cli("conversations", "list", "--limit", "100000", "--json").json())
    process.send_signal(signal.SIGKILL)
    process.wait()
    rows = cli("conversations", "list", "--limit", "100000", "--json").json()
    assert rows
    first = cli("conversations", "show", rows[-1]["id"], "--json").json()
    assert len(first["messages"]) == 20
    assert cli("db", "check").code == 0
    (report,) = cli("import", "conversations.json", "--json").json()
    assert report["here"] == len(rows)
    assert report["added"] == count - len(rows)
