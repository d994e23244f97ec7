"""``familychat sessions``, ``admin sessions``, ``admin users unlock`` and ``admin reset-password``."""

from __future__ import annotations

import getpass
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from familychat.clock import timestamp, utc_now
from familychat.family.guessing import LOCK_AFTER, account_subject
from familychat_cli.testing import CommandLine

AddPerson = Callable[..., None]
PASSWORD = "quiet little river"


def test_ones_own_sessions(cli: CommandLine, add_person: AddPerson, data_dir: Path) -> None:
    assert "You are signed in nowhere." in cli("sessions", "list").out
    add_person("child", PASSWORD)
    assert cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    (data_dir / "terminal-session").rename(data_dir / "tablet")
    assert cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    sessions = cli("sessions", "list", "--json").json()
    assert sorted(one["current"] for one in sessions) == [False, True]
    assert {len(one["id"]) for one in sessions} == {6}
    shown = cli("sessions", "list").out
    assert shown.count("this one") == 1
    token = (data_dir / "terminal-session").read_text()
    assert token not in shown
    other = next(one["id"] for one in sessions if not one["current"])
    assert cli("sessions", "revoke").code == 2
    assert cli("sessions", "revoke", other, "--all").code == 2
    assert cli("sessions", "revoke", "zzzzzz").code == 3
    assert cli("sessions", "revoke", other).code == 0
    assert [one["current"] for one in cli("sessions", "list", "--json").json()] == [True]
    assert cli("sessions", "revoke", "--all").out.strip() == "Sessions of yours that have ended: 0."
    assert cli("admin", "sessions", "list").code == 4


def test_an_admin_ends_sessions(cli: CommandLine, add_person: AddPerson, data_dir: Path) -> None:
    add_person("child", PASSWORD)
    assert cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    tablet = (data_dir / "terminal-session").rename(data_dir / "tablet")
    [session] = cli("admin", "sessions", "list", "child", "--json").json()["sessions"]
    assert (session["user"], session["kind"], session["address"]) == ("child", "terminal", "terminal")
    assert cli("admin", "sessions", "revoke").code == 2
    assert cli("admin", "sessions", "revoke", session["id"]).code == 0
    tablet.rename(data_dir / "terminal-session")
    ended = cli("whoami")
    assert ended.code == 4
    assert "Your sign-in has ended." in ended.err
    assert cli("logout").code == 0
    assert cli("admin", "sessions", "revoke", "--all", "child").out.strip() == "Sessions of child that have ended: 0."
    assert "Nobody is signed in." in cli("admin", "sessions", "list").out


def test_a_lock_is_shown_and_taken_away(cli: CommandLine, add_person: AddPerson, data_dir: Path) -> None:
    add_person("child", PASSWORD)
    with sqlite3.connect(data_dir / "familychat.db") as connection:
        connection.execute(
            "INSERT INTO sign_in_failures VALUES (?, ?, ?)",
            [account_subject("child"), LOCK_AFTER, timestamp(utc_now())],
        )
    assert "Wait" in cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n").err
    assert "child is locked until" in cli("admin", "sessions", "list").out
    assert cli("admin", "sessions", "list", "--json").json()["locked"][0]["who"] == "child"
    assert cli("admin", "users", "unlock", "child").out.strip() == "child can sign in again at once."
    assert cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n").code == 0


def test_the_owner_of_the_folder_gets_the_household_back(cli: CommandLine, add_person: AddPerson) -> None:
    """Nobody can sign in: the one admin has forgotten the password."""
    owner = getpass.getuser()
    assert cli("admin", "users", "passwd", owner, "--password-stdin", stdin="forgotten since long\n").code == 0
    assert cli("admin", "users", "list").code == 4
    assert cli("admin", "reset-password", owner, "--password-stdin", stdin="short\n").code == 2
    assert cli("admin", "reset-password", "nobody", "--password-stdin", stdin=PASSWORD + "\n").code == 3
    assert cli("admin", "reset-password", owner, "--password-stdin", stdin=PASSWORD + "\n").code == 0
    assert cli("login", owner, "--password-stdin", stdin=PASSWORD + "\n").code == 0
    [entry] = cli("audit", "--action", "password.reset", "--json").json()
    assert (entry["actor"], entry["target"], entry["address"]) == (owner, owner, "terminal")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_whoever_does_not_own_the_folder_resets_nothing(cli: CommandLine, data_dir: Path) -> None:
    assert cli("whoami").code == 0
    os.chown(data_dir / "familychat.db", 65534, 65534)
    refused = cli("admin", "reset-password", getpass.getuser(), "--password-stdin", stdin=PASSWORD + "\n")
    assert refused.code == 4
    assert "Only the computer account that owns the data folder can do that." in refused.err
