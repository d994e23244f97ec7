"""Promise 24: errors and logs hold no secret and no message text."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.settings import Settings
from familychat.testing import FakeOpenAI, Script, serve
from familychat_cli.testing import CommandLine
from familychat_web.testing import Running, family_page

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


BAD = (
    Script(error=f"out of memory: {ANSWER}"),
    Script(pieces=(ANSWER, "x"), error=ANSWER, error_after=1),
    Script(pieces=(ANSWER, "x"), break_after=1),
    Script(raw=[b"data: {" + ANSWER.encode() + b"\n\n"]),
    Script(pieces=(ANSWER,)),
)


class Broken:
    """Breaks with somebody's words in its error."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        def fails(*_given: object, **_named: object) -> None:
            raise RuntimeError(f"{QUESTION} {PASSWORD}")

        return fails


def settled(running: Running) -> None:
    end = time.monotonic() + 20
    while running.home.chat.under_way and time.monotonic() < end:
        time.sleep(0.02)


def test_the_pages_log_tells_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Canaries in a question, an answer, a password, a name, an address, a cookie and a file; then all goes wrong."""
    server = FakeOpenAI(*BAD)

    def household(settings: Settings) -> Household:
        return Household(settings, servers=ServerChoice(settings, server.transport()))

    fake = {"server_kind": "openai", "server_url": "http://fake", "server_api_key": KEY, "titles": "words"}
    folder = tmp_path / "data"
    name = "canary-name"
    with family_page(folder, name, password=PASSWORD, household=household, **fake) as running:
        browser, mum = running.signed_in(name, PASSWORD), running.signed_in("mum", PASSWORD)
        cookies = [*browser.client.cookies.values(), *mum.client.cookies.values(), browser.csrf, mum.csrf]
        for _ in BAD:
            browser.get("/")
            assert browser.post("/c/new/ask", text=QUESTION, task="general", model="").status_code in {200, 303}
            settled(running)
        stranger = running.browser()
        stranger.get("/sign-in")
        assert stranger.post("/sign-in", username=name, password=PASSWORD + "!", next="/").status_code == 401
        browser.get(f"/canary-path?question={QUESTION}")
        browser.get(f"/setup/{PASSWORD}")
        browser.client.get("/", headers={"cookie": f"familychat_session={PASSWORD}", "referer": f"http://x/{QUESTION}"})
        mum.get("/admin/people")
        form = {"username": name, "display_name": QUESTION, "password": PASSWORD, "again": PASSWORD, "band": "adult"}
        assert mum.post("/admin/people", do="add", **form).status_code == 409
        headers = {"x-csrf-token": mum.csrf, "origin": mum.address}
        mum.client.post(f"/admin/music/upload?name={QUESTION}.csv", content=ANSWER.encode(), headers=headers)
        shelf, rules = running.home.task_shelf, running.home.rules
        running.home.task_shelf = running.home.rules = Broken()  # type: ignore[assignment]
        broken = [mum.get("/admin/tasks"), mum.get("/admin/limits"), browser.get("/")]
        running.home.task_shelf, running.home.rules = shelf, rules
        assert [one.status_code for one in broken] == [500, 500, 500]
    logged = "".join(path.read_text(encoding="utf-8") for path in (folder / "logs").iterdir())
    told = capfd.readouterr()
    assert logged.count('"status": 500') == 3
    assert "RuntimeError in test_p24_secrets.py" in told.err
    assert [secret for secret in (*CANARIES, name, "canary", *cookies) if secret in logged + told.out + told.err] == []
    pages = "".join(one.text for one in broken)
    assert [canary for canary in CANARIES if canary in pages] == []
