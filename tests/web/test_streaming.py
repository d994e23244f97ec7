"""A running answer as it comes to the page: without gaps or doubles, to whoever may see it, until it is stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from familychat.events import Delta, Event, Started
from familychat.models import Effect
from familychat.testing import FakeOpenAI, Script
from familychat_web.streams import Feed
from familychat_web.testing import PATIENCE, Browser, Running

if TYPE_CHECKING:
    from familychat.running import RunningTurn

PASSWORD = "quiet little river"
WORDS = [f"word{number} " for number in range(30)]
SLOW = Script(WORDS, delay=0.05)
ENDLESS = Script(["more "] * 2000, delay=0.05)


@dataclass(frozen=True)
class Told:
    """One server-sent event."""

    name: str
    id: str
    data: dict[str, Any]


def events(browser: Browser, conversation: str, last: str = "") -> Iterator[Told]:
    headers = {"accept": "text/event-stream", **({"last-event-id": last} if last else {})}
    with browser.client.stream("GET", f"/c/{conversation}/events", headers=headers, timeout=PATIENCE) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        told: dict[str, str] = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(":")
                told[name] = value.strip()
            else:
                if "event" in told:
                    yield Told(told["event"], told.get("id", ""), json.loads(told["data"]))
                told = {}


def shown(told: list[Told]) -> str:
    """What the blocks say in the end, without their markup."""
    blocks: dict[int, str] = {}
    for event in told:
        for number, kind, content in event.data.get("blocks", ()):
            assert kind == "html"
            blocks[number] = content.replace("<p>", "").replace("</p>", "").strip()
    return " ".join(blocks[number] for number in sorted(blocks))


def posted(browser: Browser, path: str, **fields: str) -> httpx.Response:
    headers = {"accept": "application/json", "x-csrf-token": browser.csrf, "origin": browser.address}
    return browser.client.post(path, data=fields, headers=headers)


def ask(browser: Browser, text: str = "Tell me", **fields: str) -> dict[str, str]:
    response = posted(browser, "/c/new/ask", **{"text": text, "task": "general", "model": "", **fields})
    assert response.status_code == 200, response.text
    told: dict[str, str] = response.json()
    return told


@contextmanager
def endless(model_server: FakeOpenAI, browser: Browser) -> Iterator[dict[str, str]]:
    """A question with an answer that doesn't end by itself."""
    model_server.scripts = [ENDLESS]
    asked = ask(browser)
    try:
        yield asked
    finally:
        again = browser.client.get("/api/me").status_code == 200
        if again:
            posted(browser, f"/c/{asked['conversation']}/stop")


def test_an_answer_comes_in_pieces_and_ends_with_what_is_stored(model_server: FakeOpenAI, child: Browser) -> None:
    pieces = ["Red, ", "**green**", " and blue.\n\n", "Two"]
    model_server.scripts = [Script(pieces, reasoning=["Hm", "m"], first_delay=0.5)]
    asked = ask(child, "Which colours?")
    assert "Which colours?" in asked["html"]
    assert f'id="message-{asked["answer"]}"' in asked["html"]
    told = list(events(child, asked["conversation"]))
    assert [event.name for event in told[-2:]] == ["news", "over"]
    assert told[-1].data == {"message": asked["answer"]}
    assert shown(told) == "Red, <strong>green</strong> and blue. Two"
    assert "".join(event.data.get("reasoning", "") for event in told) == "Hmm"
    assert any(event.data.get("waiting") == "tiny is thinking" for event in told)
    part = child.get(f"/c/{asked['conversation']}/messages/{asked['answer']}").text
    assert "<strong>green</strong>" in part
    assert 'data-status="complete"' in part
    assert "3 tokens" in part


def test_it_goes_on_where_the_line_broke_without_gaps_or_doubles(model_server: FakeOpenAI, child: Browser) -> None:
    model_server.scripts = [Script([*WORDS[:10], "\n\nNext ", *WORDS[10:]], reasoning=["a", "b", "c"], delay=0.04)]
    conversation = ask(child)["conversation"]
    told: list[Told] = []
    last = ""
    while not told or told[-1].name != "over":
        stream = events(child, conversation, last)
        for event in stream:
            told.append(event)
            last = event.id or last
            if len(told) % 3 == 0:  # and the line breaks
                stream.close()  # type: ignore[attr-defined]
                break
    assert shown(told).split() == [word.strip() for word in [*WORDS[:10], "Next", *WORDS[10:]]]
    assert "".join(event.data.get("reasoning", "") for event in told) == "abc"
    numbers = [int(event.id.rpartition(".")[2]) for event in told if event.id]
    assert numbers == sorted(set(numbers))


def test_a_closed_tab_loses_nothing_and_two_devices_see_the_same(
    model_server: FakeOpenAI, family: Running, child: Browser
) -> None:
    model_server.scripts = [SLOW]
    asked = ask(child)
    stream = events(child, asked["conversation"])
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    phone = family.signed_in("child", PASSWORD)
    assert f'data-running="{asked["answer"]}"' in phone.get(f"/c/{asked['conversation']}").text
    assert phone.get(f"/c/{asked['conversation']}/pulse").json()["answer"] == asked["answer"]
    told = list(events(phone, asked["conversation"]))
    assert shown(told).split() == [word.strip() for word in WORDS]
    assert child.get(f"/c/{asked['conversation']}/pulse").json() == {
        "title": "Tell me", "head": asked["answer"], "answer": None,
    }  # fmt: skip


def test_when_nothing_runs_it_says_so_at_once(model_server: FakeOpenAI, child: Browser) -> None:
    model_server.scripts = [Script()]
    asked = ask(child)
    list(events(child, asked["conversation"]))
    over = [Told("over", "", {"message": asked["answer"]})]
    assert list(events(child, asked["conversation"])) == over
    assert list(events(child, asked["conversation"], f"{asked['answer']}.4")) == over
    assert list(events(child, asked["conversation"], "nonsense.x")) == over


def test_who_comes_back_during_the_next_answer_is_told_that_the_old_one_is_over(
    model_server: FakeOpenAI, child: Browser
) -> None:
    model_server.scripts = [Script()]
    first = ask(child)
    list(events(child, first["conversation"]))
    model_server.scripts = [ENDLESS]
    posted(child, f"/c/{first['conversation']}/ask", text="And now?")
    told = list(events(child, first["conversation"], f"{first['answer']}.2"))
    assert told == [Told("over", "", {"message": first["answer"]})]
    posted(child, f"/c/{first['conversation']}/stop")


def test_stop_closes_the_models_connection_and_keeps_what_came(model_server: FakeOpenAI, child: Browser) -> None:
    with endless(model_server, child) as asked:
        stream = events(child, asked["conversation"])
        next(event for event in stream if event.data.get("blocks"))
        assert posted(child, f"/c/{asked['conversation']}/stop").status_code == 200
        assert model_server.chats[-1].closed_at is not None
        assert not model_server.chats[-1].finished
        assert list(stream)[-1].name == "over"
    part = child.get(f"/c/{asked['conversation']}/messages/{asked['answer']}").text
    assert 'data-status="stopped"' in part
    assert "more" in part


def test_a_form_stops_it_too(model_server: FakeOpenAI, child: Browser) -> None:
    with endless(model_server, child) as asked:
        done = child.post(f"/c/{asked['conversation']}/stop")
        assert (done.status_code, done.headers["location"]) == (303, f"/c/{asked['conversation']}")
    assert 'data-status="stopped"' in child.get(f"/c/{asked['conversation']}").text


@pytest.mark.parametrize("how", ["signs out", "is switched off", "may no longer"])
def test_the_stream_ends_with_the_session_or_the_grant(model_server: FakeOpenAI, family: Running, how: str) -> None:
    mum = family.home.accounts.people.by_username("mum")
    assert mum is not None
    cousin = family.signed_in("cousin", PASSWORD)
    with endless(model_server, cousin) as asked:
        stream = events(cousin, asked["conversation"])
        next(stream)
        if how == "signs out":
            cousin.post("/sign-out")
        elif how == "is switched off":
            family.home.accounts.disable(mum, "cousin")
        else:
            family.home.rules.grant(mum, "cousin", "task:general", Effect.DENY)
        rest = list(stream)
        assert (rest[-1].name == "over") is (how == "may no longer")
    family.home.accounts.enable(mum, "cousin")
    if how == "may no longer":
        part = cousin.get(f"/c/{asked['conversation']}/messages/{asked['answer']}").text
        assert "You may not use the task general" in part
        family.home.rules.revoke(mum, "cousin", "task:general")
    if how == "signs out":  # the answer itself goes on, for the person's other devices
        again = family.signed_in("cousin", PASSWORD)
        assert again.get(f"/c/{asked['conversation']}/pulse").json()["answer"] == asked["answer"]
        posted(again, f"/c/{asked['conversation']}/stop")


def test_the_stream_ends_when_the_server_does(model_server: FakeOpenAI, family: Running, child: Browser) -> None:
    with endless(model_server, child) as asked:
        stream = events(child, asked["conversation"])
        next(stream)
        family.app.state.site.stopping.set()
        assert all(event.name == "news" for event in stream)
        family.app.state.site.stopping.clear()


def test_a_second_question_waits_for_the_first_answer(model_server: FakeOpenAI, child: Browser) -> None:
    with endless(model_server, child) as asked:
        refused = posted(child, f"/c/{asked['conversation']}/ask", text="And?")
        assert refused.status_code == 409
        assert refused.json()["detail"] == "An answer is still being written in this conversation."


def test_people_wait_in_line_and_see_where(model_server: FakeOpenAI, family: Running, child: Browser) -> None:
    cousin = family.signed_in("cousin", PASSWORD)
    with endless(model_server, child):
        waiting = ask(cousin)
        stream = events(cousin, waiting["conversation"])
        assert next(event.data["waiting"] for event in stream if "waiting" in event.data) == "You're next"
        posted(cousin, f"/c/{waiting['conversation']}/stop")
        assert list(stream)[-1].name == "over"


def test_what_the_model_writes_stays_text_while_it_grows(model_server: FakeOpenAI, child: Browser) -> None:
    model_server.scripts = [Script(["<script>alert(1)</script>", "\n\n```html\n<img src=x onerror=", "alert(1)>\n"])]
    told = list(events(child, ask(child)["conversation"]))
    html = "".join(block[2] for event in told for block in event.data.get("blocks", ()) if block[1] == "html")
    assert "<script" not in html
    assert "<img" not in html


class Scripted:
    """In place of a running turn: its events come when the test says so."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[Event | None] = asyncio.Queue()

    async def follow(self) -> AsyncIterator[Event]:
        while (event := await self.coming.get()) is not None:
            yield event


def test_the_first_piece_of_an_answer_is_not_held_back() -> None:
    """Between two pieces of news there is a pause; what tells that the model thinks must not delay its first word."""

    async def first_and_second() -> bool:
        turn = Scripted()
        feed = Feed(cast("RunningTurn", turn))
        await turn.coming.put(Started("tiny"))
        await feed.wait(20)
        pause = asyncio.create_task(feed.pause(3600))
        await turn.coming.put(Delta("One"))
        await asyncio.wait_for(pause, 20)
        later = asyncio.create_task(feed.pause(3600))
        await turn.coming.put(Delta(" two"))
        await feed.wait(20)
        held = not later.done()
        await turn.coming.put(None)
        await asyncio.wait_for(later, 20)
        feed.close()
        return held

    assert asyncio.run(first_and_second()), "what follows comes in batches"
