"""A running answer as server-sent events (WHATWG HTML, section 9.2), for everybody of its person who looks on.

What came since the last event is told together, at most ten times a second and at once when nothing was told lately.
The first piece of the answer is told at once in any case.
An event's id is the answer's and how many of the turn's events it covers: who comes back with it goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from familychat.events import Delta, Event, Loading, Notice, Queued, Reasoning, Sql, Started
from familychat.models import Message
from familychat.running import RunningTurn
from familychat_web.growing import Growing
from familychat_web.languages import Translate
from familychat_web.site import WebRequest, site_of
from familychat_web.visits import still_signed_in

SECONDS_BETWEEN = 0.1
SECONDS_TO_LOOK = 0.5
"""How often a quiet stream looks whether it should end."""

KEEP_ALIVE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream was left: an answer, and how many events of its turn had been told."""

    answer: str
    number: int


def place_of(event_id: str) -> Place | None:
    """The place that an event's id names; None for anything else."""
    answer, dot, number = event_id.rpartition(".")
    return Place(answer, int(number)) if dot and number.isascii() and number.isdecimal() else None


class Telling:
    """Turns events into what a page has to do; ``begun`` is what there was of the answer before.

    The first ``known`` events have been told already. ``number`` is how many have come.
    """

    def __init__(self, begun: str, words: Translate, known: int = 0) -> None:
        self.number = 0
        self._known = known
        self._growing = Growing(begun)
        self._words = words
        self._reasoning = ""
        self._waiting: str | None = None
        self._notices: list[str] = []

    def take(self, event: Event) -> None:
        self._take(event)
        self.number += 1
        if self.number == self._known:
            self._growing.forget()
            self._reasoning, self._notices = "", []

    def _take(self, event: Event) -> None:
        if isinstance(event, Delta):
            self._growing.add(event.text)
            self._waiting = None
        elif isinstance(event, Reasoning):
            self._reasoning += event.text
        elif isinstance(event, Notice):
            self._notices.append(self._words(event.text).unescape())
        else:
            self._waiting = self._waiting_for(event) or self._waiting

    def _waiting_for(self, event: Event) -> str | None:
        # The page puts it in as text, so that it mustn't be escaped.
        if isinstance(event, Queued):
            if event.position == 1:
                return self._words("You're next").unescape()
            return self._words("Number %(place)s in the line", place=event.position).unescape()
        if isinstance(event, Loading):
            done = "" if event.fraction is None else f", {event.fraction:.0%}"
            return f"{self._words(event.what).unescape()}{done}"
        if isinstance(event, Started):
            return self._words("%(model)s is thinking", model=event.model).unescape()
        return self._words("Reading from the music library").unescape() if isinstance(event, Sql) else None

    def news(self) -> dict[str, Any]:
        """What is new since the last time: ``blocks`` as :data:`familychat_web.growing.Patch`, ``reasoning`` to be
        added, ``notices``, and ``waiting``, what is being waited for."""
        if self.number <= self._known:
            return {}
        told: dict[str, Any] = {
            "blocks": self._growing.patches(),
            "reasoning": self._reasoning,
            "notices": self._notices,
            "waiting": self._waiting,
        }
        self._reasoning, self._notices, self._waiting = "", [], None
        return {name: value for name, value in told.items() if value}


class Feed:
    """A turn's events in batches: whatever has come. Close it with :meth:`close`."""

    def __init__(self, running: RunningTurn) -> None:
        self._came: list[Event] = []
        self._something = asyncio.Event()
        self._end = asyncio.Event()
        self._hurry = asyncio.Event()
        self._pump = asyncio.create_task(self._collect(running))

    async def _collect(self, running: RunningTurn) -> None:
        answering = False
        async for event in running.follow():
            self._came.append(event)
            self._something.set()
            if isinstance(event, Delta) and not answering:
                answering = True
                self._hurry.set()
        self._end.set()
        self._hurry.set()
        self._something.set()

    @property
    def over(self) -> bool:
        return self._end.is_set() and not self._came

    def taken(self) -> list[Event]:
        """What came since the last time."""
        self._something.clear()
        came, self._came = self._came, []
        return came

    async def wait(self, seconds: float) -> None:
        """Until something has come, but no longer than that."""
        await _at_most(self._something, seconds)

    async def pause(self, seconds: float) -> None:
        """So long, or until the first piece of the answer or the end."""
        await _at_most(self._hurry, seconds)
        if not self._end.is_set():
            self._hurry.clear()

    def close(self) -> None:
        self._pump.cancel()


async def _at_most(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def told(request: WebRequest, running: RunningTurn, after: int, words: Translate) -> AsyncGenerator[bytes, None]:
    """The events of a turn after the first ``after`` of them, up to its end or that of the session or the server."""
    telling = Telling(running.answer.content, words, after)
    feed = Feed(running)
    last = looked = time.monotonic()
    try:
        yield b"retry: 1000\n\n"
        while not feed.over:
            for event in feed.taken():
                telling.take(event)
            news, now = telling.news(), time.monotonic()
            if now - looked >= SECONDS_TO_LOOK:
                if _is_over(request):
                    return
                looked = now
            if news or now - last >= KEEP_ALIVE_SECONDS:
                yield _event("news", news, f"{running.answer.id}.{telling.number}") if news else b": still here\n\n"
                last = now
            await feed.pause(SECONDS_BETWEEN if news else 0)
            if not feed.over:
                await feed.wait(SECONDS_TO_LOOK)
        if not _is_over(request):
            yield over(running.answer.id)
    finally:
        feed.close()


async def overheard(
    request: WebRequest, read: Callable[[], Message | None], words: Translate
) -> AsyncGenerator[bytes, None]:
    """An answer that another process writes, as it is kept: from its beginning, with ``anew``, up to its end.

    ``read`` gives the answer as it is now, None once it isn't being written any more.
    """
    telling, answer, known = Telling("", words), read(), ("", "")
    told_id, anew = (answer.id if answer else None), {"anew": True}
    last = time.monotonic()
    yield b"retry: 1000\n\n"
    while answer is not None and answer.id == told_id and not _is_over(request):
        telling.take(Reasoning(answer.reasoning[len(known[0]) :]))
        telling.take(Delta(answer.content[len(known[1]) :]))
        known = answer.reasoning, answer.content
        news, now = anew | telling.news(), time.monotonic()
        if news or now - last >= KEEP_ALIVE_SECONDS:
            yield _event("news", news, f"{told_id}.0") if news else b": still here\n\n"
            last, anew = now, {}
        await asyncio.sleep(SECONDS_TO_LOOK)
        answer = read()
    if not _is_over(request):
        yield over(told_id)


def _is_over(request: WebRequest) -> bool:
    return site_of(request).stopping.is_set() or not still_signed_in(request)


def over(message_id: str | None) -> bytes:
    """The last event: nothing is running, and this message is as it stays."""
    return _event("over", {"message": message_id}, None)


def _event(name: str, content: dict[str, Any], event_id: str | None) -> bytes:
    # JSON has no line breaks of its own, so that one line of data holds it.
    told_id = f"id: {event_id}\n" if event_id else ""
    return f"event: {name}\n{told_id}data: ".encode() + msgspec.json.encode(content) + b"\n\n"
