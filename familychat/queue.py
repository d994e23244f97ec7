"""Waiting one's turn at a model server: people take turns, however many questions one of them asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

OnPosition = Callable[[int], None]


@dataclass(eq=False, slots=True)
class _Waiting:
    tell: OnPosition
    told: int = 0
    admitted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def move_to(self, position: int) -> None:
        """Tell a new position, once."""
        if position != self.told:
            self.told = position
            self.tell(position)


class TurnQueue:
    """``slots`` answers at a time; among those waiting, round-robin over people. For one process."""

    def __init__(self, slots: int = 1) -> None:
        self._free = slots
        self._people: dict[str, deque[_Waiting]] = {}

    @contextlib.asynccontextmanager
    async def turn(self, person: str, tell: OnPosition) -> AsyncIterator[None]:
        """Hold a slot inside. ``tell`` gets the position (1 is next) at first and whenever it changes.

        Cancelling while waiting leaves the queue.
        """
        if self._free and not self._people:
            self._free -= 1
        else:
            await self._wait(person, tell)
        try:
            yield
        finally:
            self._free += 1
            self._admit()

    async def _wait(self, person: str, tell: OnPosition) -> None:
        waiting = _Waiting(tell)
        self._people.setdefault(person, deque()).append(waiting)
        self._announce()
        try:
            await waiting.admitted
        except asyncio.CancelledError:
            if waiting.admitted.done() and not waiting.admitted.cancelled():
                self._free += 1
                self._admit()
            else:
                self._drop(person, waiting)
            raise

    def _drop(self, person: str, waiting: _Waiting) -> None:
        line = self._people[person]
        line.remove(waiting)
        if not line:
            del self._people[person]
        self._announce()

    def _admit(self) -> None:
        while self._free and self._people:
            person = next(iter(self._people))
            line = self._people.pop(person)
            waiting = line.popleft()
            if line:
                self._people[person] = line  # behind everybody else
            self._free -= 1
            waiting.admitted.set_result(None)
        self._announce()

    def _announce(self) -> None:
        lines = [list(line) for line in self._people.values()]
        position = 0
        for round_number in range(max((len(line) for line in lines), default=0)):
            for line in lines:
                if round_number < len(line):
                    position += 1
                    line[round_number].move_to(position)
