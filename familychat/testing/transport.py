"""Reaching a fake: in the same process by an httpx transport, or over a real loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import h11
import httpx

Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]

MAX_EVENT = 16_000_000


class StreamingTransport(httpx.AsyncBaseTransport):
    """Hands requests to ``handler``; the response's stream is read piece by piece, and closed when its reader is."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return await self._handler(request)


class PieceStream(httpx.AsyncByteStream):
    """A response body from an asynchronous generator; ``on_close`` is called once, however it ends."""

    def __init__(self, pieces: AsyncIterator[bytes], on_close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._on_close: Callable[[], None] | None = on_close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            yield piece

    async def aclose(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()


@contextlib.contextmanager
def serve(handler: Handler) -> Iterator[str]:
    """Answer on a loopback port from a thread of its own; yields the address, such as ``http://127.0.0.1:40001``."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    finish = asyncio.Event()
    addresses: list[str] = []

    async def work() -> None:
        connections: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 -- we are in one
            connections.add(task)
            try:
                with contextlib.suppress(ConnectionError, httpx.ReadError, h11.RemoteProtocolError):
                    await _converse(handler, reader, writer)
            finally:
                connections.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        addresses.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        ready.set()
        await finish.wait()
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await asyncio.sleep(0)  # aborted connections close in the next round

    thread = threading.Thread(target=lambda: loop.run_until_complete(work()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(finish.set)
        thread.join()
        loop.close()


async def _converse(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """HTTP/1.1 on one connection, request after request."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_EVENT)
    while True:
        request = await _next_request(connection, reader)
        if request is None:
            return
        response = await handler(request)
        framing = {b"content-length", b"transfer-encoding"}
        headers = [(name, value) for name, value in response.headers.raw if name.lower() not in framing]
        headers.append((b"transfer-encoding", b"chunked"))
        writer.write(connection.send(h11.Response(status_code=response.status_code, headers=headers)) or b"")
        sending = asyncio.create_task(_send_body(connection, response, writer))
        leaving = asyncio.create_task(reader.read(1))  # a client that waits for an answer sends nothing but its end
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return
        finally:
            sending.cancel()
            leaving.cancel()
            _sent, *early = await asyncio.gather(sending, leaving, return_exceptions=True)
        sending.result()
        connection.start_next_cycle()
        if isinstance(early[0], bytes):
            connection.receive_data(early[0])


async def _send_body(connection: h11.Connection, response: httpx.Response, writer: asyncio.StreamWriter) -> None:
    try:
        async for piece in response.aiter_bytes():
            if piece:
                writer.write(connection.send(h11.Data(data=piece)) or b"")
                await writer.drain()
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
    finally:
        await response.aclose()


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> httpx.Request | None:
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            url = "http://fake" + head.target.decode()
            return httpx.Request(head.method.decode(), url, headers=list(head.headers), content=body)
        else:
            return None
