"""What goes to a model server's address and what comes back: headers, proxies, paths, bytes, complaints."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from familychat.errors import (
    ContextTooLongError,
    FamilychatError,
    ModelNotFoundError,
    ModelServerError,
    UnsupportedError,
)
from familychat.events import Delta
from familychat.llm.base import ChatMessage, ChatRequest, ModelInfo
from familychat.llm.discovery import build
from familychat.llm.http import MAX_ERROR_BYTES, complaint, server_error
from familychat.llm.openai import OpenAIServer
from familychat.settings import Settings, load_settings
from familychat.testing import FakeOpenAI, Script, serve

pytestmark = pytest.mark.anyio

NOWHERE = Path("/nowhere")
ASKED = ChatRequest("maker/tiny", [ChatMessage("user", "Hi")])


async def models_of(chosen: Settings) -> list[ModelInfo]:
    server = build(chosen, chosen.server_kind)
    try:
        return await server.list_models()
    finally:
        await server.aclose()


async def answer_of(server: OpenAIServer) -> str:
    async with aclosing(server.stream_chat(ASKED)) as parts:
        return "".join([part.text async for part in parts if isinstance(part, Delta)])


@pytest.mark.parametrize(("key", "header"), [("a secret", "Bearer a secret"), (None, None)])
async def test_the_key_travels_with_every_request(key: str | None, header: str | None) -> None:
    fake = FakeOpenAI()
    server = OpenAIServer(Settings(data_dir=NOWHERE, server_api_key=key), "http://fake", fake.transport())
    await server.list_models()
    await answer_of(server)
    await server.aclose()
    assert [request.headers.get("authorization") for request in fake.requests] == [header, header]


async def test_proxies_of_the_environment_see_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, fake = FakeOpenAI(models=("through the proxy",)), FakeOpenAI(models=("direct",))
    with serve(proxy.handle) as proxy_address, serve(fake.handle) as address:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy_address)
        server = OpenAIServer(Settings(data_dir=NOWHERE), address)
        assert [model.name for model in await server.list_models()] == ["direct"]
        assert await answer_of(server) == "Hello there!"
        await server.aclose()
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("suffix", "prefix"), [("", ""), ("/v1", ""), ("/v1/", ""), ("/llm", "/llm"), ("/llm/v1", "/llm")]
)
async def test_an_address_may_have_a_path(suffix: str, prefix: str, tmp_path: Path) -> None:
    paths: list[str] = []

    async def note(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(200, json={"data": [{"id": "maker/tiny"}]})

    with serve(note) as address:
        flags = {"server.url": address + suffix, "server.kind": "openai", "data_dir": str(tmp_path)}
        server = build(load_settings(flags, environ={}, config_path=tmp_path / "none.toml"), "openai")
        assert [model.name for model in await server.list_models()] == ["maker/tiny"]
        await server.aclose()
    assert paths == [f"{prefix}/v1/models"]


@settings(max_examples=40, deadline=None)
@example("Größe ✓ 日本語 👩", list(range(1, 200)))
@given(st.text(min_size=1, max_size=12), st.lists(st.integers(1, 200), max_size=8))
def test_bytes_may_be_cut_anywhere(text: str, cuts: list[int]) -> None:
    text = "x" + text  # so that it never opens with a tag or with white space that is nobody's
    chunk = json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}, ensure_ascii=False)
    data = b"data: " + chunk.encode() + b"\n\ndata: [DONE]\n\n"
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    script = Script(raw=[data[a:b] for a, b in itertools.pairwise(places)])

    async def ask() -> str:
        server = OpenAIServer(Settings(data_dir=NOWHERE), "http://fake", FakeOpenAI(script).transport())
        try:
            return await answer_of(server)
        finally:
            await server.aclose()

    assert asyncio.run(ask()) == text


async def test_every_dialect_of_server_sent_events() -> None:
    one, two = '{"choices":[{"delta":{"content":"Good "}}]}', '{"choices":[{"delta":{"content":"day"}}]}'
    raw = [
        b": are you still there?\r\n\r\n",
        f"event: message\r\nid: 1\r\ndata:{one}\r\n\r\n".encode(),
        f"data: {two}\n\n".encode(),
        b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n',
        b"data: [DONE]\n\n",
    ]
    server = OpenAIServer(Settings(data_dir=NOWHERE), "http://fake", FakeOpenAI(Script(raw=raw)).transport())
    assert await answer_of(server) == "Good day"
    await server.aclose()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": "plain"}, "plain"),
        ({"error": {"message": "said", "code": 7}}, "said"),
        ({"error": {"code": "context_length_exceeded"}}, "context_length_exceeded"),
        ({"error": {"param": 1}}, "unknown"),
        ({"error": None, "data": []}, None),
        ({"data": []}, None),
        ([{"error": "not ours"}], None),
        ({"error": "x" * 5000}, "x" * 500),
    ],
)
def test_the_text_of_a_complaint(body: object, text: str | None) -> None:
    assert complaint(body) == text


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "the request exceeds the available context size, try increasing it", ContextTooLongError),
        (400, "This model's maximum context length is 4096 tokens. However, you sent 5000.", ContextTooLongError),
        (400, "The number of tokens to keep is greater than the context length", ContextTooLongError),
        (500, "input length exceeds maximum context length", ContextTooLongError),
        (404, "model 'maker/tiny' not found", ModelNotFoundError),
        (400, "The model `maker/tiny` does not exist", ModelNotFoundError),
        (404, "page not found", UnsupportedError),
        (200, "Unexpected endpoint or method. (GET /x)", UnsupportedError),
        (500, "out of memory", ModelServerError),
    ],
)
def test_what_a_complaint_means(status: int, text: str, kind: type[ModelServerError]) -> None:
    assert type(server_error("The server", status, text)) is kind


async def test_an_endless_error_page_is_read_only_so_far() -> None:
    sent = 0

    async def page() -> AsyncGenerator[bytes, None]:
        nonlocal sent
        while True:
            sent += 4096
            yield b"<p>" * 1365 + b"\n"

    async def failing(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(502, headers={"content-type": "text/html"}, content=page())

    server = OpenAIServer(Settings(data_dir=NOWHERE), "http://fake", httpx.MockTransport(failing))
    with pytest.raises(ModelServerError, match="HTTP 502"):
        await server.list_models()
    await server.aclose()
    assert sent <= MAX_ERROR_BYTES + 2 * 4096


@pytest.mark.parametrize("key", ["schlüssel", "a\nb", "a\x00b"])
async def test_a_key_that_no_header_can_hold_is_named(key: str) -> None:
    fake = FakeOpenAI()
    with serve(fake.handle) as address:
        chosen = Settings(data_dir=NOWHERE, server_kind="openai", server_url=address, server_api_key=key)
        with pytest.raises(FamilychatError, match="key") as raised:
            await models_of(chosen)
    assert key not in str(raised.value)
    assert fake.requests == []
