"""HTTP to a model server: one client, one way to turn its troubles into our errors.

Redirects are not followed and proxies from the environment are not used: what is asked goes to the configured
address or nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx
import httpx_sse
import msgspec

from familychat.errors import (
    AnswerCutShortError,
    ContextTooLongError,
    ModelNotFoundError,
    ModelServerError,
    NotAllowedError,
    ServerUnreachableError,
    SettingsError,
    UnsupportedError,
)
from familychat.settings import Settings
from familychat.wording import Text

MAX_ERROR_BYTES = 64_000
MAX_JSON_BYTES = 16_000_000
DONE = "[DONE]"

_DECODER = msgspec.json.Decoder()


def new_client(settings: Settings, address: str, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """A client for one model server. Short to connect, patient to read: a model may load for minutes."""
    key = settings.server_api_key or ""
    if not (key.isascii() and key.isprintable()):
        raise SettingsError("The setting server.api_key holds letters that no key has.", "Set it anew.")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(
        base_url=address,
        headers=headers,
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(settings.server_read_timeout, connect=settings.server_connect_timeout),
    )


@contextlib.contextmanager
def server_errors(title: str, address: str, *, began: bool = False) -> Iterator[None]:
    """Turn httpx's errors into ours. ``began``: the answer was under way."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise ServerUnreachableError(
            Text("%(server)s doesn't answer at %(address)s.", server=title, address=address),
            "Is it running? familychat doctor says what to do.",
        ) from error
    except httpx.ReadTimeout as error:
        raise AnswerCutShortError(
            Text("%(server)s has been silent for too long.", server=title),
            "Try again, or raise server.read_timeout in the settings.",
        ) from error
    except httpx.HTTPError as error:
        if began:
            raise AnswerCutShortError(
                Text("The line to %(server)s broke in mid-answer. What had come was kept.", server=title),
                "Ask again with /retry.",
            ) from error
        raise ServerUnreachableError(
            Text("The line to %(server)s at %(address)s broke.", server=title, address=address),
            "Is it still running? familychat doctor says more.",
        ) from error


@contextlib.contextmanager
def expected_shape(title: str) -> Iterator[None]:
    """Around code that takes a server's JSON apart: other programs may listen at the address, too."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ModelServerError(
            Text("%(server)s sent something in a shape that familychat doesn't know.", server=title),
            "Is it really one, and up to date?",
        ) from error


def complaint(body: Any) -> str | None:
    """The text of an ``error`` in a server's body, whatever its shape; None if there is none."""
    if not isinstance(body, dict):
        return None
    # Older vLLM servers send {"object": "error", "message": ...}.
    error = body.get("error") or (body.get("message") if body.get("object") == "error" else None)
    if not error:
        return None
    if isinstance(error, dict):
        error = error.get("message") or error.get("code") or error.get("type") or "unknown"
    return str(error)[:500]


def server_error(title: str, status: int, text: str) -> Exception:
    """The error of ours that fits what a server complained about."""
    lower = text.lower()
    if status in {401, 403}:
        return NotAllowedError(
            Text("%(server)s asks for a key, or refuses the one it got.", server=title),
            "An admin can set it: server.api_key.",
        )
    if "context" in lower and any(word in lower for word in ("exceed", "length", "size", "overflow", "too long")):
        return ContextTooLongError(
            Text("%(server)s says this is longer than the model can read.", server=title),
            "Begin a /new conversation, or ask less at once.",
        )
    if "model" in lower and (status == httpx.codes.NOT_FOUND or "not found" in lower or "does not exist" in lower):
        return ModelNotFoundError(
            Text("%(server)s doesn't have this model: %(text)s.", server=title, text=text),
            "familychat models list shows what there is.",
        )
    if status in {404, 405, 501} or "unexpected endpoint" in lower:
        return UnsupportedError(
            Text("%(server)s doesn't know this request: %(text)s.", server=title, text=text), "Is it up to date?"
        )
    return ModelServerError(
        Text("%(server)s reports: %(text)s.", server=title, text=text), "Try again; familychat doctor says more."
    )


def decode(title: str, content: bytes | str) -> Any:
    """JSON from a server, or :class:`ModelServerError`."""
    try:
        return _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelServerError(
            Text("%(server)s sent something that isn't JSON.", server=title),
            "Is there really a model server at this address?",
        ) from error


async def read_bounded(response: httpx.Response, limit: int) -> bytes:
    """The body, but never more than ``limit`` bytes of it."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > limit:
            break
    return bytes(content[:limit])


async def refuse_failure(title: str, response: httpx.Response) -> None:
    """Raise the fitting error unless the response's status is 2xx; a redirect counts as a failure."""
    if response.is_success:
        return
    if response.is_redirect:
        raise ModelServerError(
            Text("%(server)s sends us to another address, which familychat doesn't follow.", server=title),
            "Set its real address.",
        )
    content = await read_bounded(response, MAX_ERROR_BYTES)
    try:
        text = complaint(msgspec.json.decode(content))
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = None
    raise server_error(title, response.status_code, text or f"HTTP {response.status_code}")


async def call(client: httpx.AsyncClient, title: str, method: str, path: str, json: Any = None) -> Any:
    """One request with a JSON answer. An ``error`` inside a 200 counts as an error."""
    with server_errors(title, str(client.base_url)):
        async with client.stream(method, path, json=json) as response:
            await refuse_failure(title, response)
            content = await read_bounded(response, MAX_JSON_BYTES)
    if not content.strip():
        return {}
    body = decode(title, content)
    text = complaint(body)
    if text:
        raise server_error(title, response.status_code, text)
    return body


async def lines(client: httpx.AsyncClient, title: str, path: str, json: Any) -> AsyncGenerator[Any, None]:
    """A request whose answer is one JSON object a line (NDJSON)."""
    with server_errors(title, str(client.base_url)):
        async with client.stream("POST", path, json=json) as response:
            await refuse_failure(title, response)
            async for line in response.aiter_lines():
                if line.strip():
                    body = decode(title, line.encode())
                    text = complaint(body)
                    if text:
                        raise server_error(title, response.status_code, text)
                    yield body


async def sse_bodies(title: str, response: httpx.Response) -> AsyncGenerator[Any, None]:
    """The JSON of each server-sent event of a response, up to ``[DONE]``, which comes as None.

    A response that is no event stream counts as one event.
    """
    if "text/event-stream" not in response.headers.get("content-type", ""):
        yield decode(title, await read_bounded(response, MAX_JSON_BYTES))
        return
    async for event in httpx_sse.EventSource(response).aiter_sse():
        if event.data == DONE:
            yield None
            return
        if event.data:
            yield decode(title, event.data)


async def events(client: httpx.AsyncClient, title: str, path: str, json: Any) -> AsyncGenerator[dict[str, Any], None]:
    """A request whose answer is a stream of JSON objects as server-sent events."""
    with server_errors(title, str(client.base_url)):
        async with client.stream("POST", path, json=json) as response:
            await refuse_failure(title, response)
            async with contextlib.aclosing(sse_bodies(title, response)) as bodies:
                async for body in bodies:
                    text = complaint(body)
                    if text:
                        raise server_error(title, response.status_code, text)
                    if isinstance(body, dict):
                        yield body
