"""Promise 28: without a network, nothing tries to use one, save for the configured model server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from familychat_cli.testing import CommandLine

pytestmark = pytest.mark.embedded

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
