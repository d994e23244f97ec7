"""What programs ask: their own conversations, searching them, and asking."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.settings import Settings
from familychat.testing import FakeOpenAI, Script
from familychat_web.testing import Browser, Running, family_page
from familychat_web.visits import SESSION

PASSWORD = "quiet little river"


class Program:
    """A program that signs in as the how-to shows it."""

    def __init__(self, family: Running, name: str) -> None:
        self.client = family.browser().client
        self.client.headers["accept"] = "application/json"
        self._take_token()
        form = {"username": name, "password": PASSWORD, "next": "/"}
        assert self.client.post("/sign-in", data=form).status_code == 303
        self._take_token()

    def _take_token(self) -> None:
        self.client.headers["x-csrf-token"] = self.client.get("/api/token").json()["token"]

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = self.client.get(f"/api{path}", params=query)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def ask(self, text: str, conversation: str | None = None, **more: Any) -> httpx.Response:
        path = f"/api/conversations/{conversation}/messages" if conversation else "/api/conversations"
        return self.client.post(path, json={"text": text, **more})

    def answered(self, text: str, conversation: str | None = None, **more: Any) -> dict[str, Any]:
        answer = self.ask(text, conversation, **more)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told


@pytest.fixture
def child_program(family: Running) -> Program:
    return Program(family, "child")


def test_a_question_and_its_answer(model_server: FakeOpenAI, child_program: Program) -> None:
    model_server.scripts = [Script(pieces=("Because ", "of dust.")), Script(pieces=("Always.",))]
    told = child_program.answered("Why is the evening sky red?")
    assert told["question"]["content"] == "Why is the evening sky red?"
    assert (told["answer"]["content"], told["answer"]["status"]) == ("Because of dust.", "complete")
    conversation = told["conversation"]
    assert (conversation["title"], conversation["task"]) == ("Why is the evening sky red?", "general")
    more = child_program.answered("Everywhere?", conversation["id"])
    assert more["conversation"]["id"] == conversation["id"]
    shown = child_program.get(f"/conversations/{conversation['id']}/messages")
    assert [one["content"] for one in shown["messages"]] == [
        "Why is the evening sky red?", "Because of dust.", "Everywhere?", "Always.",
    ]  # fmt: skip
    assert [one["author"] for one in shown["messages"]] == ["user", "assistant"] * 2
    assert shown["before"] is None
    assert child_program.get(f"/conversations/{conversation['id']}")["title"] == "Why is the evening sky red?"


def test_pages_of_messages_and_of_conversations(model_server: FakeOpenAI, child_program: Program) -> None:
    first = child_program.answered("One?")["conversation"]["id"]
    for text in ("Two?", "Three?"):
        child_program.answered(text, first)
    last = child_program.get(f"/conversations/{first}/messages", limit=2)
    assert last["messages"][0]["content"] == "Three?"
    before = child_program.get(f"/conversations/{first}/messages", limit=4, before=last["before"])
    assert [one["content"] for one in before["messages"]][::2] == ["One?", "Two?"]
    assert before["before"] is None
    second = child_program.answered("Another?")["conversation"]["id"]
    page = child_program.get("/conversations", limit=1)
    assert [one["id"] for one in page["conversations"]] == [second]
    page = child_program.get("/conversations", limit=1, before=page["before"])
    assert [one["id"] for one in page["conversations"]] == [first]


def test_folders_and_the_archive(family: Running, child_program: Program) -> None:
    made = child_program.answered("For school?")["conversation"]["id"]
    child_program.client.post(f"/c/{made}/move", data={"folder": "School"})
    found = child_program.get("/conversations", folder="School")["conversations"]
    assert [(one["id"], one["folder"]) for one in found] == [(made, "School")]
    child_program.client.post(f"/c/{made}/archive")
    assert child_program.get("/conversations", folder="School")["conversations"] == []
    found = child_program.get("/conversations", archived="true")["conversations"]
    assert [(one["id"], one["archived"]) for one in found] == [(made, True)]


def test_a_search(model_server: FakeOpenAI, child_program: Program) -> None:
    model_server.scripts = [Script(pieces=("A quokka is a small kangaroo.",))]
    made = child_program.answered("What is a quokka?")["conversation"]["id"]
    found = child_program.get("/search", q="kangaroo")
    assert [(one["conversation"]["id"], one["others"]) for one in found["hits"]] == [(made, 0)]
    snippet = found["hits"][0]["snippet"]
    begin, end = snippet["marks"][0]
    assert snippet["text"][begin:end] == "kangaroo"
    assert (found["after"], found["loosened"]) == (None, False)


def test_what_went_wrong_is_told_with_what_was_kept(model_server: FakeOpenAI, child_program: Program) -> None:
    model_server.scripts = [Script(pieces=())]
    told = child_program.answered("Hello?")
    assert (told["answer"]["status"], told["answer"]["content"]) == ("failed", "")
    assert told["answer"]["error"] == "The model gave an empty answer."


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"text": "  "}, 422),
        ({"text": "Hello?", "task": "none"}, 404),
        ({"text": "Hello?", "task": "music"}, 403),
        ({"text": 7}, 400),
        ({}, 400),
    ],
)
def test_what_cant_be_asked(child_program: Program, sent: dict[str, Any], status: int) -> None:
    before = child_program.get("/conversations")
    answer = child_program.client.post("/api/conversations", json=sent)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert child_program.get("/conversations") == before


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "many"}])
def test_what_isnt_a_page(child_program: Program, query: dict[str, Any]) -> None:
    assert child_program.client.get("/api/conversations", params=query).status_code == 400
    assert child_program.client.get("/api/conversations", params={"before": "none"}).status_code == 404
    assert child_program.client.get("/api/search", params={"q": " "}).status_code == 422


def test_nobody_elses(family: Running, child_program: Program) -> None:
    made = child_program.answered("A secret?")["conversation"]["id"]
    for name in ("cousin", "mum"):
        other = Program(family, name)
        assert other.client.get(f"/api/conversations/{made}").status_code == 404
        assert other.client.get(f"/api/conversations/{made}/messages").status_code == 404
        assert other.client.get("/api/conversations", params={"before": made}).status_code == 404
        assert other.ask("What is it?", made).status_code == 404
        assert other.get("/search", q="secret")["hits"] == []


def test_a_change_needs_the_token(child_program: Program) -> None:
    del child_program.client.headers["x-csrf-token"]
    assert child_program.ask("Hello?").status_code == 403


def test_a_strangers_token_is_none_for_those_signed_in(family: Running, child_program: Program) -> None:
    stranger = family.browser().client
    token = stranger.get("/api/token").json()["token"]
    assert token == stranger.get("/api/token").json()["token"], "it stays as long as the cookie"
    child_program.client.headers["x-csrf-token"] = token
    assert child_program.ask("Hello?").status_code == 403


def wait_for_a_turn(family: Running) -> None:
    end = time.monotonic() + 20
    while not family.home.chat.under_way:
        assert time.monotonic() < end
        time.sleep(0.01)


def begun(family: Running, model_server: FakeOpenAI, program: Program, then: Callable[[], object]) -> httpx.Response:
    """Ask something that takes long, and do ``then`` while the answer is waited for."""
    model_server.scripts = [Script(pieces=["word "] * 1000, delay=0.01)]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(program.ask, "Tell me everything.")
        wait_for_a_turn(family)
        then()
        return waiting.result(timeout=20)


def stop_the_newest(browser: Browser) -> None:
    newest = browser.get("/api/conversations").json()["conversations"][0]["id"]
    assert browser.post(f"/c/{newest}/stop").status_code == 303


def test_a_stop_elsewhere_ends_the_waiting(
    family: Running, model_server: FakeOpenAI, child_program: Program, child: Browser
) -> None:
    answer = begun(family, model_server, child_program, lambda: stop_the_newest(child))
    assert answer.status_code == 201
    assert answer.json()["answer"]["status"] == "stopped"


def test_whoever_is_signed_out_meanwhile_learns_nothing(
    family: Running, model_server: FakeOpenAI, child_program: Program, child: Browser
) -> None:
    def sign_out() -> None:
        family.home.sign_in.sign_out(child_program.client.cookies[SESSION])
        stop_the_newest(child)

    answer = begun(family, model_server, child_program, sign_out)
    assert answer.status_code == 401
    assert "word" not in answer.text


def test_an_answer_doesnt_hold_up_the_end_of_the_page(tmp_path: Path) -> None:
    server = FakeOpenAI()

    def household(settings: Settings) -> Household:
        return Household(settings, servers=ServerChoice(settings, server.transport()))

    fake: dict[str, Any] = {"server_kind": "openai", "server_url": "http://fake", "titles": "words"}
    with (
        ThreadPoolExecutor(1) as pool,
        family_page(tmp_path / "data", "child", password=PASSWORD, household=household, **fake) as running,
    ):
        program = Program(running, "child")
        server.scripts = [Script(pieces=["word "] * 1000, delay=0.01)]
        waiting = pool.submit(program.ask, "Tell me everything.")
        wait_for_a_turn(running)
        running.app.state.site.stopping.set()  # as the server does at its end; the stream wakes its loop
        answer = waiting.result(timeout=20)
    assert answer.status_code == 201
    assert answer.json()["answer"]["status"] == "stopped"
