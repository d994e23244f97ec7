"""An answer that another process writes: it is shown as it grows, and can be stopped from the page."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from familychat.models import Status, User
from familychat_cli.testing import Writer
from familychat_web.screens import Screen
from familychat_web.testing import PATIENCE, Browser, Running


@pytest.fixture
def person(family: Running) -> User:
    found = family.home.accounts.people.by_username("child")
    assert found is not None
    return found


@pytest.fixture
def writer(family: Running, person: User) -> Any:
    with Writer(family.home.settings.data_dir, person.username, "Tell me a story") as writing:
        yield writing


def test_a_stream_tells_what_comes_and_its_end(family: Running, child: Browser, person: User, writer: Writer) -> None:
    where = f"/c/{writer.conversation}"
    answer = child.get(f"{where}/pulse").json()["answer"]
    assert f'data-running="{answer}"' in child.get(where).text
    told: list[tuple[str, dict[str, Any]]] = []
    with child.client.stream("GET", f"{where}/events") as stream:
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told.append((name, json.loads(line.removeprefix("data: "))))
                if len(told) == 3:
                    headers = {"accept": "application/json", "x-csrf-token": child.csrf, "origin": family.address}
                    assert child.client.post(f"{where}/stop", headers=headers).status_code == 200
    assert writer.end() == "Stopped"
    assert told[-1] == ("over", {"message": answer})
    news = [content for name, content in told if name == "news"]
    assert [content.get("anew") for content in news] == [True, *(None for _ in news[1:])], "from the beginning"
    assert "".join(content.get("reasoning", "") for content in news) == "Let me see."
    words = [block[2].count("word") for content in news for block in content.get("blocks", [])]
    assert words == sorted(words), "it grows"
    assert words[-1] > words[0]
    kept = family.home.conversations.message(person, family.home.conversations.get(person, writer.conversation), answer)
    assert kept.status is Status.STOPPED
    assert kept.content.count("word") >= words[-1]


@pytest.mark.parametrize("how", ["killed", "deleted"])
def test_a_stream_ends_when_there_is_nothing_more_to_come(
    family: Running, child: Browser, person: User, writer: Writer, how: str
) -> None:
    begun = time.monotonic()
    with child.client.stream("GET", f"/c/{writer.conversation}/events") as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line.startswith("data: "))
        if how == "killed":
            writer.kill()
        else:
            conversation = family.home.conversations.get(person, writer.conversation)
            family.home.conversations.delete(person, conversation)
            family.home.conversations.empty_trash(person)
        assert "event: over" in list(lines)
    assert time.monotonic() - begun < PATIENCE


def test_it_grows_on_the_page_and_stop_is_where_it_always_is(screen: Screen, writer: Writer) -> None:
    screen.sign_in("child")
    screen.open(f"/c/{writer.conversation}")
    screen.see(".answer", "word word")
    length = len(screen.see(".answer .text").text)
    screen.until(lambda: len(screen.see(".answer .text").text) > length + 20)
    screen.see("#stop").click()
    screen.see(".answer .status", "Stopped")
    assert writer.end() == "Stopped"
    screen.see("#send")
    assert screen.see(".answer .reasoning").text.count("thought") == 1
