"""Lines that all processes of a data folder share, as one process sees them.

Each process knows its own places, and whatever happens is the same step: make the shared line agree with them, take
out what dead processes left, and let in whoever's turn it is. What happens in this process is told at once; what others
do is looked for, often while somebody waits here, and hardly ever otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from familychat.errors import StoreError, StoreLockedError
from familychat.queue.line import Line, Place, joined, left, moved_up, order
from familychat.store.leases import live_processes
from familychat.store.queue_file import QueueFile

WAITING_SECONDS = 0.05
"""How often a process looks for what others did, while somebody waits in it or a background job runs."""

HOLDING_SECONDS = 1.0
"""The same, while it only has answers under way: the file may have been deleted, or the server may say more."""

BURYING_SECONDS = 1.0
"""How often those who wait look for processes that are gone."""

PATIENCE_SECONDS = 0.2
"""How long a person waits for a background job to give way; then its place is taken away."""

LOCKED_SECONDS = 10.0
"""How long a file that can't be written is tried."""

OnPosition = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Server:
    """What a line is for. ``slots`` says how many answers the server writes at once, None while nobody knows."""

    key: str
    slots: Callable[[], int | None]


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many turns are under way, those that wait included, and how many wait."""

    under_way: int
    waiting: int


@dataclass(eq=False, slots=True)
class _Own:
    """A place of this process. Background jobs have ``give_way``; ``known`` once others can see it."""

    server: Server
    place: Place
    tell: OnPosition
    give_way: Callable[[], None] | None = None
    since: float = field(default_factory=time.monotonic)
    known: bool = False
    told: int = 0
    admitted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def waits(self) -> bool:
        return self.give_way is None and not self.admitted.done()


class SharedQueue:
    """The lines of a data folder; ``process`` is this process's lease, by which others know that it lives."""

    def __init__(self, data_dir: Path, process: str) -> None:
        self._data_dir = data_dir
        self._process = process
        self._file = QueueFile(data_dir)
        self._numbers = itertools.count(1)
        self._own: dict[int, _Own] = {}
        self._seen: defaultdict[str, Line] = defaultdict(Line)
        self._late: set[str] = set()
        self._dead: set[str] = set()
        self._buried_at = 0.0
        self._locked_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def turn(self, server: Server, person: str, tell: OnPosition, *, model: str = "") -> AsyncIterator[None]:
        """Hold a slot inside. ``tell`` gets the position (1 is next) at first and whenever it changes.

        ``model`` is the one that the answer takes, "" if any will do. Cancelling while waiting leaves the line. Raises
        :class:`StoreError` if the shared file can't be used.
        """
        place = Place(self._process, next(self._numbers), person, model)
        own = _Own(server, place, tell)
        try:
            self._enter(own)
            await own.admitted
            yield
        finally:
            self._leave(own)

    @contextlib.asynccontextmanager
    async def background(self, server: Server, give_way: Callable[[], None]) -> AsyncIterator[bool]:
        """Hold a slot inside if nobody waits or is being answered, in any process; else False comes, and no slot.

        ``give_way`` is called as soon as somebody asks. Whoever holds on after that loses the slot.
        """
        place = Place(self._process, next(self._numbers), "", background=True)
        own = _Own(server, place, lambda _position: None, give_way)
        try:
            self._enter(own)
            yield own.admitted.done()
        finally:
            self._leave(own)

    @property
    def waiting(self) -> int:
        """How many turns of this process wait for a slot; background jobs don't count."""
        return sum(own.waits for own in self._own.values())

    def others(self) -> Crowd:
        """The turns of other processes that are alive, at all servers."""
        lines = [_line(text) for text in self._file.all()]
        places = [
            place for line in lines for place in line.places if place.process != self._process and not place.background
        ]
        alive = live_processes(self._data_dir, own=self._process) if places else set()
        there = [place for place in places if place.process in alive]
        return Crowd(len(there), sum(place.waits for place in there))

    def close(self) -> None:
        """Let go of the file. What is still held here counts as given back once the lease is released."""
        self._own.clear()
        self._late.clear()
        self._arm()
        self._file.close()

    def _enter(self, own: _Own) -> None:
        key = own.server.key
        self._own[own.place.number] = own
        try:
            self._agree(key)
            if not own.admitted.done() and self._bury(key):
                self._agree(key)
            self._announce(key)
        except StoreLockedError:
            self._late.add(key)
            self._locked_since = self._locked_since or time.monotonic()
        self._arm()

    def _leave(self, own: _Own) -> None:
        key = own.server.key
        self._own.pop(own.place.number, None)
        try:
            self._agree(key)
            self._announce(key)
        except StoreError:
            self._late.add(key)  # tried again until it works, or until the process ends
        self._arm()

    def _arm(self) -> None:
        """Look again in a while, if there is anything to look for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._own or self._late:
            soon = self._late or any(own.waits or own.give_way for own in self._own.values())
            seconds = WAITING_SECONDS if soon else HOLDING_SECONDS
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """What did the others do?"""
        try:
            changed = self._file.changed()
            burying = time.monotonic() - self._buried_at >= BURYING_SECONDS
            for key in {own.server.key for own in self._own.values()} | self._late:
                dead = burying and self._waiting(key) and self._bury(key)
                if changed or dead or self._stale(key):
                    self._agree(key)
                    self._announce(key)
        except StoreError as error:
            self._trouble(error)
        self._arm()

    def _trouble(self, error: StoreError) -> None:
        """Nobody waits for ever at a file that can't be used."""
        now = time.monotonic()
        self._locked_since = self._locked_since or now
        if not isinstance(error, StoreLockedError) or now - self._locked_since > LOCKED_SECONDS:
            for own in self._own.values():
                if own.waits:
                    own.admitted.set_exception(error)

    def _at(self, key: str) -> list[_Own]:
        return [own for own in self._own.values() if own.server.key == key]

    def _waiting(self, key: str) -> list[_Own]:
        return [own for own in self._at(key) if own.waits]

    def _stale(self, key: str) -> bool:
        """Whether the shared line must change although nobody else changed it."""
        late = key in self._late or any(own.server.slots() != own.place.slots for own in self._at(key))
        return late or (self._impatient(key) and any(place.background for place in self._seen[key].places))

    def _impatient(self, key: str) -> bool:
        now = time.monotonic()
        return any(now - own.since >= PATIENCE_SECONDS for own in self._waiting(key))

    def _bury(self, key: str) -> bool:
        """Find processes in a line that are gone; True if there are any."""
        self._buried_at = time.monotonic()
        others = {place.process for place in self._seen[key].places} - {self._process}
        dead = others - live_processes(self._data_dir, own=self._process) if others else set()
        self._dead |= dead
        return bool(dead)

    def _agree(self, key: str) -> None:
        """Make the shared line agree with this process's places, and let in whoever's turn it is."""

        def agreed(text: bytes | None) -> bytes:
            self._seen[key] = moved_up(self._reconciled(key, _line(text)))
            return msgspec.json.encode(self._seen[key])

        self._file.change(key, agreed)
        self._late.discard(key)
        self._locked_since = None
        self._follow(key)

    def _reconciled(self, key: str, line: Line) -> Line:
        own = {one.place.number: one for one in self._at(key)}
        for one in own.values():
            one.place = replace(one.place, slots=one.server.slots())
        impatient = self._impatient(key)

        def leaves(place: Place) -> bool:
            gone = place.process in self._dead or (place.process == self._process and place.number not in own)
            return gone or (impatient and place.background)

        line = left(line, leaves)
        there = {place.number: place for place in line.places if place.process == self._process}
        # A background job that is known but not there any more was taken out by somebody who waits.
        missing = [
            one.place for one in own.values() if one.place.number not in there and not (one.known and one.give_way)
        ]
        kept = tuple(
            replace(place, slots=own[place.number].place.slots) if place.process == self._process else place
            for place in line.places
        )
        return joined(replace(line, places=kept), missing)

    def _follow(self, key: str) -> None:
        """Take over what the shared line says of this process's places."""
        line = self._seen[key]
        there = {place.number: place for place in line.places if place.process == self._process}
        asked = any(not place.background for place in line.places)
        for one in self._at(key):
            one.known = True
            place = there.get(one.place.number)
            if place is not None and place.admitted:
                one.place = place
                if not one.admitted.done():
                    one.admitted.set_result(None)
            if one.give_way is not None and one.admitted.done() and (asked or place is None):
                one.give_way()

    def _announce(self, key: str) -> None:
        """Tell those who wait where they are, once for each change; a background job ahead doesn't count."""
        if not self._waiting(key):
            return
        line = self._seen[key]
        positions = {(place.process, place.number): position for position, place in enumerate(order(line), 1)}
        if all(place.background for place in line.holders):
            return
        for one in self._waiting(key):
            position = positions[one.place.process, one.place.number]
            if position != one.told:
                one.told = position
                one.tell(position)


def _line(text: bytes | None) -> Line:
    """The line in the file; a new one if it is none that this version knows."""
    try:
        return Line() if text is None else msgspec.json.decode(text, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        return Line()
