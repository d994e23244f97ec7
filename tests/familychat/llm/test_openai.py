"""The OpenAI-compatible client, over swapped transports and a real loopback port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from familychat.errors import (
    AnswerCutShortError,
    ContextTooLongError,
    FamilychatError,
    ModelNotFoundError,
    ModelServerError,
    NotAllowedError,
    ServerUnreachableError,
    UnsupportedError,
)
from familychat.events import Delta, Reasoning
from familychat.llm.base import ChatMessage, ChatRequest, Finish, Part
from familychat.llm.openai import OpenAIServer
from familychat.models import Parameters
from familychat.settings import Settings
from familychat.testing import FakeOpenAI, Script, serve

pytestmark = pytest.mark.anyio

ASKED = ChatRequest("maker/tiny:8b", [ChatMessage("user", "Hi")], Parameters(0.5, None, 9))


@asynccontextmanager
async def server_of(fake: FakeOpenAI | str, **values: object) -> AsyncIterator[OpenAIServer]:
    settings = Settings(data_dir=Path("/nowhere"), **values)  # type: ignore[arg-type]
    address, transport = (fake, None) if isinstance(fake, str) else ("http://fake", fake.transport())
    server = OpenAIServer(settings, address, transport)
    try:
        yield server
    finally:
        await server.aclose()


async def collect(parts: AsyncGenerator[Part, None]) -> tuple[str, str, Finish | None]:
    answer, thought, finish = "", "", None
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, Delta):
                answer += part.text
            elif isinstance(part, Reasoning):
                thought += part.text
            elif isinstance(part, Finish):
                finish = part
    return answer, thought, finish


async def ask(script: Script) -> tuple[str, str, Finish | None]:
    async with server_of(FakeOpenAI(script)) as server:
        return await collect(server.stream_chat(ASKED))


async def test_an_answer_with_usage() -> None:
    fake = FakeOpenAI(Script(pieces=("Good ", "day")))
    async with server_of(fake, server_api_key="a secret") as server:
        assert await collect(server.stream_chat(ASKED)) == ("Good day", "", Finish("stop", 7, 3))
    asked = fake.chats[0]
    assert asked.headers["authorization"] == "Bearer a secret"
    assert asked.body == {
        "model": "maker/tiny:8b",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 9,
    }


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_kept_apart(field: str) -> None:
    script = Script(pieces=("Yes",), reasoning=("Let ", "me see"), reasoning_field=field)
    assert (await ask(script))[:2] == ("Yes", "Let me see")
    inline = Script(pieces=("<thi", "nk>Let me", " see</th", "ink>\n", "\nYes"))
    assert (await ask(inline))[:2] == ("Yes", "Let me see")


async def test_no_usage_and_no_done_mark() -> None:
    assert (await ask(Script(usage=None, done=False)))[2] == Finish("stop", None, None)
    assert (await ask(Script(finish_reason=None)))[2] == Finish(None, 7, 3)


async def test_a_server_that_does_not_stream() -> None:
    assert (await ask(Script(whole=True, usage=None)))[0] == "Hello there!"


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("the request exceeds the available context size", 400, ContextTooLongError),
        ("model 'x' not found", 404, ModelNotFoundError),
        ("out of memory", 500, ModelServerError),
        ("out of memory", 200, ModelServerError),
        ("no", 401, NotAllowedError),
        ("Unexpected endpoint or method.", 200, UnsupportedError),
    ],
)
async def test_complaints(message: str, status: int, kind: type[FamilychatError]) -> None:
    with pytest.raises(kind):
        await ask(Script(error=message, status=status))


async def test_a_complaint_in_an_older_shape() -> None:
    body = b'{"object": "error", "message": "out of memory", "code": 500}'
    with pytest.raises(ModelServerError, match="out of memory"):
        await ask(Script(raw=[b"data: " + body + b"\n\n"]))


async def test_an_error_in_the_middle_of_a_stream() -> None:
    with pytest.raises(ModelServerError, match="out of memory"):
        await ask(Script(error="out of memory", error_after=2))


async def test_a_stream_that_just_ends() -> None:
    with pytest.raises(AnswerCutShortError, match="too early"):
        await ask(Script(end_after=2))


@pytest.mark.parametrize("after", [0, 2])
async def test_a_line_that_breaks(after: int) -> None:
    with pytest.raises(AnswerCutShortError, match="broke in mid-answer"):
        await ask(Script(break_after=after))
    with serve(FakeOpenAI(Script(break_after=after)).handle) as address:
        async with server_of(address) as server:
            with pytest.raises(AnswerCutShortError, match="broke in mid-answer"):
                await collect(server.stream_chat(ASKED))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
async def test_utf8_split_inside_a_character(size: int) -> None:
    text = "Größe ✓ 日本語 नमस्ते 👨‍👩‍👧 \u2028 end"
    data = f'data: {{"choices":[{{"delta":{{"content":"{text}"}},"finish_reason":"stop"}}]}}\n\n'.encode()
    raw = [data[start : start + size] for start in range(0, len(data), size)]
    assert (await ask(Script(raw=raw)))[0] == text


@pytest.mark.parametrize("raw", [b"data: {nonsense\n\n", b"data: [1]\n\n", b"data: \xff\xfe\n\n"])
async def test_rubbish(raw: bytes) -> None:
    with pytest.raises(ModelServerError):
        await ask(Script(raw=[raw]))


async def test_models() -> None:
    async with server_of(FakeOpenAI(models=("maker/tiny", "b:8b"), context_length=2048)) as server:
        models = await server.list_models()
        assert [(model.name, model.loaded, model.context_length) for model in models] == [
            ("maker/tiny", None, 2048),
            ("b:8b", None, 2048),
        ]
        with pytest.raises(UnsupportedError):
            await server.unload("maker/tiny")
        with pytest.raises(UnsupportedError):
            server.pull("maker/tiny")


async def test_nobody_there() -> None:
    async with server_of("http://127.0.0.1:9") as server:
        with pytest.raises(ServerUnreachableError, match=r"doesn't answer at http://127\.0\.0\.1:9"):
            await server.list_models()
        with pytest.raises(ServerUnreachableError):
            await collect(server.stream_chat(ASKED))


async def test_a_page_that_is_no_model_server() -> None:
    async def page(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, html="<p>Welcome</p>")

    with serve(page) as address:
        async with server_of(address) as server:
            with pytest.raises(ModelServerError, match="isn't JSON"):
                await server.list_models()


async def test_silence_has_an_end() -> None:
    fake = FakeOpenAI(Script(first_delay=5))
    with serve(fake.handle) as address:
        async with server_of(address, server_read_timeout=0.3) as server:
            with pytest.raises(AnswerCutShortError, match="silent for too long"):
                await collect(server.stream_chat(ASKED))


async def test_closing_stops_the_server_over_a_real_port() -> None:
    fake = FakeOpenAI(Script(pieces=["word "] * 1000, delay=0.01))
    with serve(fake.handle) as address:
        async with server_of(address) as server:
            async with aclosing(server.stream_chat(ASKED)) as parts:
                async for _part in parts:
                    if fake.chats[0].sent >= 5:
                        break
            left = time.monotonic()
            while fake.chats[0].closed_at is None and time.monotonic() < left + 2:
                await asyncio.sleep(0.01)
        asked = fake.chats[0]
        assert asked.closed_at is not None
        assert asked.closed_at - left < 0.2
        assert not asked.finished
