"""A model server that is never the bottleneck: plain sockets, as fast as it is read.

``upstream.py 1`` writes and flushes each token by itself; ``upstream.py 64`` puts 64 tokens into one HTTP chunk and one
write, as a proxy in between may do. ``upstream.py 1 0.05`` waits so many seconds before each write, and ends after 100.
"""

from __future__ import annotations

import asyncio
import json
import sys

TOKENS = 2000
PACED = 100
"""So many writes of a paced answer come before its end."""
LINES = TOKENS + 2
"""Lines of data in an answer: the tokens, the finish, and ``[DONE]``."""
MODELS = json.dumps({"object": "list", "data": [{"id": "tiny", "max_model_len": 1_000_000}]}).encode()


def _event(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


PIECES = [_event({"choices": [{"index": 0, "delta": {"content": f"word{n} "}}]}) for n in range(TOKENS)]
USAGE = {"prompt_tokens": 5, "completion_tokens": TOKENS}
END = _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE}) + b"data: [DONE]\n\n"


def _http_chunks(together: int) -> list[bytes]:
    """The answer's body, ``together`` tokens a chunk."""
    bodies = [b"".join(PIECES[start : start + together]) for start in range(0, TOKENS, together)]
    return [b"%x\r\n%s\r\n" % (len(body), body) for body in (*bodies, END)] + [b"0\r\n\r\n"]


class Upstream:
    """Answers every GET with the one model, every POST with the whole stream. Connections stay open."""

    def __init__(self, together: int, pace: float) -> None:
        chunks = _http_chunks(together)
        self._chunks = [*chunks[:PACED], *chunks[-2:]] if pace else chunks
        self._pace = pace

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_content_length(head))
        if head.startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
            writer.write(b"content-length: %d\r\n\r\n%s" % (len(MODELS), MODELS))
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for chunk in self._chunks:
            if self._pace:
                await asyncio.sleep(self._pace)
            writer.write(chunk)  # sent at once: asyncio buffers only what the socket doesn't take
            await writer.drain()


def _content_length(head: bytes) -> int:
    fields = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    return next((int(value) for name, _, value in fields if name == b"content-length"), 0)


async def main(together: int, pace: float = 0.0) -> None:
    """Serve on a free loopback port, which the first line of output names."""
    server = await asyncio.start_server(Upstream(together, pace).connected, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *map(float, sys.argv[2:])))
