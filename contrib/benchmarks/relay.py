"""What ``chat.send`` costs: a 2,000-token stream read bare, and relayed, stored and shown as events.

Bare is httpx reading the same stream's lines and counting them, nothing else. Both read from one upstream process
that writes as fast as it is read, and the database is a real file. First-token times run from the request (or the call
of ``send``) to the first token; whole times up to the stored end of the turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import httpx
from measuring import Row, finish, median, report
from upstream import LINES, TOKENS

from familychat.chat import NewConversation
from familychat.events import Completed, Delta
from familychat.household import Household
from familychat.models import Conversation, User
from familychat.settings import Settings

REPETITIONS = 15
COALESCED = 64
LONG_TURNS = 10


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds to the first token, and to the end."""

    first: float
    whole: float


@dataclass(frozen=True, slots=True)
class Round:
    """One repetition: the bare reader, a new conversation, and that conversation's second turn."""

    bare: Times
    fresh: Times
    continued: Times


async def bare(client: httpx.AsyncClient) -> Times:
    """Read the stream and do nothing with it."""
    body = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    began, first, count = time.perf_counter(), 0.0, 0
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                first = first or time.perf_counter() - began
                count += 1
    assert count == LINES
    return Times(first, time.perf_counter() - began)


async def relayed(home: Household, user: User, conversation: Conversation | NewConversation) -> Times:
    """The same through the library."""
    began, first, count = time.perf_counter(), 0.0, 0
    async for event in home.chat.send(user, conversation, "Hello"):
        if isinstance(event, Delta):
            first = first or time.perf_counter() - began
            count += 1
    whole = time.perf_counter() - began
    assert count == TOKENS
    assert isinstance(event, Completed)
    return Times(first, whole)


async def one_round(client: httpx.AsyncClient, home: Household, user: User) -> Round:
    """Each of them once, in turn."""
    plain = await bare(client)
    fresh = await relayed(home, user, NewConversation())
    return Round(plain, fresh, await relayed(home, user, home.conversations.newest(user, 1)[0]))


async def measure(address: str, folder: Path) -> tuple[list[Round], list[Times]]:
    """All rounds, and the turns of one conversation that grows long."""
    home = Household(Settings(data_dir=folder, server_kind="openai", server_url=address))
    user = home.accounts.people.all()[0]
    async with aclosing(home), httpx.AsyncClient(base_url=address, trust_env=False) as client:
        await one_round(client, home, user)  # connects, imports
        rounds = [await one_round(client, home, user) for _ in range(REPETITIONS)]
        conversation = home.conversations.newest(user, 1)[0]
        return rounds, [await relayed(home, user, conversation) for _ in range(LONG_TURNS)]


@contextlib.contextmanager
def upstream(together: int, pace: float = 0.0) -> Iterator[str]:
    """The address of a model server in a process of its own that writes ``together`` tokens at once.

    With a ``pace`` in seconds it waits before each write, and ends early.
    """
    script = Path(__file__).with_name("upstream.py")
    command = [sys.executable, str(script), str(together), str(pace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def speed(times: Sequence[Times]) -> float:
    """Tokens a second over whole turns."""
    return TOKENS / median([one.whole for one in times])


def slower(rounds: Sequence[Round], ours: Callable[[Round], Times]) -> float:
    """How many times the bare reader's whole time, as the median over the rounds."""
    return median([ours(one).whole / one.bare.whole for one in rounds])


def added(rounds: Sequence[Round], ours: Callable[[Round], Times]) -> float:
    """Milliseconds added to the first token, as the median over the rounds."""
    return median([ours(one).first - one.bare.first for one in rounds]) * 1000


def fresh(one: Round) -> Times:
    return one.fresh


def continued(one: Round) -> Times:
    return one.continued


def token_by_token(rounds: Sequence[Round], long: Sequence[Times]) -> list[Row]:
    """The figures with bounds: half the bare reader's speed is twice its time."""
    return [
        Row("bare httpx reader", speed([one.bare for one in rounds]), "tokens/s"),
        Row("chat.send, new conversation", speed([one.fresh for one in rounds]), "tokens/s"),
        Row("chat.send, continued", speed([one.continued for one in rounds]), "tokens/s"),
        Row("time against bare, new conversation", slower(rounds, fresh), "times", 2),
        Row("time against bare, continued", slower(rounds, continued), "times", 2),
        Row("first token, bare", median([one.bare.first for one in rounds]) * 1000, "ms"),
        Row("added to the first token, new conversation", added(rounds, fresh), "ms", 10),
        Row("added to the first token, continued", added(rounds, continued), "ms", 10),
        Row(f"first token after {LONG_TURNS + 1} long turns", long[-1].first * 1000, "ms"),
    ]


def coalescing(rounds: Sequence[Round]) -> list[Row]:
    """For information: what is left of the bare reader's work is little, so the ratio is larger."""
    return [
        Row("bare httpx reader", speed([one.bare for one in rounds]), "tokens/s"),
        Row("chat.send, new conversation", speed([one.fresh for one in rounds]), "tokens/s"),
        Row("time against bare, new conversation", slower(rounds, fresh), "times"),
        Row("added to the first token, new conversation", added(rounds, fresh), "ms"),
    ]


def main() -> list[Row]:
    """Measure with each upstream."""
    with tempfile.TemporaryDirectory() as folder, upstream(1) as address:
        single = token_by_token(*asyncio.run(measure(address, Path(folder))))
    with tempfile.TemporaryDirectory() as folder, upstream(COALESCED) as address:
        together = coalescing(asyncio.run(measure(address, Path(folder)))[0])
    return [
        *report(f"Relaying {TOKENS:,} tokens through chat.send, each written by itself", single),
        *report(f"The same, {COALESCED} tokens in each write", together),
    ]


if __name__ == "__main__":
    finish(main())
