"""``familychat privacy``, held against the code, the settings and the database."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import familychat
import familychat_cli
import familychat_music
import familychat_web
from familychat import privacy
from familychat.household import Household
from familychat.settings import Settings
from familychat_cli.testing import CommandLine

OPENERS = (
    "httpx.AsyncClient", "httpx.Client", "httpx.get", "httpx.post", "httpx.put", "httpx.patch", "httpx.delete",
    "httpx.head", "httpx.options", "httpx.request", "httpx.stream", "httpx.HTTPTransport", "httpx.AsyncHTTPTransport",
    "httpcore.*", "requests.*", "aiohttp.*", "urllib3.*", "urllib.request.*", "http.client.*", "http.server.*",
    "socketserver.*", "ftplib.*", "smtplib.*", "imaplib.*", "poplib.*", "nntplib.*", "telnetlib.*", "xmlrpc.*",
    "websockets.*", "socket.*", "webbrowser.*", "subprocess.*", "multiprocessing.*", "pty.*", "xllamacpp.Server",
    "weasyprint.HTML", "weasyprint.CSS", "os.system", "os.popen", "os.spawn*", "os.posix_spawn*", "os.exec*",
    "os.fork*", "asyncio.open_connection", "asyncio.start_server", "asyncio.open_unix_connection",
    "asyncio.start_unix_server", "asyncio.create_subprocess_*",
)  # fmt: skip
"""Calls that open a connection, or start a program that may."""

METHODS = ("create_connection", "create_server", "create_datagram_endpoint", "create_unix_*", "subprocess_*", "sock_*")
"""The same on an event loop, whatever it is called there."""

HARMLESS = ("subprocess.DEVNULL", "subprocess.TimeoutExpired", "subprocess.CalledProcessError", "socket.gethostname")


def openers(source: str) -> Iterator[str]:
    """The calls in a source that open something, by their full names."""
    tree = ast.parse(source)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.asname or one.name.partition(".")[0]: one.name if one.asname else one.name.partition(".")[0]
                      for one in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        first, _, rest = ast.unparse(node.func).partition(".")
        name = ".".join(filter(None, (known.get(first, first), rest)))
        if name not in HARMLESS and any(fnmatch(name, opener) for opener in OPENERS):
            yield name
        elif isinstance(node.func, ast.Attribute) and any(fnmatch(node.func.attr, method) for method in METHODS):
            yield node.func.attr


def test_every_place_in_the_code_that_opens_something_is_listed() -> None:
    found = set()
    for package in (familychat, familychat_cli, familychat_web, familychat_music):
        folder = Path(package.__path__[0])
        for path in folder.rglob("*.py"):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            found |= {(name, opener) for opener in openers(path.read_text("utf-8"))}
    assert found == {(door.file, door.opener) for door in privacy.DOORS}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import httpx\nhttpx.get('x')", ["httpx.get"]),
        ("from httpx import AsyncClient as C\nC()", ["httpx.AsyncClient"]),
        ("import urllib.request\nurllib.request.urlopen('x')", ["urllib.request.urlopen"]),
        ("from urllib import request as r\nr.urlopen('x')", ["urllib.request.urlopen"]),
        ("import socket as s\ns.create_connection(('x', 1))", ["socket.create_connection"]),
        ("async def f(loop):\n    await loop.create_connection(None)", ["create_connection"]),
        ("import asyncio\nasyncio.open_connection('x', 1)", ["asyncio.open_connection"]),
        ("def f():\n    import subprocess\n    subprocess.run(['curl'])", ["subprocess.run"]),
        ("import os\nos.execvp('curl', [])", ["os.execvp"]),
        ("import httpx\nhttpx.Timeout(3)\nopen('x')\nself.get('y')", []),
    ],
)
def test_the_walk_sees_what_opens_something(source: str, found: list[str]) -> None:
    assert list(openers(source)) == found


def addresses(**values: object) -> list[str]:
    return [one.address for one in privacy.contacts(Settings(**values))]  # type: ignore[arg-type]


LOOKED_FOR = ["http://localhost:1234", "http://localhost:11434"]
PC = "http://192.168.1.20:1234"


@pytest.mark.parametrize(
    ("values", "listed"),
    [
        ({}, [*LOOKED_FOR, privacy.LOOPBACK, privacy.PACKAGE_INDEX]),
        ({"embedded_model": Path("own.gguf")}, [*LOOKED_FOR, privacy.LOOPBACK]),
        ({"server_kind": "lmstudio"}, LOOKED_FOR[:1]),
        ({"server_kind": "lmstudio", "server_url": PC}, [PC]),
        ({"server_kind": "ollama"}, LOOKED_FOR[1:]),
        ({"server_kind": "openai"}, []),
        ({"server_url": PC}, [PC]),
        ({"server_kind": "embedded", "server_url": PC}, [privacy.LOOPBACK, privacy.PACKAGE_INDEX]),
    ],
)
def test_the_addresses_follow_from_the_settings(values: dict[str, object], listed: list[str]) -> None:
    assert addresses(**values) == listed


def test_another_computer_is_called_one() -> None:
    [contact] = privacy.contacts(Settings(server_url=PC))
    assert not contact.stays_here
    assert "another computer" in contact.why
    assert privacy.contacts(Settings(server_kind="lmstudio"))[0].stays_here


def test_every_table_is_listed_and_every_listed_one_is_there(data_dir: Path) -> None:
    Household(Settings(data_dir=data_dir)).close()
    with sqlite3.connect(data_dir / "familychat.db") as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    listed = [table for kept in privacy.in_database(Settings(data_dir=data_dir)) for table in kept.tables]
    assert [table for table in tables if not any(fnmatch(table, one) for one in listed)] == []
    assert [one for one in listed if not any(fnmatch(table, one) for table in tables)] == []
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(("days", "words"), [(30, "30 days more in the trash"), (0, "until it is emptied")])
def test_how_long_follows_from_the_settings(days: int, words: str) -> None:
    assert words in privacy.in_database(Settings(trash_days=days))[0].how_long


def test_what_people_and_scripts_see(cli: CommandLine, data_dir: Path, tmp_path: Path) -> None:
    assert cli("config", "set", "titles", "words").code == 0
    assert cli("whoami").code == 0
    (data_dir / "holiday.txt").write_text("x" * 5000)
    (data_dir / "models").symlink_to("/usr")
    told = cli("privacy", "--json").json()
    assert [one["address"] for one in told["contacts"]] == [privacy.LOOPBACK, privacy.PACKAGE_INDEX]
    files = {one["what"]: one for one in told["files"]}
    assert files["the database: everything listed below"]["size"] >= (data_dir / "familychat.db").stat().st_size
    assert files[privacy.OTHER]["size"] == 5000
    assert files["the settings"]["where"] == str(tmp_path / "config.toml")
    assert files["the practice model"]["size"] == 0, "links aren't followed"
    shown = cli("privacy").out
    for sentence in (privacy.NO_PROTECTION, *privacy.NEVER):
        assert sentence in shown
    assert "holiday" not in shown


def test_it_works_before_there_is_anything_and_makes_nothing(cli: CommandLine, data_dir: Path) -> None:
    assert cli("privacy").code == 0
    assert not data_dir.exists()
