"""Promise 28: without a network, nothing tries to use one, save for the configured model server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from familychat import privacy
from familychat_cli.testing import CommandLine

GUARDED = """
import atexit, json, sys
attempts = []

def watch(event, args):
    # Python raises these for every look-up and connection, whichever library asks for it.
    if event in {"socket.connect", "socket.sendto"}:
        address = args[1]
        attempts.append(address if isinstance(address, str) else list(address[:2]))
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        attempts.append([args[0] if isinstance(args[0], str) else (args[0] or b"").decode(), 0])

sys.addaudithook(watch)
report = sys.argv.pop()
atexit.register(lambda: open(report, "w").write(json.dumps(attempts)))
from familychat_cli.main import main
main()
"""

HOME = {"localhost", "127.0.0.1", "::1"}


def attempts_of(cli: CommandLine, tmp_path: Path, *args: str, stdin: str = "") -> list[list[object]]:
    report = tmp_path / "attempts.json"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, *args, str(report)],
        input=stdin.encode(),
        capture_output=True,
        env=dict(cli.env),
        timeout=60,
        check=False,
    )
    assert report.exists(), done.stderr.decode()
    found: list[list[object]] = json.loads(report.read_text())
    return found


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("args", "stdin"),
    [
        (["chat"], "Hello\n/info\n/model\n/list\n"),
        (["ask", "Hello", "--max-tokens", "4"], ""),
        (["conversations", "list"], ""),
        (["models", "list"], ""),
        (["doctor"], ""),
        (["config", "show"], ""),
        (["db", "check"], ""),
        (["admin", "users", "list"], ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_only_this_computer_is_ever_asked(
    cli: CommandLine, with_model: Path, tmp_path: Path, args: list[str], stdin: str
) -> None:
    looking = cli.using(FAMILYCHAT_SERVER_KIND="auto")
    strangers = [a for a in attempts_of(looking, tmp_path, *args, stdin=stdin) if a[0] not in HOME]
    assert strangers == []


def test_the_guard_sees_a_connection(cli: CommandLine, tmp_path: Path) -> None:
    away = cli.using(
        FAMILYCHAT_SERVER_KIND="openai",
        FAMILYCHAT_SERVER_URL="http://192.0.2.1:1",
        FAMILYCHAT_SERVER_CONNECT_TIMEOUT="0.2",
    )
    assert ["192.0.2.1", 1] in attempts_of(away, tmp_path, "ask", "Hello")


# -- the main roads, with a scripted model server, and without any other network where the system allows that


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which every main road was walked, in a network namespace of its own if there can be one."""
    folder = tmp_path_factory.mktemp("roads")
    alone = ["unshare", "--map-root-user", "--net"]
    can = shutil.which("unshare") and subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    command = [sys.executable, str(Path(__file__).with_name("main_roads.py")), str(folder)]
    done = subprocess.run(
        [*alone, *command, "alone"] if can else command, capture_output=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_every_road_was_walked_to_its_end(walked: Path) -> None:
    ended = json.loads((walked / "ended.json").read_text())
    assert [one for one in ended if one[1] != 0] == []
    pages = [file.read_bytes() for file in walked.glob("out-*/*")]
    assert any(b"192.0.2.9" in page for page in pages), "what tempts was exported"


def test_nothing_but_the_model_server_was_contacted(walked: Path) -> None:
    server = urlsplit(json.loads((walked / "server.json").read_text()))
    attempts = [json.loads(line) for line in (walked / "attempts.jsonl").read_text().splitlines()]
    assert [server.hostname, str(server.port)] in attempts, "the watch sees connections"
    assert [one for one in attempts if one != [server.hostname, str(server.port)]] == []


def test_every_file_that_came_to_be_is_in_the_list_of_what_is_stored(walked: Path) -> None:
    there = sorted(path.name for path in (walked / "data").iterdir())
    assert {"familychat.db", "backups", "snapshots", "music", "terminal-session"} <= set(there)
    assert [name for name in there if privacy.place_of(name) is None] == []
    allowed = {"data", "watch", "songs.csv", "chat.json", "attempts.jsonl", "server.json", "ended.json"}
    left = {path.name for path in walked.iterdir() if not path.name.startswith("out-")}
    assert left - allowed <= {".cache"}, "nothing is left elsewhere in the home folder"
