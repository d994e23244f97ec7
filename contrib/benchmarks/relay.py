"""What ``chat.send`` costs: a 2,000-token stream read bare, and relayed, stored and shown as events.

Bare is httpx reading the same stream's lines and counting them, nothing else. Both read from one upstream process
that writes as fast as it is read. First-token times run from the request (or the call of ``send``) to the first token.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

import httpx
from measuring import Row, finish, median, report
from upstream import TOKENS

from familychat.chat import NewConversation
from familychat.events import Delta
from familychat.household import Household
from familychat.models import Conversation, User
from familychat.settings import Settings

REPETITIONS = 15


async def bare(client: httpx.AsyncClient) -> tuple[float, float]:
    """Seconds to the first token and to the end."""
    body = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    began, first, count = time.perf_counter(), 0.0, 0
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                first = first or time.perf_counter() - began
                count += 1
    assert count == TOKENS + 2
    return first, time.perf_counter() - began


async def relayed(home: Household, user: User, conversation: Conversation | NewConversation) -> tuple[float, float]:
    """The same through the library, up to the stored end of the turn."""
    began, first, count = time.perf_counter(), 0.0, 0
    async for event in home.chat.send(user, conversation, "Hello"):
        if isinstance(event, Delta):
            first = first or time.perf_counter() - began
            count += 1
    assert count == TOKENS
    return first, time.perf_counter() - began


async def measure(address: str, folder: Path) -> bool:
    """Interleave the two, each in a new conversation."""
    home = Household(Settings(data_dir=folder, server_kind="openai", server_url=address))
    user = home.accounts.people.all()[0]
    async with aclosing(home), httpx.AsyncClient(base_url=address, trust_env=False) as client:
        await bare(client)
        await relayed(home, user, NewConversation())
        pairs = [(await bare(client), await relayed(home, user, NewConversation())) for _ in range(REPETITIONS)]
        conversation = home.conversations.newest(user, 1)[0]
        continued = [await relayed(home, user, conversation) for _ in range(5)]
    slower = median([ours[1] / plain[1] for plain, ours in pairs])
    added = median([ours[0] - plain[0] for plain, ours in pairs]) * 1000
    return report(
        f"Relaying {TOKENS:,} tokens through chat.send",
        [
            Row("bare httpx reader", TOKENS / median([plain[1] for plain, _ in pairs]), "tokens/s"),
            Row("chat.send, stored", TOKENS / median([ours[1] for _, ours in pairs]), "tokens/s"),
            Row("time, chat.send / bare (median of pairs)", slower, "times", 2.0),
            Row("added to the first token", added, "ms", 10.0),
            Row("first token, bare", median([plain[0] for plain, _ in pairs]) * 1000, "ms"),
            Row("first token, going on with a long chat", median([one[0] for one in continued]) * 1000, "ms"),
        ],
    )


def main() -> bool:
    """Start the upstream, measure, stop it."""
    script = Path(__file__).with_name("upstream.py")
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            return asyncio.run(measure(f"http://127.0.0.1:{process.stdout.readline().strip()}", Path(folder)))
        finally:
            process.terminate()


if __name__ == "__main__":
    finish(main())
