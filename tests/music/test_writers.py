"""Both writers over scripted models: whatever a model says, something sensible comes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from familychat.consulting import ModelAccess
from familychat.errors import ModelServerError, ServerUnreachableError
from familychat.llm.base import ChatMessage, ModelInfo
from familychat.llm.discovery import ServerChoice
from familychat.settings import Settings
from familychat.testing import FakeOpenAI, Request, Script
from familychat_music.drafts import Decline, Draft, Drafts
from familychat_music.engine import Answer, Asked, MusicEngine
from familychat_music.reading import read
from familychat_music.rows import Rows
from familychat_music.writers import free, plan
from familychat_music.writers.base import Example, Task, WriterName, json_in, suited

pytestmark = pytest.mark.anyio

Opened = Callable[[FakeOpenAI], AbstractAsyncContextManager[ModelAccess]]
Look = Callable[[str], Rows]

QUEEN = "SELECT title FROM songs WHERE id IN (SELECT song_id FROM song_artists WHERE artist = 'Queen')"


@pytest.fixture
def access(tmp_path: Any) -> Opened:
    """A fake server as one person may use it."""

    @asynccontextmanager
    async def opened(fake: FakeOpenAI) -> AsyncIterator[ModelAccess]:
        settings = Settings(data_dir=tmp_path, server_kind="openai", server_url="http://fake")
        servers = ServerChoice(settings, fake.transport())
        yield ModelAccess(servers, lambda name: None, wanted=None, default=None)
        await servers.aclose()

    return opened


def says(text: str) -> Script:
    return Script(pieces=(text,))


def writes(sql: str | None) -> Script:
    return says(json.dumps({"sql": sql}))


async def ask(engine: MusicEngine, access: Opened, fake: FakeOpenAI, text: str, writer: WriterName) -> Answer:
    async with access(fake) as consultant:
        steps = [step async for step in engine.ask(Asked(text, writer=writer), consultant)]
    answers = [step for step in steps if isinstance(step, Answer)]
    assert len(answers) == 1
    assert steps[-1] is answers[0]
    return answers[0]


# -- free


@pytest.mark.parametrize(
    ("answer", "sql", "declined"),
    [
        ('{"sql": "SELECT 1"}', "SELECT 1", False),
        ('  {"sql": "SELECT 1"}  ', "SELECT 1", False),
        ('```json\n{"sql": "SELECT 1"}\n```', "SELECT 1", False),
        ('Sure! Here it is: {"sql": "SELECT 1"} I hope it helps.', "SELECT 1", False),
        ('{"thought": {"x": 1}, "sql": "SELECT 1"}', "SELECT 1", False),
        ("```sql\nSELECT title\nFROM songs\n```\nThis lists songs.", "SELECT title\nFROM songs", False),
        ("```sqlite\nWITH x AS (SELECT 1) SELECT * FROM x```", "WITH x AS (SELECT 1) SELECT * FROM x", False),
        ("```\nSELECT 1\n```", "SELECT 1", False),
        ("SELECT 1", "SELECT 1", False),
        ("select 1", "select 1", False),
        ('{"sql": null}', None, True),
        ('{"sql": ""}', None, False),
        ('{"sql": 7}', None, False),
        ('{"sql": ["SELECT 1"]}', None, False),
        ("", None, False),
        ("   \n", None, False),
        ("I can't tell.", None, False),
        ("Das kann ich nicht sagen.", None, False),
        ("null", None, False),
        ("[]", None, False),
        ("{", None, False),
        ("{}", None, False),
    ],
)
def test_what_a_model_wrote(answer: str, sql: str | None, declined: bool) -> None:
    assert free.parse(answer) == (sql, declined)


def test_json_in_prose() -> None:
    assert json_in('x {"a": {"b": 1}} y {"c": 2}') == {"a": {"b": 1}}
    assert json_in('{broken {"a": 1}') == {"a": 1}
    assert json_in("{" * 500) is None
    assert json_in("") is None


async def test_the_model_s_sql_is_run(engine: MusicEngine, access: Opened, look: Look) -> None:
    fake = FakeOpenAI(writes(QUEEN), models=["big-70b"])
    answer = await ask(engine, access, fake, "anything of Queen", WriterName.FREE)
    assert (answer.sql, answer.writer, answer.model) == (QUEEN, WriterName.FREE, "big-70b")
    assert sorted(answer.rows.rows) == sorted(look(QUEEN).rows)
    assert answer.tried == ()
    body = fake.chats[0].body
    assert body["temperature"] == 0
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["sql"]
    prompt = body["messages"][0]["content"]
    assert all(name in prompt for name in ("songs", "song_artists", "duration_seconds", "in seconds"))
    assert body["messages"][-1]["content"].startswith("Question: anything of Queen")
    assert "'Queen'" in body["messages"][-1]["content"], "the linked name is offered"


async def test_names_in_the_model_s_sql_are_caseless(engine: MusicEngine, access: Opened, look: Look) -> None:
    fake = FakeOpenAI(writes(QUEEN.replace("'Queen'", "'qUEEN'")))
    answer = await ask(engine, access, fake, "songs by Queen", WriterName.FREE)
    assert sorted(answer.rows.rows) == sorted(look(QUEEN).rows)


@pytest.mark.parametrize(
    "text",
    ['Here you are:\n```json\n{"sql": "' + QUEEN + '"}\n```', "```sql\n" + QUEEN + "\n```", "The query is\n" + QUEEN],
)
async def test_sql_in_prose_and_fences(text: str, engine: MusicEngine, access: Opened) -> None:
    answer = await ask(engine, access, FakeOpenAI(says(text)), "songs by Queen", WriterName.FREE)
    assert answer.writer is WriterName.FREE
    assert len(answer.rows.rows) == 10


@pytest.mark.parametrize(
    "text",
    ["", "I'd love to help you with that!", '{"sql": "SELECT title FROM songs WHERE', "Ich weiß es nicht.", "{}", "[]",
     '{"sql": 7}', "\u0000\ufffd", "Voici la réponse : il y en a dix.", '{"query": "x"}'],
)  # fmt: skip
async def test_no_sql_falls_back_on_the_first_draft(text: str, engine: MusicEngine, access: Opened, look: Look) -> None:
    answer = await ask(engine, access, FakeOpenAI(says(text)), "songs by Queen", WriterName.FREE)
    assert answer.sql is not None
    assert sorted(answer.rows.rows) == sorted(look(QUEEN).rows)


async def test_wrong_sql_goes_back_with_the_reason(engine: MusicEngine, access: Opened, look: Look) -> None:
    first, second = "SELECT song FROM songs", "SELECT title FORM songs"
    fake = FakeOpenAI(writes(first), writes(second), writes(QUEEN))
    answer = await ask(engine, access, fake, "songs by Queen", WriterName.FREE)
    assert [sql for sql, _ in answer.tried] == [first, second]
    assert all(reason for _, reason in answer.tried)
    assert sorted(answer.rows.rows) == sorted(look(QUEEN).rows)
    sent = [message["content"] for message in fake.chats[1].body["messages"]]
    assert json.loads(sent[-2]) == {"sql": first}
    assert answer.tried[0][1] in sent[-1]
    assert "song" in sent[-1]


async def test_three_wrong_statements_end_with_a_draft_or_an_apology(
    engine: MusicEngine, access: Opened, look: Look
) -> None:
    fake = FakeOpenAI(writes("SELECT nothing FROM songs"))
    answer = await ask(engine, access, fake, "songs by Queen", WriterName.FREE)
    assert len(fake.chats) <= 3
    assert answer.writer is WriterName.PLAN
    assert sorted(answer.rows.rows) == sorted(look(QUEEN).rows)


async def test_no_rows_go_back_too(engine: MusicEngine, access: Opened) -> None:
    fake = FakeOpenAI(writes("SELECT title FROM songs WHERE artist = 'Quen'"), writes(QUEEN))
    answer = await ask(engine, access, fake, "songs by Queen", WriterName.FREE)
    assert len(answer.rows.rows) == 10
    assert "no rows" in fake.chats[1].body["messages"][-1]["content"]


async def test_nothing_stays_nothing(engine: MusicEngine, access: Opened) -> None:
    nothing = "SELECT title FROM songs WHERE year = 1901"
    answer = await ask(engine, access, FakeOpenAI(writes(nothing)), "songs from 1901", WriterName.FREE)
    assert answer.sql is not None
    assert answer.rows.rows == ()
    assert answer.text == "I found nothing that fits."


@pytest.mark.parametrize(
    ("text", "decline"),
    [
        ("hello there!", Decline.GREETING),
        ("what are the lyrics of Imagine?", Decline.BEYOND),
        ("delete all songs", Decline.HOSTILE),
        ("songs by Queen", Decline.UNCLEAR),
    ],
)
async def test_a_model_may_decline(text: str, decline: Decline, engine: MusicEngine, access: Opened) -> None:
    answer = await ask(engine, access, FakeOpenAI(writes(None)), text, WriterName.FREE)
    assert (answer.sql, answer.rows, answer.decline) == (None, Rows((), ()), decline)
    assert answer.text.strip()


async def test_examples_and_what_was_before_are_shown(engine: MusicEngine, access: Opened) -> None:
    fake = FakeOpenAI(writes(QUEEN))
    example = Example("Opa's songs", "SELECT title FROM songs WHERE rating = 5")
    async with access(fake) as consultant:
        asked = Asked("and Queen?", None, ("songs by ABBA", "SELECT 1"), WriterName.FREE, (example,))
        assert [step async for step in engine.ask(asked, consultant)]
    contents = [message["content"] for message in fake.chats[0].body["messages"]]
    assert contents[1] == "Opa's songs"
    assert json.loads(contents[2]) == {"sql": example.sql}
    assert "songs by ABBA" in contents[-1]
    assert "SELECT 1" in contents[-1]


# -- plan


class Chooser:
    """A model that answers from a function of what it is asked."""

    def __init__(self, answer: Callable[[list[str]], str] | ModelServerError) -> None:
        self.answer = answer
        self.meanings: list[list[str]] = []

    async def model(self) -> ModelInfo:
        return ModelInfo("small-1b")

    async def ask(
        self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any] | None = None, max_tokens: int = 300
    ) -> str:
        if isinstance(self.answer, ModelServerError):
            raise self.answer
        assert schema is not None
        self.meanings.append(schema["properties"]["meaning"]["enum"])
        assert all(meaning in messages[-1].content for meaning in self.meanings[-1])
        return self.answer(self.meanings[-1])


def close_task(engine: MusicEngine) -> Task:
    """A question of two meanings that are equally likely."""
    first = engine.propose("songs by Queen").drafts[0]
    second = engine.propose("songs by ABBA").drafts[0]
    drafts = (Draft(first.plan, 1.0, first.sql), Draft(second.plan, 0.9, second.sql))
    return Task("songs by Queen or by ABBA", Drafts(read("songs by Queen or by ABBA"), drafts), engine.schema)


async def test_the_model_chooses(engine: MusicEngine) -> None:
    task = close_task(engine)
    for place in (0, 1):
        model = Chooser(lambda meanings, place=place: json.dumps({"meaning": meanings[place]}))  # type: ignore[misc]
        written = await plan.write(task, model)
        assert written.sql == task.drafts.drafts[place].sql
        assert (written.writer, written.model) == (WriterName.PLAN, "small-1b")
        assert len(model.meanings[0]) == 2


@pytest.mark.parametrize(
    "answer", ["", "nonsense", "{}", '{"meaning": null}', '{"meaning": "something else"}', "[]", '{"meaning": ["x"]}',
               '{"meaning"', "The second one!"]
)  # fmt: skip
async def test_garbage_gets_the_first_draft(answer: str, engine: MusicEngine) -> None:
    task = close_task(engine)
    written = await plan.write(task, Chooser(lambda _: answer))
    assert written.sql == task.drafts.drafts[0].sql


@pytest.mark.parametrize("error", [ServerUnreachableError("nobody is there"), ModelServerError("out of memory")])
async def test_without_a_model_the_first_draft_is_taken(error: ModelServerError, engine: MusicEngine) -> None:
    task = close_task(engine)
    written = await plan.write(task, Chooser(error))
    assert (written.sql, written.model) == (task.drafts.drafts[0].sql, None)
    assert (await plan.write(task, None)).sql == task.drafts.drafts[0].sql


async def test_a_draft_that_is_clearly_ahead_needs_no_model(engine: MusicEngine) -> None:
    task = close_task(engine)
    far = (task.drafts.drafts[0], Draft(None, -5.0, decline=Decline.UNCLEAR))
    model = Chooser(lambda _: "{}")
    written = await plan.write(Task(task.text, Drafts(task.drafts.question, far), engine.schema), model)
    assert written.sql == far[0].sql
    assert model.meanings == []


async def test_a_draft_that_failed_isn_t_written_again(engine: MusicEngine) -> None:
    task = close_task(engine)
    first, second = task.drafts.drafts
    again = Task(task.text, task.drafts, engine.schema, complaints=((str(first.sql), "It found no rows."),))
    assert (await plan.write(again, None)).sql == second.sql
    done = Task(
        task.text, task.drafts, engine.schema, complaints=tuple((str(draft.sql), "no") for draft in (first, second))
    )
    assert (await plan.write(done, None)).sql is None


# -- which writer, and a server that can't hold to a schema


@pytest.mark.parametrize(
    ("model", "writer"),
    [
        (ModelInfo("llama-3.2-1b-instruct"), WriterName.PLAN),
        (ModelInfo("qwen2.5-0.5b"), WriterName.PLAN),
        (ModelInfo("qwen2.5-coder-7b-instruct"), WriterName.FREE),
        (ModelInfo("gemma3:27b"), WriterName.FREE),
        (ModelInfo("mixtral-8x7b"), WriterName.FREE),
        (ModelInfo("phi", parameters="3.8B"), WriterName.FREE),
        (ModelInfo("phi", parameters="1.5B"), WriterName.PLAN),
        (ModelInfo("smollm2:135m"), WriterName.PLAN),
        (ModelInfo("SmolLM2-360M-Instruct"), WriterName.PLAN),
        (ModelInfo("smollm", parameters="134.52M"), WriterName.PLAN),
        (ModelInfo("tiny", size_bytes=300_000_000), WriterName.PLAN),
        (ModelInfo("large", size_bytes=8_000_000_000), WriterName.FREE),
        (ModelInfo("somebody"), WriterName.FREE),
        (ModelInfo("model-4bit", size_bytes=300_000_000), WriterName.PLAN),
    ],
)
def test_the_writer_suits_the_model(model: ModelInfo, writer: WriterName) -> None:
    assert suited(model) is writer


@pytest.mark.parametrize(("name", "writer"), [("small-1b", WriterName.PLAN), ("large-70b", WriterName.FREE)])
async def test_auto_takes_what_suits(name: str, writer: WriterName, engine: MusicEngine, access: Opened) -> None:
    fake = FakeOpenAI(writes(QUEEN), models=[name])
    answer = await ask(engine, access, fake, "songs by Queen", WriterName.AUTO)
    assert answer.writer is writer
    assert len(answer.rows.rows) == 10


class Strict(FakeOpenAI):
    """A server that doesn't know response_format."""

    def chat(self, asked: Request) -> httpx.Response:
        if "response_format" in asked.body:
            return httpx.Response(400, json={"error": {"message": "unknown field response_format"}})
        return super().chat(asked)


async def test_a_server_without_schemas_is_asked_again_without(engine: MusicEngine, access: Opened) -> None:
    fake = Strict(writes(QUEEN))
    answer = await ask(engine, access, fake, "songs by Queen", WriterName.FREE)
    assert (answer.sql, answer.writer) == (QUEEN, WriterName.FREE)
    assert ["response_format" in chat.body for chat in fake.chats] == [True, False]


async def test_a_server_that_is_out_of_order_is_asked_twice_at_most(engine: MusicEngine, access: Opened) -> None:
    fake = FakeOpenAI(Script(error="out of memory", status=500))
    answer = await ask(engine, access, fake, "songs by Queen", WriterName.FREE)
    assert len(answer.rows.rows) == 10
    assert len(fake.chats) == 2
