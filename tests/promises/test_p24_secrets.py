"""Promise 24: errors and logs hold no secret and no message text."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from familychat.testing import FakeOpenAI, Script, serve
from familychat_cli.testing import CommandLine

KEY = "canary-of-the-key"
PASSWORD = "canary of the password"
QUESTION = "canary of the question"
ANSWER = "canary of the answer"
CANARIES = (KEY, PASSWORD, QUESTION, ANSWER)


@pytest.mark.parametrize(
    "script",
    [
        Script(error="out of memory"),
        Script(pieces=(ANSWER, "x"), error="broken", error_after=1),
        Script(pieces=(ANSWER, "x"), end_after=1),
        Script(pieces=(ANSWER, "x"), break_after=1),
        Script(error="no", status=401),
        Script(raw=[b"data: {" + ANSWER.encode() + b"\n\n"]),
        Script(raw=[b'data: ["' + ANSWER.encode() + b'"]\n\n']),
    ],
)
def test_provoked_errors_tell_nothing(cli: CommandLine, script: Script) -> None:
    with serve(FakeOpenAI(script).handle) as address:
        talking = cli.using(
            FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address, FAMILYCHAT_SERVER_API_KEY=KEY
        )
        result = talking("-v", "ask", QUESTION)
    assert result.code != 0
    assert result.err
    assert [canary for canary in CANARIES if canary in result.err] == []


def test_wrong_settings_and_passwords_tell_nothing(cli: CommandLine, data_dir: Path) -> None:
    bad = cli.using(FAMILYCHAT_SERVER_API_KEY="  ", FAMILYCHAT_SERVER_KIND=KEY[:0] or "auto")
    shown = [bad("-v", "config", "show"), cli.using(FAMILYCHAT_SERVER_API_KEY=KEY)("-v", "config", "show", "--json")]
    shown.append(cli.using(FAMILYCHAT_SERVER_API_KEY=KEY)("doctor"))
    shown.append(cli("-v", "admin", "users", "add", "child", "--password-stdin", stdin=PASSWORD + "\n"))
    shown.append(cli("-v", "login", "child", "--password-stdin", stdin=PASSWORD + "!\n"))
    shown.append(cli("-v", "login", "stranger", "--password-stdin", stdin=PASSWORD + "\n"))
    text = "".join(result.out + result.err for result in shown)
    assert [canary for canary in CANARIES if canary in text] == []
    with sqlite3.connect(data_dir / "familychat.db") as connection:
        stored = "\n".join(connection.iterdump())
    connection.close()
    assert PASSWORD not in stored


def test_the_audit_log_holds_no_chats(cli: CommandLine, data_dir: Path) -> None:
    with serve(FakeOpenAI(Script(pieces=(ANSWER,))).handle) as address:
        talking = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address)
        assert talking("ask", QUESTION).out.strip() == ANSWER
    connection = sqlite3.connect(data_dir / "familychat.db")
    assert QUESTION not in str(connection.execute("SELECT * FROM audit").fetchall())
    connection.close()
