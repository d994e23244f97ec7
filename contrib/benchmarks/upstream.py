"""A model server that is never the bottleneck: plain sockets, one chunk a token, as fast as it is read."""

from __future__ import annotations

import asyncio
import json
import sys

TOKENS = 2000
MODELS = json.dumps({"object": "list", "data": [{"id": "tiny", "max_model_len": 1_000_000}]}).encode()


def _event(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


PIECES = [_event({"choices": [{"index": 0, "delta": {"content": f"word{n} "}}]}) for n in range(TOKENS)]
USAGE = {"prompt_tokens": 5, "completion_tokens": TOKENS}
END = _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE}) + b"data: [DONE]\n\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        await reader.readexactly(length)
        if head.startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
            writer.write(b"content-length: %d\r\n\r\n%s" % (len(MODELS), MODELS))
            await writer.drain()
            continue
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in (*PIECES, END):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await _answer(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve on a free loopback port, which the first line of output names."""
    server = await asyncio.start_server(_connected, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
