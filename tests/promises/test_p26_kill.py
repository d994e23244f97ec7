"""Promise 26: kill -9 at any moment loses no acknowledged message and at most one second of a streaming answer."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from familychat_cli.testing import CommandLine

pytestmark = pytest.mark.embedded

KILLS = 10
LONGEST_LOSS_SECONDS = 1.0

STREAMER = """
import asyncio, json, os, sys, time
from familychat.chat import NewConversation
from familychat.events import Delta
from familychat.household import Household
from familychat.llm import embedded
from familychat.settings import load_settings
from familychat_cli.testing import TALKATIVE

async def main():
    embedded.DEFAULTS.update(TALKATIVE)
    home = Household(load_settings())
    user = home.accounts.people.all()[0]
    running = home.chat.start(user, NewConversation(), "Write a very long story. " + sys.argv[1])
    log = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(log, (json.dumps([0, running.conversation.id]) + "\\n").encode())
    async for event in running.follow():
        if isinstance(event, Delta):
            os.write(log, (json.dumps([time.monotonic(), event.text]) + "\\n").encode())

asyncio.run(main())
"""
"""Streams one answer with the real engine and writes into a file what came when."""


def _stream_and_kill(cli: CommandLine, text: str, seconds: float) -> tuple[str, list[tuple[float, str]], float]:
    """The conversation's id, the pieces that came with their times, and the time of the kill."""
    log = cli.folder / "log"
    log.unlink(missing_ok=True)
    process = subprocess.Popen([sys.executable, "-c", STREAMER, text, str(log)], env=dict(cli.env))
    while not log.exists() or log.read_bytes().count(b"\n") < 2:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(seconds)
    killed_at = time.monotonic()
    process.send_signal(signal.SIGKILL)
    process.wait()
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    return lines[0][1], [(float(at), piece) for at, piece in lines[1:]], killed_at


def test_ten_kills_in_mid_answer(cli: CommandLine, with_model: Path) -> None:
    acknowledged: list[str] = []
    for number in range(KILLS):
        conversation, seen, killed_at = _stream_and_kill(cli, f"Number {number}", 0.2 + 0.33 * number)
        acknowledged.append(conversation)
        stored = cli("conversations", "show", conversation, "--json").json()["messages"]
        assert stored[0]["content"] == f"Write a very long story. Number {number}"
        answer = stored[1]
        assert answer["status"] == "partial"
        # Everything that had come a second before the kill is there, letter by letter.
        safe = "".join(piece for at, piece in seen if at <= killed_at - LONGEST_LOSS_SECONDS)
        assert answer["content"].startswith(safe)
        assert "".join(piece for _at, piece in seen).startswith(answer["content"])
    listed = {row["id"] for row in cli("conversations", "list", "--json", "--limit", "50").json()}
    assert listed == set(acknowledged)
    assert cli("db", "check").code == 0


def test_the_next_start_goes_on_where_it_was_cut(cli: CommandLine, with_model: Path) -> None:
    _stream_and_kill(cli, "Once", 1.2)
    answer = cli("ask", "And then?", "--continue", "--json", "--max-tokens", "4").json()
    assert answer["status"] == "complete"
    messages = cli("conversations", "show", answer["conversation"], "--json").json()["messages"]
    assert [message["status"] for message in messages] == ["complete", "partial", "complete", "complete"]


def test_killed_at_the_very_first_start(cli: CommandLine, data_dir: Path) -> None:
    finished = cli("whoami")  # how long an undisturbed start takes, files read and all
    assert finished.code == 0
    began = time.monotonic()
    shutil.rmtree(data_dir)
    cli("whoami")
    whole = time.monotonic() - began
    for number in range(KILLS):
        shutil.rmtree(data_dir, ignore_errors=True)
        process = cli.start("whoami")
        time.sleep(whole * (0.4 + 0.06 * number))
        process.kill()
        process.communicate()
        assert cli("whoami").code == 0
        assert cli("db", "check").code == 0
