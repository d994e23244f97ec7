"""One turn on its way: it runs on its own, keeps what came, and anybody of the same person can follow it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from familychat.errors import (
    FamilychatError,
    ModelServerError,
    NotAllowedError,
    NotFoundError,
    StoreError,
    TaskError,
)
from familychat.events import Completed, Delta, End, Event, Failed, Notice, Queued, Reasoning, Stopped
from familychat.family.safety.guarding import guarded
from familychat.models import Conversation, Message, Status
from familychat.queue import OnPosition
from familychat.store.messages import MessageStore
from familychat.tasks.base import Task
from familychat.turn import Turn
from familychat.wording import Text

CHECKPOINT_SECONDS = 0.5
"""Half of what is promised: a busy disk may hold one back."""

MAX_ANSWER_LENGTH = 4_000_000
"""Characters of answer and thoughts together: a server that never ends must not fill the disk."""

Admission = Callable[[OnPosition], AbstractAsyncContextManager[None]]
"""Holds a slot at the model server inside; its argument is told the positions while waiting."""

_log = logging.getLogger(__name__)


class RunningTurn:
    """A started turn. Use :meth:`follow` to see it and :meth:`stop` to end it; letting go of both changes nothing."""

    def __init__(
        self,
        *,
        conversation: Conversation,
        answer: Message,
        turn: Turn,
        task: Task,
        messages: MessageStore,
        admission: Admission,
        ended: Callable[[End], None],
        reminders: Sequence[str],
        still_allowed: Callable[[], None],
        still_wanted: Callable[[], bool],
    ) -> None:
        self.conversation = conversation
        self.question = turn.question
        self.answer = answer
        self._turn = turn
        self._task = task
        self._messages = messages
        self._admission = admission
        self._ended = ended
        self._still_allowed = still_allowed
        self._still_wanted = still_wanted
        self._refusal: NotAllowedError | None = None
        self._events: list[Event] = [Notice(text) for text in reminders]
        self._changed = asyncio.Event()
        self._content: list[str] = [turn.begun] if turn.begun else []
        self._reasoning: list[str] = []
        self._saved = 0
        self._length = 0
        self._end: End | None = None
        self._began = False
        self._stop_asked = False
        self._runner = asyncio.create_task(self._run())

    async def follow(self, after: int = 0) -> AsyncIterator[Event]:
        """The turn's events from number ``after`` on, as they come, up to its end. Following twice is fine."""
        position = after
        while True:
            while position < len(self._events):
                yield self._events[position]
                position += 1
            if self._end is not None:
                return
            self._changed.clear()
            await self._changed.wait()

    async def stop(self) -> End:
        """Stop the model at once and keep what came; returns the turn's end, whatever it was."""
        self.request_stop()
        return await self.wait()

    def request_stop(self) -> None:
        """As :meth:`stop`, without waiting: for signal handlers."""
        self._stop_asked = True
        if self._began:  # a task that is cancelled before its first step would never write its end
            self._runner.cancel()

    async def wait(self) -> End:
        """The turn's end."""
        await asyncio.wait({self._runner})
        assert self._end is not None  # noqa: S101 -- _run always sets it
        return self._end

    def _emit(self, event: Event) -> None:
        self._events.append(event)
        self._changed.set()

    async def _run(self) -> None:
        self._began = True
        saver = asyncio.create_task(self._save_regularly())
        try:
            end = await self._outcome()
        except Exception as error:  # noqa: BLE001 -- whatever happens, nobody who follows waits for ever
            end = Failed(_broken(self._task.name, error), None)
        finally:
            saver.cancel()
        self._end = end
        self._ended(end)
        self._emit(end)

    async def _outcome(self) -> End:
        try:
            if self._stop_asked:
                raise asyncio.CancelledError
            async with self._admission(lambda position: self._emit(Queued(position))):
                await self._relay()
        except asyncio.CancelledError:
            return self._failed(self._refusal) if self._refusal else self._finish(Status.STOPPED)
        except FamilychatError as error:
            return self._failed(error)
        except Exception as error:  # noqa: BLE001 -- a task is anybody's code, and every turn gets an end
            return self._failed(_broken(self._task.name, error))
        return self._finish(Status.COMPLETE)

    async def _relay(self) -> None:
        events = guarded(self._task, self._turn, longest=MAX_ANSWER_LENGTH)
        async with contextlib.aclosing(events):
            async for event in events:
                self._emit(self._take(event) if isinstance(event, (Delta, Reasoning)) else event)
        if not any(text.strip() for text in self._content[bool(self._turn.begun) :]):
            raise ModelServerError("The model gave an empty answer.", "Ask again with /retry, or in other words.")

    def _take(self, event: Delta | Reasoning) -> Delta | Reasoning:
        """Keep a piece of the answer; half a character, which can't be stored or shown, becomes a question mark."""
        if not event.text.isascii():
            whole = event.text.encode("utf-8", "replace").decode()
            event = event if whole == event.text else type(event)(whole)
        self._length += len(event.text)
        if self._length > MAX_ANSWER_LENGTH:
            raise ModelServerError("The answer didn't come to an end. What had come was kept.", "Ask in other words.")
        (self._content if isinstance(event, Delta) else self._reasoning).append(event.text)
        return event

    def _failed(self, error: FamilychatError) -> End:
        return self._finish(Status.PARTIAL if self._content else Status.FAILED, error)

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            self._end_if_it_should()
            pieces = len(self._content) + len(self._reasoning)
            if pieces > self._saved:
                try:
                    self._messages.checkpoint(self.answer.id, "".join(self._content), "".join(self._reasoning))
                    self._saved = pieces
                except StoreError as error:
                    # The next one may work; if the last one doesn't, the turn ends as failed and says so.
                    _log.debug("checkpoint failed: %s", error)

    def _end_if_it_should(self) -> None:
        """It should when it isn't allowed any more, and when another process stopped it or deleted its conversation."""
        if self._stop_asked:
            return
        try:
            self._still_allowed()
            if not self._still_wanted():
                self.request_stop()
        except NotAllowedError as error:
            self._refusal = error
            self.request_stop()
        except StoreError as error:
            _log.debug("couldn't look whether the turn is to go on: %s", error)

    def _finish(self, status: Status, error: FamilychatError | None = None) -> End:
        try:
            message = self._messages.finish(
                self.answer.id,
                status,
                content="".join(self._content),
                reasoning="".join(self._reasoning),
                model=self._turn.model,
                usage=self._turn.usage(),
                error=error.message if error else None,
                details=self._turn.details,
            )
        except (StoreError, NotFoundError) as trouble:
            return Failed(trouble, None)
        if error is not None:
            return Failed(error, message)
        return Completed(message) if status is Status.COMPLETE else Stopped(message)


def _broken(task: str, error: Exception) -> TaskError:
    broken = TaskError(
        Text("The task %(task)s broke: %(reason)s.", task=task, reason=type(error).__name__), "What had come was kept."
    )
    broken.__cause__ = error
    return broken
