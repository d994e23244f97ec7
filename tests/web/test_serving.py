"""``familychat serve``: starting, the one-time setup link, and an orderly end."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from familychat.chat import NewConversation
from familychat.errors import FamilychatError
from familychat.events import Delta
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Status
from familychat.settings import Settings
from familychat.store.conversations import ConversationStore
from familychat.testing import FakeOpenAI, ManualClock, Script
from familychat_cli.testing import CommandLine
from familychat_web import create_app
from familychat_web.testing import Browser, served

PASSWORD = "quiet little river"
QUICKLY = 5.0
"""Seconds within which the server has to end."""


@contextmanager
def serving(cli: CommandLine, *flags: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """``familychat serve`` on a free port; gives the process and its address, and ends it if it still runs."""
    with cli.start("serve", "--port", "0", *flags) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()[-1].decode()
        finally:
            process.kill()


def test_setup_sign_in_and_the_end(cli: CommandLine) -> None:
    with serving(cli) as (process, address):
        assert process.stdout is not None
        assert b"it works once" in process.stdout.readline()
        link = process.stdout.readline().decode().strip()
        assert re.fullmatch(re.escape(address) + r"/setup/[\w-]{43}", link)
        path = link.removeprefix(address)
        with closing(Browser(address)) as browser:
            assert browser.get(path[:-1] + "~").status_code == 404
            browser.get(path)
            assert browser.post(path, username="mum", password="short", again="short").status_code == 422
            assert browser.post(path, username="mum", password=PASSWORD, again=PASSWORD + "!").status_code == 422
            done = browser.post(path, username="mum", password=PASSWORD, again=PASSWORD)
            assert (done.status_code, done.headers["location"]) == (303, "/")
            assert "Mum</h1>" in browser.get("/").text
            assert browser.get(path).status_code == 404
            assert browser.post(path, username="me", password=PASSWORD, again=PASSWORD).status_code == 404
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - began < QUICKLY
        assert (process.returncode, out, err) == (0, b"", b"")
    assert cli("whoami").code == 4, "the terminal asks for the password, too"
    with serving(cli) as (process, _):
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        assert b"/setup/" not in out
        assert process.returncode == 0


def test_the_link_is_good_only_while_nobody_can_sign_in(data_dir: Path) -> None:
    with served(create_app(Settings(data_dir=data_dir))) as running:
        link, home = running.app.state.site.setup_link, running.home
        path = link.path(home) or ""
        owner = home.accounts.people.all()[0]
        browser = running.browser()
        assert browser.get(path).status_code == 200
        home.accounts.set_password(owner, owner.username, PASSWORD)
        assert link.path(home) is None
        assert browser.get(path).status_code == 404
        assert browser.post(path, username="me", password=PASSWORD, again=PASSWORD).status_code == 404


def test_two_at_once_cant_both_use_it(data_dir: Path) -> None:
    with served(create_app(Settings(data_dir=data_dir))) as running:
        link, home = running.app.state.site.setup_link, running.home
        token = (link.path(home) or "").removeprefix("/setup/")
        name = home.accounts.people.all()[0].username

        def use(password: str) -> bool:
            try:
                link.use(home, token, name, password)
            except FamilychatError:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(use, [PASSWORD, PASSWORD + "!"])) == [False, True]


def test_a_name_that_is_taken_changes_nothing_and_the_link_stays_good(data_dir: Path) -> None:
    with served(create_app(Settings(data_dir=data_dir))) as running:
        link, home = running.app.state.site.setup_link, running.home
        path = link.path(home) or ""
        owner = home.accounts.people.all()[0]
        browser = running.browser()
        browser.get(path)
        assert browser.post(path, username="a b", password=PASSWORD, again=PASSWORD).status_code == 422
        assert browser.post(path, username="mum", password="password", again="password").status_code == 422
        assert home.accounts.people.all() == [owner]
        assert browser.post(path, username="mum", password=PASSWORD, again=PASSWORD).status_code == 303


def test_what_is_slow_or_stays_open_doesnt_hold_up_the_end(cli: CommandLine) -> None:
    with serving(cli) as (process, address), httpx.Client(base_url=address) as client:
        assert client.get("/health/ready").status_code == 200  # and its connection stays open
        host, _, port = address.removeprefix("http://").rpartition(":")
        head = f"POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        with socket.create_connection((host, int(port))) as half_sent:
            half_sent.sendall(f"{head}Content-Length: 100\r\n\r\nnext=".encode())
            assert client.get("/health/ready").status_code == 200
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
            assert time.monotonic() - began < QUICKLY
        assert process.returncode == 0


@pytest.mark.anyio
async def test_answers_under_way_are_stopped_and_kept(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, server_kind="openai", server_url="http://fake", titles="words")
    fake = FakeOpenAI(Script(pieces=["word "] * 1000, delay=0.01))
    app = create_app(settings, household=lambda given: Household(given, servers=ServerChoice(given, fake.transport())))
    async with app.lifespan():
        home: Household = app.state.site.household
        running = home.chat.start(home.accounts.people.all()[0], NewConversation(), "Hello")
        async for event in running.follow():
            if isinstance(event, Delta):
                break
    with closing(sqlite3.connect(data_dir / "familychat.db")) as connection:
        [(status, content)] = connection.execute("SELECT status, content FROM messages WHERE author = 'assistant'")
    assert status in {Status.STOPPED.value, Status.PARTIAL.value}
    assert content.startswith("word")


def test_the_trash_is_emptied_as_time_goes_by(data_dir: Path) -> None:
    clock = ManualClock()
    app = create_app(
        Settings(data_dir=data_dir), household=lambda given: Household(given, clock=clock), tidy_every=0.05
    )
    with served(app) as running:
        home = running.home
        owner = home.accounts.people.all()[0]
        made = ConversationStore(home.database).add(owner.id, "2026-01-31T18:00:00.000Z", title="Old", task="general")
        home.conversations.delete(owner, made)
        assert len(home.conversations.trash(owner)) == 1
        clock.move(days=31)
        until = time.monotonic() + 20
        while home.conversations.trash(owner) and time.monotonic() < until:
            time.sleep(0.02)
        assert home.conversations.trash(owner) == []


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--host", "192.0.2.1"], 5, "can't be used"),
        (["--host", "no.such.host.invalid"], 2, "no address"),
        (["--tls-cert", "missing.pem"], 2, "Give both"),
        (["--tls-cert", "missing.pem", "--tls-key", "missing.pem"], 2, "can't be used with the key"),
    ],
)
def test_what_cannot_be_served_is_said_plainly(cli: CommandLine, flags: list[str], code: int, words: str) -> None:
    result = cli("serve", "--port", "0", *flags)
    assert result.code == code, result.err
    assert words in result.err


def test_a_port_that_is_taken(cli: CommandLine) -> None:
    with serving(cli) as (_, address):
        result = cli("serve", "--port", address.rpartition(":")[2])
    assert result.code == 5
    assert "--port" in result.err


def test_a_household_that_cannot_be_opened(cli: CommandLine, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    (data_dir / "familychat.db").write_bytes(b"this is no database at all, " * 100)
    result = cli("serve", "--port", "0")
    assert result.code == 8
    assert "familychat.db" in result.err
