"""People at the command line: accounts, signing in, grants."""

from __future__ import annotations

import getpass
from collections.abc import Callable

import pytest

from familychat_cli.testing import CommandLine

AddPerson = Callable[..., None]
PASSWORD = "quiet little river"


def test_first_use_makes_the_terminal_admin(cli: CommandLine) -> None:
    who = cli("whoami", "--json").json()
    assert who["role"] == "admin"
    assert who["username"] == getpass.getuser()
    shown = cli("admin", "users", "show", who["username"]).out
    assert "this computer's terminal only" in shown


def test_an_account_from_its_beginning_to_its_end(cli: CommandLine, add_person: AddPerson) -> None:
    add_person("child", PASSWORD)
    assert cli("login", "Child", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    assert cli("whoami", "--json").json() == {"username": "child", "display_name": "Child", "role": "member"}
    refused = cli("admin", "users", "list")
    assert (refused.code, refused.out) == (4, "")
    assert "Only an admin" in refused.err
    assert cli("logout").code == 0
    assert cli("admin", "users", "rename", "child", "teen").code == 0
    assert cli("admin", "users", "promote", "teen").code == 0
    assert cli("admin", "users", "demote", "teen").code == 0
    assert cli("admin", "users", "disable", "teen").code == 0
    assert cli("login", "teen", "--password-stdin", stdin=PASSWORD + "\n").code == 4
    assert cli("admin", "users", "enable", "teen").code == 0
    assert cli("login", "teen", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    assert cli("logout").code == 0
    assert cli("admin", "users", "remove", "teen").code == 2  # not without --yes in a pipe
    assert cli("admin", "users", "remove", "teen", "--yes").code == 0
    assert [user["role"] for user in cli("admin", "users", "list", "--json").json()] == ["admin"]


def test_a_disabled_person_is_out_at_once(cli: CommandLine, add_person: AddPerson) -> None:
    add_person("child", PASSWORD)
    add_person("second", PASSWORD + "!", "--admin")
    assert cli("login", "second", "--password-stdin", stdin=PASSWORD + "!\n").code == 0
    owner = getpass.getuser()
    assert cli("admin", "users", "disable", owner).code == 0
    # The session of the one who is signed in still holds; after signing out, the computer's owner is refused.
    assert cli("whoami").code == 0
    assert cli("logout").code == 0
    refused = cli("chat", stdin="hello\n")
    assert refused.code == 4
    assert "familychat login" in refused.err


def test_a_name_that_is_taken(cli: CommandLine, add_person: AddPerson) -> None:
    add_person("child", PASSWORD)
    refused = cli("admin", "users", "add", "CHILD", "--password-stdin", stdin=PASSWORD + "\n")
    assert refused.code == 5
    assert refused.err.strip() == "The name CHILD is taken. Nothing was changed. Choose another."


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("two words", PASSWORD, "can't be a user name"),
        ("everyone", PASSWORD, "can't be a user name"),
        ("", PASSWORD, "1 to 64"),
        ("guest", "short", "at least 8"),
        ("guest", "password123", "first that anybody would try"),
        ("guest", "x" * 1001, "at most 1000"),
    ],
)
def test_names_and_passwords_that_will_not_do(cli: CommandLine, name: str, password: str, words: str) -> None:
    refused = cli("admin", "users", "add", name, "--password-stdin", stdin=password + "\n")
    assert refused.code == 2
    assert words in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert len(cli("admin", "users", "list", "--json").json()) == 1


def test_wrong_password_five_times_waits_longer_and_longer(cli: CommandLine, add_person: AddPerson) -> None:
    add_person("child", PASSWORD)
    codes, messages = [], []
    for _ in range(5):
        tried = cli("login", "child", "--password-stdin", stdin="not this one\n")
        codes.append(tried.code)
        messages.append(tried.err.strip())
    assert codes == [4] * 5
    assert messages[0] == "The name and password don't fit. Check both, then try again."
    assert any(message.startswith("Too many wrong passwords. Wait ") for message in messages)
    # Nobody gets in during the wait, not with the right password either, and nothing is lost.
    assert "Too many" in cli("login", "child", "--password-stdin", stdin="not this one\n").err
    assert cli("whoami", "--json").json()["role"] == "admin"


def test_passwords_never_come_as_arguments(cli: CommandLine) -> None:
    for command in (["login"], ["admin", "users", "add"], ["admin", "users", "passwd"]):
        text = cli(*command, "--help").out
        assert "--password-stdin" in text
        assert "--password " not in text


def test_grants_hold_at_the_command_line(cli: CommandLine, with_model: object, add_person: AddPerson) -> None:
    assert cli("admin", "grant", "everyone", "task:general", "--deny").code == 0
    refused = cli("ask", "Hello")
    assert refused.code == 4
    assert "You may not use the task general. Nothing was sent." in refused.err
    assert cli("admin", "revoke", "everyone", "task:general").code == 0
    assert cli("ask", "Hello").code == 4
    assert cli("admin", "revoke", "everyone", "task:general").code == 3
    assert cli("admin", "grant", getpass.getuser(), "task:general").code == 0
    assert cli("ask", "Hello", "--max-tokens", "3").code == 0
    rules = cli("admin", "grants", "--json").json()
    assert {"who": getpass.getuser(), "resource": "task:general", "effect": "allow", "until": None} in rules
    assert cli("admin", "grant", "everyone", "nonsense").code == 2
