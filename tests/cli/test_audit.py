"""``familychat audit`` and ``familychat admin audit``."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

from familychat_cli.testing import CommandLine

AddPerson = Callable[..., None]
PASSWORD = "quiet little river"


def actions(cli: CommandLine, *args: str) -> list[str]:
    result = cli(*args, "--json")
    assert result.code == 0, result.err
    return [entry["action"] for entry in result.json()]


def test_an_admin_reads_all_and_chooses(cli: CommandLine, add_person: AddPerson) -> None:
    add_person("child", PASSWORD)
    add_person("teen", PASSWORD)
    assert cli("login", "child", "--password-stdin", stdin="wrong one\n").code == 4
    assert cli("backup", "create").code == 0
    everything = cli("admin", "audit", "--json").json()
    assert [entry["action"] for entry in everything] == [
        "backup.create", "sign-in.failed", "user.add", "user.add", "user.add",
    ]  # fmt: skip
    assert {entry["address"] for entry in everything} == {"terminal"}
    assert everything[0]["actor"] == getpass.getuser()
    assert actions(cli, "admin", "audit", "--about", "Child") == ["sign-in.failed", "user.add"]
    assert actions(cli, "admin", "audit", "--who", "somebody") == ["sign-in.failed"]
    assert actions(cli, "admin", "audit", "--action", "user", "-n", "2") == ["user.add", "user.add"]
    assert actions(cli, "admin", "audit", "--since", "2099-01-01") == []
    assert actions(cli, "admin", "audit", "--since", "2026", "--until", "2999") != []
    assert cli("admin", "audit", "--since", "soon").code == 2
    shown = cli("admin", "audit", "--action", "sign-in").out
    assert "somebody" in shown
    assert "terminal" in shown


def test_everybody_reads_their_own_part(cli: CommandLine, add_person: AddPerson) -> None:
    add_person("child", PASSWORD)
    add_person("teen", PASSWORD)
    assert cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    assert cli("backup", "create").code == 0
    assert actions(cli, "audit") == ["backup.create", "sign-in", "user.add"]
    assert actions(cli, "audit", "--action", "sign-in") == ["sign-in"]
    refused = cli("admin", "audit")
    assert (refused.code, refused.out) == (4, "")
    assert cli("audit", "--action", "nothing").err.strip() == "There is nothing like that in the audit log."


def test_a_backup_is_made_even_if_the_log_cannot_be_written(cli: CommandLine, data_dir: Path, tmp_path: Path) -> None:
    """Saving what is there matters more than the entry, and the person is told."""
    import sqlite3

    assert cli("whoami").code == 0
    other = sqlite3.connect(data_dir / "familychat.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    made = cli("backup", "create", "--to", str(tmp_path / "stick"))
    other.close()
    assert made.code == 0
    assert "Saved and checked" in made.out
    assert "The audit log couldn't be written" in made.err


def test_snapshots_are_recorded_too(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("whoami").code == 0
    assert cli("db", "snapshot").code == 0
    assert cli("db", "snapshot", str(tmp_path / "copy.db")).code == 0
    assert actions(cli, "audit", "--action", "snapshot") == ["snapshot.create"] * 2
    assert cli("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 0
    assert actions(cli, "audit", "--action", "snapshot") == ["snapshot.restore", "snapshot.create"]
