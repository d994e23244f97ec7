"""The page: how soon it is there, what it takes, and what it adds to a stream.

A real ``familychat serve`` in a process of its own, a model server in another, and httpx in place of a browser. The
stream is that of a conversation's page: the question is posted, then the events are followed to their end, with all
that the page renders on the way. Where selenium and Chromium are installed, one opens the long conversation as well.
``--messages N`` searches in a smaller household than a million messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import searching
from measuring import Row, finish, median, percentile, report
from relay import Times, bare, upstream

import familychat_web
from familychat.clock import timestamp
from familychat.household import Household
from familychat.models import Role, User
from familychat.settings import Settings
from familychat.store.sessions import SessionStore

STARTS = 5
ROUNDS = 15
PEOPLE = 100
PACE = 0.05
"""Seconds between two tokens: 20 a second."""
LONG = 2_000
COOKIE = "familychat_session"
TYPE_UNTIL_ANSWERED = """
const type = () => {
  const field = document.getElementById("text");
  if (field) {
    field.value = "x";
    field.dispatchEvent(new Event("input"));
    if (Object.keys(localStorage).some((key) => key.startsWith("draft "))) {
      window.answered = performance.now();
      return localStorage.clear();
    }
  }
  setTimeout(type, 1);
};
type();
"""
"""Our script answers by keeping a draft."""

INTERACTIVE = """
const [painted] = performance.getEntriesByName("first-contentful-paint");
return painted && window.answered ? Math.max(painted.startTime, window.answered) : 0;
"""
_CSRF = re.compile(r'<meta name="csrf" content="([0-9a-f]+)">')


@dataclass(frozen=True, slots=True)
class Served:
    """A page that is being served; ``ready`` is how many seconds it took to be."""

    address: str
    ready: float
    process: subprocess.Popen[str]

    def memory(self) -> float:
        """MB that its process has in memory (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000  # type: ignore[index]


@contextlib.contextmanager
def served(folder: Path, **settings: str) -> Iterator[Served]:
    """Serve a data folder on a free port, until the end."""
    command = [sys.executable, "-m", "familychat_cli.main", "--data-dir", str(folder), "serve", "--port", "0"]
    variables = {f"FAMILYCHAT_{name.upper()}": value for name, value in settings.items()}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "FAMILYCHAT_TITLES": "words", **variables}
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            while httpx.get(f"{address}/health/ready").status_code != httpx.codes.OK:
                time.sleep(0.005)
            yield Served(address, time.perf_counter() - began, process)
        finally:
            process.terminate()


def session(home: Household, user: User) -> str:
    """A token to be signed in with, without the work of checking a password."""
    token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).hexdigest()
    SessionStore(home.database).add(user.id, "web", digest, timestamp(datetime.now(UTC)), address="127.0.0.1")
    return token


def household(folder: Path, people: int) -> list[str]:
    """A new household of so many people; a token for each."""
    home = Household(Settings(data_dir=folder))
    now = timestamp(datetime.now(UTC))
    tokens = [session(home, home.accounts.people.add(f"p{n}", f"P {n}", Role.MEMBER, now)) for n in range(people)]
    home.close()
    return tokens


async def opened(address: str, token: str) -> httpx.AsyncClient:
    """A browser that is signed in and has the page's token for forms."""
    client = httpx.AsyncClient(base_url=address, cookies={COOKIE: token}, trust_env=False, timeout=60)
    found = _CSRF.search((await client.get("/new", headers={"accept": "text/html"})).text)
    assert found is not None
    client.headers.update({"x-csrf-token": found[1], "origin": address, "accept": "application/json"})
    return client


async def asked(client: httpx.AsyncClient) -> tuple[Times, list[float]]:
    """Ask, and follow the answer to its end; also the seconds between one piece of its text and the next."""
    began, first, last, gaps = time.perf_counter(), 0.0, 0.0, []
    response = await client.post("/c/new/ask", data={"text": "Hello", "task": "general", "model": ""})
    chat = response.raise_for_status().json()["conversation"]
    async with client.stream("GET", f"/c/{chat}/events") as events:
        kind = ""
        async for line in events.aiter_lines():
            if line.startswith("event:"):
                kind = line[6:].strip()
            elif line.startswith("data:") and kind == "over":
                break
            elif line.startswith("data:") and json.loads(line[5:]).get("blocks"):
                now = time.perf_counter()
                gaps += [now - last] if last else []
                first, last = first or now - began, now
    return Times(first, time.perf_counter() - began), gaps


async def streams(model: str, address: str, token: str) -> list[tuple[Times, Times]]:
    """The bare wire and the page, in turn."""
    client = await opened(address, token)
    async with httpx.AsyncClient(base_url=model, trust_env=False) as wire, contextlib.aclosing(client):
        await asked(client)
        return [(await bare(wire), (await asked(client))[0]) for _ in range(ROUNDS)]


async def crowd(address: str, tokens: list[str]) -> list[float]:
    """Everybody asks at once; the gaps of all streams."""
    clients = [await opened(address, token) for token in tokens]
    followed = await asyncio.gather(*(asked(client) for client in clients))
    for client in clients:
        await client.aclose()
    return [gap for _, gaps in followed for gap in gaps]


def timed(client: httpx.Client, path: str, **query: str) -> float:
    """Milliseconds to the first byte of an answer."""
    began = time.perf_counter()
    with client.stream("GET", path, params=query) as response:
        next(response.iter_raw())
        took = (time.perf_counter() - began) * 1000
        assert response.status_code == httpx.codes.OK
    return took


def interactive(address: str, token: str, path: str) -> list[Row]:
    """Milliseconds from when a real browser sets out for a page until it is seen and answers to typing."""
    if importlib.util.find_spec("selenium") is None or shutil.which("chromedriver") is None:
        print("\nInteractive: not measured, for there is no Chromium, or nothing to drive it with.")
        return []
    from familychat_web.screens import Screen, chromium  # noqa: PLC0415 -- it needs selenium

    with chromium() as driver:
        screen = Screen(driver, address, "").fresh()
        driver.add_cookie({"name": COOKIE, "value": token})
        screen.cdp("Page.addScriptToEvaluateOnNewDocument", source=TYPE_UNTIL_ANSWERED)
        took: list[float] = []
        while len(took) <= ROUNDS:
            screen.open(path)
            took.append(screen.until(lambda: screen.run(INTERACTIVE)))
    return [
        Row(f"interactive with {LONG:,} messages, the first time", took[0], "ms"),
        Row(f"interactive with {LONG:,} messages, median", median(took[1:]), "ms", 500),
    ]


def reading(messages: int) -> list[Row]:
    """Opening a long conversation and searching, in a household of 8 people."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        home = Household(Settings(data_dir=folder, trash_days=0))
        writer = searching.Writer()
        users = list(searching.people(home))
        searching.seed(home, users, messages, writer)
        long = home.conversations.bring_in(users[0], writer.conversation(LONG, 0))
        assert long is not None
        token = session(home, users[0])
        home.close()
        with served(folder) as page, httpx.Client(base_url=page.address, cookies={COOKIE: token}) as client:
            new = timed(client, f"/c/{long.id}")
        with served(folder) as page, httpx.Client(base_url=page.address, cookies={COOKIE: token}) as client:
            opening = [timed(client, f"/c/{long.id}") for _ in range(30)]
            for text in searching.queries(writer, 6):
                timed(client, "/search", q=text)
            searches = [timed(client, "/search", q=text) for text in searching.queries(writer, 5)]
            seen = interactive(page.address, token, f"/c/{long.id}")
    return [
        Row(f"first byte of {LONG:,} messages, as soon as a new household is ready", new, "ms"),
        Row(f"first byte of {LONG:,} messages, as soon as one is ready again", opening[0], "ms", 60),
        Row(f"first byte of {LONG:,} messages, median", median(opening), "ms", 60),
        *seen,
        Row(f"a search among {messages:,} messages, median", median(searches), "ms"),
        Row("a search, 95th percentile", percentile(searches, 0.95), "ms", 50),
    ]


def main(messages: int = searching.MESSAGES) -> list[Row]:
    """Measure all of it."""
    static = Path(familychat_web.__path__[0]) / "static"
    sizes = {kind: sum(path.stat().st_size for path in static.glob(f"*.{kind}")) / 1000 for kind in ("js", "css")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        tokens = household(folder, PEOPLE)
        starts, idle = [], 0.0
        for _ in range(STARTS):
            with served(folder) as page:
                starts.append(page.ready)
                time.sleep(1)
                idle = max(idle, page.memory())
        with upstream(1) as model, served(folder, server_kind="openai", server_url=model) as page:
            rounds = asyncio.run(streams(model, page.address, tokens[0]))
        with (
            upstream(1, PACE) as model,
            served(folder, server_kind="openai", server_url=model, server_parallel=str(PEOPLE)) as page,
        ):
            gaps = asyncio.run(crowd(page.address, tokens))
    return report(
        "The page",
        [
            Row("ready", median(starts), "s", 1.0),
            Row("memory, idle", idle, "MB", 100),
            Row("2,000 tokens, time against the bare wire", median([b.whole / a.whole for a, b in rounds]), "times", 5),
            Row("added to the first token", median([b.first - a.first for a, b in rounds]) * 1000, "ms", 10),
            Row(f"{PEOPLE} people at once: gap, median", median(gaps) * 1000, "ms"),
            Row(f"{PEOPLE} people at once: gap, 99th percentile", percentile(gaps, 0.99) * 1000, "ms", 150),
            *reading(messages),
            Row("JavaScript", sizes["js"], "kB", 60),
            Row("CSS", sizes["css"], "kB", 40),
        ],
    )


if __name__ == "__main__":
    finish(main(int(sys.argv[sys.argv.index("--messages") + 1]) if "--messages" in sys.argv else searching.MESSAGES))
