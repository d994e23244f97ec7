"""The page of a conversation, and what a person does in it: with forms as without a script, and as a script asks."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from familychat.models import Conversation, Effect, LimitKind, Parameters, Status, Usage, User
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat.testing import FakeOpenAI, Script
from familychat_web.testing import PATIENCE, Browser, Running

AT = "2026-01-31T18:05:00.123Z"


def person(family: Running, name: str) -> User:
    found = family.home.accounts.people.by_username(name)
    assert found is not None
    return found


def conversation_of(family: Running, *texts: str, name: str = "child", **answer: Any) -> Conversation:
    """A conversation with these questions and answers, in turn."""
    store, messages = ConversationStore(family.home.database), MessageStore(family.home.database)
    owner = person(family, name)
    made = store.add(owner.id, AT, title="A talk", task="general")
    head = None
    for place, text in enumerate(texts):
        if place % 2 == 0:
            head = messages.add_question(made, text, head, AT).id
        else:
            head = messages.add_answer(made, head or "", "nobody", AT).id
            end: dict[str, Any] = {"model": "tiny", "usage": Usage(7, 3, 450.0, 21.4), "error": None, **answer}
            messages.finish(head, end.pop("status", Status.COMPLETE), content=text, reasoning="", **end)
    return store.get(owner.id, made.id)


def ids(html: str) -> list[str]:
    return re.findall(r'data-id="([^"]+)"', html)


def texts(html: str) -> list[str]:
    return [text.strip() for text in re.findall(r'<div class="text[^>]*>(.*?)</div>', html, re.DOTALL)]


def settled(family: Running, conversation_id: str, name: str = "child") -> list[str]:
    """The shown messages, once no answer is being written."""
    owner = person(family, name)
    until = time.monotonic() + PATIENCE
    while True:
        found = family.home.conversations.messages(owner, family.home.conversations.get(owner, conversation_id))
        if all(message.status is not Status.STREAMING for message in found):
            return [message.content for message in found]
        assert time.monotonic() < until
        time.sleep(0.02)


def script(browser: Browser, path: str, **fields: str) -> Any:
    headers = {"accept": "application/json", "x-csrf-token": browser.csrf, "origin": browser.address}
    return browser.client.post(path, data=fields, headers=headers)


# -- what is shown


def test_answers_are_rendered_and_questions_stand_as_typed(family: Running, child: Browser) -> None:
    talk = conversation_of(
        family, "**no** <b>markup</b>\n  here", "**bold** <script>alert(1)</script>\n\n```python\nx = 1\n```"
    )
    html = child.get(f"/c/{talk.id}").text
    assert '<div class="text typed" dir="auto">**no** &lt;b&gt;markup&lt;/b&gt;\n  here</div>' in html
    assert "<strong>bold</strong> &lt;script&gt;" in html
    assert '<pre class="highlight"><code><span class="n">x</span>' in html
    assert "alert(1)</script>" not in html
    assert "3 tokens" in html
    assert "21 a second" in html
    assert "first after 0.5 s" in html or "first after 0.4 s" in html
    assert '<h1 dir="auto">A talk</h1>' in html


def test_the_newest_messages_come_first_and_earlier_ones_are_asked_for(family: Running, child: Browser) -> None:
    talk = conversation_of(family, *(f"text{number}" for number in range(120)))
    page = child.get(f"/c/{talk.id}").text
    assert len(ids(page)) == 50
    assert "text119<" in page
    assert "text69<" not in page
    seen = ids(page)
    more = child.get(f"/c/{talk.id}/shown", params={"before": seen[0]}).text
    assert len(ids(more)) == 50
    assert 'data-more="before=' in more
    last = child.get(f"/c/{talk.id}", params={"before": ids(more)[0]}).text
    assert len(ids(last)) == 20
    assert 'data-more="before=' not in last
    assert len({*seen, *ids(more), *ids(last)}) == 120
    assert 'id="composer"' not in last, "asking continues the newest message"
    assert len(ids(child.get(f"/c/{talk.id}/shown", params={"count": "100"}).text)) == 100


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (Status.STOPPED, None, "Stopped. What had come is kept."),
        (Status.PARTIAL, "The line broke.", "Cut off. What had come is kept. The line broke."),
        (Status.FAILED, "It is <gone>.", "There is no answer. It is &lt;gone&gt;."),
    ],
)
def test_how_an_answer_ended(family: Running, child: Browser, status: Status, error: str | None, words: str) -> None:
    talk = conversation_of(family, "Q", "" if status is Status.FAILED else "Some", status=status, error=error)
    html = child.get(f"/c/{talk.id}").text
    assert words in html
    assert ("/continue" in html) is (status is not Status.FAILED)


def test_rows_of_a_music_question_come_with_sql_and_a_chart(family: Running, child: Browser) -> None:
    details = {
        "sql": "SELECT year, count(*) FROM songs WHERE title <> '<b>'", "columns": ["year", "song_count"],
        "rows": [[1999, 12], [1970, 3], [2001, 6]], "row_count": 40,
    }  # fmt: skip
    html = child.get(f"/c/{conversation_of(family, 'Q', 'Most in 1999.', details=details).id}").text
    assert "From the music library · 40 rows" in html
    assert "WHERE title &lt;&gt; &#39;&lt;b&gt;&#39;" in html
    assert '<td class="number" dir="auto">12</td>' in html
    assert re.findall(r'<rect x="180" y="\d+" width="([\d.]+)"', html) == ["90.0", "360.0", "180.0"], "old to new"
    assert "37 more rows aren&#39;t kept here." in html
    odd = {"sql": "SELECT 1", "columns": ["a", "b"], "rows": [["x", None], ["y", 2.5]], "row_count": "?"}
    html = child.get(f"/c/{conversation_of(family, 'Q', 'A', details=odd).id}").text
    assert "2 rows" in html
    assert "<rect" not in html
    broken = {"sql": "SELECT 1", "columns": ["a"], "rows": [["x", "y"]]}
    assert child.get(f"/c/{conversation_of(family, 'Q', 'A', details=broken).id}").status_code == 200


def test_one_in_the_trash_can_be_read_and_brought_back(family: Running, child: Browser) -> None:
    talk = conversation_of(family, "Q", "A")
    family.home.conversations.delete(person(family, "child"), talk)
    html = child.get(f"/c/{talk.id}").text
    assert f'action="/c/{talk.id}/restore"' in html
    assert 'id="composer"' not in html
    assert script(child, f"/c/{talk.id}/ask", text="More?").status_code == 409


def test_the_markdown_of_a_message_can_be_had(family: Running, child: Browser) -> None:
    talk = conversation_of(family, "Q", "**bold**\n\n- a\x1b")
    response = child.get(f"/c/{talk.id}/messages/{talk.head_id}/text")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == "**bold**\n\n- a"


# -- a new one


def test_a_new_one_offers_only_what_is_allowed(family: Running, child: Browser) -> None:
    html = child.get("/new", params={"task": "general", "q": "Why <i>?"}).text
    assert '<option value="general" selected>' in html
    assert "Why &lt;i&gt;?</textarea>" in html
    assert 'data-ask="' in html
    family.home.rules.grant(person(family, "mum"), "child", "task:general", Effect.DENY)
    html = child.get("/new", params={"task": "general"}).text
    assert '<option value="general"' not in html
    refused = script(child, "/c/new/ask", text="Hello", task="general", model="")
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "You may not use the task general. Nothing was sent.",
    )
    family.home.rules.revoke(person(family, "mum"), "child", "task:general")


def test_models_to_choose_are_those_that_may_be_used(family: Running, model_server: FakeOpenAI, child: Browser) -> None:
    model_server.models = ["tiny", "large"]
    assert re.findall('value="([^"]+)"', child.get("/new/models").text) == ["tiny", "large"]
    family.home.rules.grant(person(family, "mum"), "child", "model:large", Effect.DENY)
    assert re.findall('value="([^"]+)"', child.get("/new/models").text) == ["tiny"]
    family.home.rules.revoke(person(family, "mum"), "child", "model:large")
    model_server.models = ["tiny"]


# -- asking


def test_a_form_begins_a_conversation_and_goes_on_with_it(
    family: Running, model_server: FakeOpenAI, child: Browser
) -> None:
    model_server.scripts = [Script(["First."]), Script(["Second."])]
    child.get("/new")
    begun = child.post("/c/new/ask", text="One?", task="general", model="tiny")
    assert begun.status_code == 303
    where, _, message = begun.headers["location"].partition("#message-")
    talk = where.removeprefix("/c/")
    assert settled(family, talk) == ["One?", "First."]
    assert family.home.conversations.get(person(family, "child"), talk).model == "tiny"
    assert message in ids(child.get(where).text)
    assert child.post(f"{where}/ask", text="Two?").status_code == 303
    assert settled(family, talk) == ["One?", "First.", "Two?", "Second."]


@pytest.mark.parametrize("how", ["form", "script"])
def test_a_refusal_is_told_where_the_question_is_and_keeps_it(family: Running, child: Browser, how: str) -> None:
    talk = conversation_of(family, "Q", "A")
    user = person(family, "child")
    family.home.rules.set_quota(person(family, "mum"), "child", LimitKind.MESSAGES, 0)
    if how == "form":
        for path, more in ((f"/c/{talk.id}/ask", {}), ("/c/new/ask", {"task": "general", "model": ""})):
            refused = child.post(path, text="What <else>?", **more)
            assert refused.status_code == 429
            assert re.search('<p id="problem" class="problem" role="alert"><strong>[^<]+</strong>', refused.text)
            assert "What &lt;else&gt;?</textarea>" in refused.text
    else:
        refused = script(child, f"/c/{talk.id}/ask", text="What else?")
        assert refused.status_code == 429
        assert refused.json()["hint"]
    assert len(family.home.conversations.messages(user, talk)) == 2
    family.home.rules.remove_quota(person(family, "mum"), "child", LimitKind.MESSAGES)


def test_another_answer_other_words_and_versions(family: Running, model_server: FakeOpenAI, child: Browser) -> None:
    talk = conversation_of(family, "Q", "A")
    model_server.scripts = [Script(["B"]), Script(["C"])]
    child.get(f"/c/{talk.id}")
    answer = talk.head_id or ""
    retried = script(child, f"/c/{talk.id}/retry", message=answer).json()
    assert settled(family, talk.id) == ["Q", "B"]
    html = child.get(f"/c/{talk.id}").text
    assert "2/2" in html
    assert f'formaction="/c/{talk.id}/messages/{retried["answer"]}/version/1"' in html
    assert child.post(f"/c/{talk.id}/messages/{retried['answer']}/version/1").status_code == 303
    assert settled(family, talk.id) == ["Q", "A"]
    for wrong in ("3", "0", "x", "9" * 40, "²"):
        assert child.post(f"/c/{talk.id}/messages/{answer}/version/{wrong}").status_code == 404
    (question, _) = ids(child.get(f"/c/{talk.id}").text)
    edited = script(child, f"/c/{talk.id}/messages/{question}/edit", text="Other?")
    assert edited.status_code == 200
    assert settled(family, talk.id) == ["Other?", "C"]


@pytest.mark.parametrize("ended", [{"status": Status.STOPPED}, {"details": {"finish_reason": "length"}}])
def test_going_on_with_what_broke_off(
    family: Running, model_server: FakeOpenAI, child: Browser, ended: dict[str, Any]
) -> None:
    talk = conversation_of(family, "Q", "It is ", **ended)
    model_server.scripts = [Script(["a cat."])]
    assert "/continue" in child.get(f"/c/{talk.id}").text
    assert child.post(f"/c/{talk.id}/continue").status_code == 303
    assert settled(family, talk.id) == ["Q", "It is a cat."]
    assert "/continue" not in child.get(f"/c/{talk.id}").text, "it is whole now"


def test_deleting_a_message_and_going_on_elsewhere(family: Running, child: Browser) -> None:
    talk = conversation_of(family, "Q1", "A1", "Q2", "A2")
    child.get(f"/c/{talk.id}")
    shown = ids(child.get(f"/c/{talk.id}").text)
    fork = script(child, f"/c/{talk.id}/messages/{shown[1]}/fork").json()["conversation"]
    assert settled(family, fork) == ["Q1", "A1"]
    assert child.post(f"/c/{talk.id}/messages/{shown[3]}/delete").status_code == 303
    assert settled(family, talk.id) == ["Q1", "A1", "Q2"]
    whole = child.post(f"/c/{talk.id}/fork").headers["location"].removeprefix("/c/")
    assert settled(family, whole) == ["Q1", "A1", "Q2"]


def test_ids_of_one_conversation_dont_open_anothers_messages(family: Running, child: Browser) -> None:
    own, other = conversation_of(family, "Q", "A"), conversation_of(family, "Secret", "Hidden", name="cousin")
    child.get(f"/c/{own.id}")
    for path in (f"/c/{own.id}/messages/{other.head_id}", f"/c/{own.id}/messages/{other.head_id}/text"):
        assert child.get(path).status_code == 404
    assert child.get(f"/c/{own.id}/shown", params={"before": other.head_id or ""}).status_code == 404
    for what in ("delete", "fork", "version/1", "edit"):
        assert child.post(f"/c/{own.id}/messages/{other.head_id}/{what}", text="x").status_code == 404
    assert child.post(f"/c/{own.id}/retry", message=other.head_id or "").status_code == 404


def test_how_answers_are_asked_for_in_one_conversation(family: Running, child: Browser) -> None:
    talk = conversation_of(family, "Q", "A")
    where = f"/c/{talk.id}"
    child.get(where)
    chosen = {"model": "tiny", "system_prompt": "Be <brief>.", "temperature": "0,5", "max_tokens": "100"}
    assert child.post(f"{where}/settings", **chosen).status_code == 303
    found = family.home.conversations.get(person(family, "child"), talk.id)
    assert (found.model, found.system_prompt) == ("tiny", "Be <brief>.")
    assert found.parameters == Parameters(0.5, None, 100)
    html = child.get(where).text
    assert "Be &lt;brief&gt;.</textarea>" in html
    assert 'value="0.5"' in html
    for wrong in ({"temperature": "warm"}, {"temperature": "3"}, {"max_tokens": "inf"}, {"max_tokens": "0"}):
        assert child.post(f"{where}/settings", **{**chosen, **wrong}).status_code == 422
    assert (
        child.post(f"{where}/settings", model="", system_prompt=" ", temperature="", max_tokens="").status_code == 303
    )
    emptied = family.home.conversations.get(person(family, "child"), talk.id)
    assert (emptied.model, emptied.system_prompt, emptied.parameters) == (None, None, Parameters())


# -- taking it along


@pytest.mark.parametrize(
    ("name", "kind", "begins"),
    [
        ("md", "text/markdown; charset=utf-8", "# Tälk"),
        ("html", "text/html; charset=utf-8", "<!doctype html>"),
        ("json", "application/json", '{"format":"familychat-conversations"'),
    ],
)
def test_exports_are_files(family: Running, child: Browser, name: str, kind: str, begins: str) -> None:
    talk = conversation_of(family, "Q", "A **bold** one")
    family.home.conversations.rename(person(family, "child"), talk, 'Tälk "1"')
    response = child.get(f"/c/{talk.id}/export/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"] == kind
    assert response.text.startswith(begins)
    assert response.headers["content-disposition"] == (
        f"attachment; filename=\"T_lk 1.{name}\"; filename*=UTF-8''T%C3%A4lk%201.{name}"
    )


def test_a_format_that_isnt_there(family: Running, child: Browser) -> None:
    talk = conversation_of(family, "Q", "A")
    assert child.get(f"/c/{talk.id}/export/exe").status_code == 422
