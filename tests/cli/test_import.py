"""familychat import, as a process."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from familychat_cli.testing import CommandLine

SAMPLES = Path(__file__).parents[1] / "fixtures" / "conversations"


def chat(name: str, question: str = "Hi") -> dict[str, Any]:
    said = [{"sender": "human", "text": question}, {"sender": "assistant", "text": "Hello"}]
    return {"uuid": name, "name": name, "chat_messages": said}


def test_files_come_in_once(cli: CommandLine) -> None:
    files = [str(SAMPLES / "openwebui"), str(SAMPLES / "claude" / "conversations.json")]
    looked = cli("import", *files, "--dry-run")
    assert looked.code == 0
    assert looked.out.splitlines()[0].endswith("openwebui (Open WebUI): 2 conversations would come in.")
    assert "Nothing was stored" in looked.err
    assert cli("conversations", "list", "--json").json() == []
    came = cli("import", *files)
    assert came.code == 0
    assert came.out.splitlines()[1].endswith("conversations.json (Claude): 1 conversation came in, 1 skipped.")
    assert came.err == "  skipped number 2: It has no messages.\n"
    again = cli("import", *files)
    assert again.out.splitlines()[0].endswith("0 conversations came in, 2 were here already.")
    assert {one["title"] for one in cli("conversations", "list", "--json").json()} == {"Stars", "Night trains"}


def test_for_scripts(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\r\n")
    result = cli("import", "picture.json", str(SAMPLES / "claude"), "--json")
    assert result.code == 2
    picture, claude = result.json()["files"]
    assert "It is no JSON but a picture." in picture["refused"]
    assert (claude["refused"], claude["formats"], claude["added"]) == (None, ["Claude"], 1)
    assert claude["skipped"] == [{"name": "conversations.json, number 2", "reason": "It has no messages."}]


def test_what_cannot_be_taken(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_bytes(b"")
    for arguments in (["nothing.json"], ["empty.json"], ["empty.json", "--format", "gemini"], []):
        result = cli("import", *arguments)
        assert result.code == 2
        assert result.err
    assert "empty.json is empty." in cli("import", "empty.json").err


def test_many_skipped_ones_are_counted(cli: CommandLine, tmp_path: Path) -> None:
    empty = [{"name": f"chat {n}", "chat_messages": []} for n in range(25)]
    (tmp_path / "c.json").write_text(json.dumps(empty))
    lines = cli("import", "c.json").err.splitlines()
    assert len(lines) == 21
    assert lines[-1].strip() == "and 5 more"


def test_names_do_not_steer_the_terminal(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps([{"name": "a\x1b[31mb", "chat_messages": []}]))
    assert "\x1b" not in cli("import", "c.json").err


def test_killed_and_brought_in_again(cli: CommandLine, tmp_path: Path, data_dir: Path) -> None:
    """What is there after a kill is whole, and the same command brings the rest."""
    count = 6000
    (tmp_path / "c.json").write_text(json.dumps([chat(str(n), f"Question {n}") for n in range(count)]))
    cli("whoami")
    running = cli.start("import", "c.json")
    with contextlib.closing(sqlite3.connect(f"file:{data_dir}/familychat.db?mode=ro", uri=True)) as database:
        deadline = time.monotonic() + 60
        while not database.execute("SELECT count(*) FROM conversations").fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        assert running.returncode == -signal.SIGKILL
        here = database.execute("SELECT count(*) FROM conversations").fetchone()[0]
        halves = "SELECT count(*) FROM messages GROUP BY conversation_id HAVING count(*) <> 2"
        assert 0 < here < count
        assert database.execute(halves).fetchall() == []
    report = cli("import", "c.json", "--json").json()["files"][0]
    assert (report["added"], report["already_here"]) == (count - here, here)
    assert cli("db", "check").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only here can a running program's memory be capped")
def test_a_very_long_file_takes_little_memory(cli: CommandLine, tmp_path: Path) -> None:
    """200 MB of JSON by a program that may take less than that."""
    with (tmp_path / "c.json").open("w") as file:
        file.write("[")
        for number in range(200):
            file.write(("," if number else "") + json.dumps(chat(str(number), "x" * 1_000_000)))
        file.write("]")
    running = cli.start("import", "c.json")
    resource.prlimit(running.pid, resource.RLIMIT_DATA, (150_000_000, 150_000_000))
    out, err = running.communicate()
    assert (running.returncode, err) == (0, b"")
    assert b"200 conversations came in" in out
