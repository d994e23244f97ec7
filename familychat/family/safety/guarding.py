"""A turn under the filter: the question is checked first, and the answer is released in checked sentences."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from familychat.errors import ModelServerError
from familychat.events import Delta, Event, Reasoning
from familychat.family.safety.filter import ANSWER, Finding, SafetyFilter, filter_for
from familychat.family.safety.sentences import Sentences

if TYPE_CHECKING:
    from familychat.tasks.base import Task
    from familychat.turn import Turn

BATCH, LARGE_BATCH = 300, 1200
"""Letters of sentences that a model checks at once; more of them when the answer is ahead of its checks."""

_FENCE = "```"


def guarded(task: Task, turn: Turn, *, longest: int) -> AsyncGenerator[Event, None]:
    """The task's events; under the filter only what passes, and a kind answer in place of the rest.

    ``longest`` is how many letters may come before the model is taken for one that never ends. What the model thinks
    aloud is not shown under the filter.
    """
    safety = filter_for(turn)
    return task.run(turn) if safety is None else _guarded(task, turn, safety, longest)


async def _guarded(task: Task, turn: Turn, safety: SafetyFilter, longest: int) -> AsyncGenerator[Event, None]:
    async with contextlib.aclosing(safety.prepare()) as steps:
        async for step in steps:
            yield step
    finding = await safety.check_question(turn.question.content, turn.conversation.system_prompt or "")
    if finding is not None:
        yield _instead(turn, safety, finding, turn.begun)
        return
    reader = _Reader(task.run(turn), longest)
    answer = _Answer(safety, turn.begun, reader)
    try:
        async for event in _passing(reader, answer):
            yield event
        if answer.finding is None:
            await reader.task  # raises what the task raised
    finally:
        await reader.aclose()
    if answer.finding is not None:
        yield _instead(turn, safety, answer.finding, answer.released)


async def _passing(reader: _Reader, answer: _Answer) -> AsyncIterator[Event]:
    """What passes, up to the end or to a finding."""
    async for event in reader:
        if isinstance(event, Delta):
            async for text in answer.take(event.text):
                yield Delta(text)
            if answer.finding is not None:
                return
        elif not isinstance(event, Reasoning):
            yield event
    async for text in answer.finish():
        yield Delta(text)


def _instead(turn: Turn, safety: SafetyFilter, finding: Finding, released: str) -> Delta:
    """The kind answer, below what was ``released``. Nothing else of the blocked answer is kept."""
    turn.details.clear()
    turn.details["safety"] = {"topic": finding.topic.name, "side": finding.side}
    in_code = sum(line.lstrip().startswith(_FENCE) for line in released.splitlines()) % 2
    lead = ("\n" + _FENCE if in_code else "") + ("\n\n" if released.strip() else "")
    return Delta(lead + safety.kind_answer(finding, turn.question.content))


class _Reader:
    """Reads a task's events in an asyncio task of its own.

    So the model can go on writing while a piece is checked: a server that does one thing at a time would never answer
    the check if its answer had to wait for it.
    """

    def __init__(self, events: AsyncGenerator[Event, None], longest: int) -> None:
        self._come: asyncio.Queue[Event | None] = asyncio.Queue()
        self.task = asyncio.create_task(self._read(events, longest))

    async def _read(self, events: AsyncGenerator[Event, None], longest: int) -> None:
        length = 0
        try:
            async with contextlib.aclosing(events):
                async for event in events:
                    length += len(event.text) if isinstance(event, (Delta, Reasoning)) else 0
                    if length > longest:
                        raise ModelServerError(
                            "The answer didn't come to an end. What had come was kept.", "Ask in other words."
                        )
                    self._come.put_nowait(event)
        finally:
            self._come.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._come.get()) is not None:
            yield event

    @property
    def is_ahead(self) -> bool:
        """Whether more has come than was taken."""
        return not self._come.empty()

    async def aclose(self) -> None:
        """Stop reading, which stops the model."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class _Answer:
    """The answer of a turn on its way through the filter.

    ``released`` is what came out, with what there was before this turn. ``finding`` is why no more comes out.
    """

    def __init__(self, safety: SafetyFilter, begun: str, reader: _Reader) -> None:
        self.released = begun
        self.finding: Finding | None = None
        self._safety = safety
        self._reader = reader
        self._sentences = Sentences()
        self._before = safety.topics.words.tail(begun)
        self._waiting: list[str] = []

    async def take(self, text: str) -> AsyncIterator[str]:
        """Give the next piece of the answer; yields what may be released."""
        for sentence in self._sentences.feed(text):
            if not self._passes_words(sentence):
                return
            if not self._safety.asks_model or self._is_enough():
                async for released in self._release():
                    yield released

    async def finish(self) -> AsyncIterator[str]:
        """The answer has ended; yields what was still held back."""
        rest = self._sentences.rest()
        if self._passes_words(rest):
            async for released in self._release():
                yield released

    def _passes_words(self, sentence: str) -> bool:
        self.finding = self._safety.by_words(sentence, ANSWER, self._before)
        self._before = self._safety.topics.words.tail(self._before + sentence)
        self._waiting.append(sentence)
        return self.finding is None

    def _is_enough(self) -> bool:
        return sum(map(len, self._waiting)) >= (LARGE_BATCH if self._reader.is_ahead else BATCH)

    async def _release(self) -> AsyncIterator[str]:
        waiting, self._waiting = self._waiting, []
        self.finding = await self._safety.by_model("".join(waiting), ANSWER, self._reader.task)
        for sentence in waiting if self.finding is None else ():
            if sentence:
                self.released += sentence
                yield sentence
