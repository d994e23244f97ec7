"""People take turns, however many questions one of them asks; models are switched between answers only."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from familychat import titles
from familychat.chat import NewConversation
from familychat.errors import NotAllowedError, StoreError, StoreLockedError
from familychat.events import Completed, Queued
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import User
from familychat.queue import TurnQueue, sharing
from familychat.queue.line import Line, Place, joined, left, moved_up, order
from familychat.queue.sharing import Server, SharedQueue
from familychat.settings import Settings
from familychat.store.leases import Lease
from familychat.store.queue_file import QueueFile
from familychat.testing import FakeLMStudio, FakeOpenAI, Request, Script

pytestmark = pytest.mark.anyio

OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]
LONG = 20.0
EMPTY = b'"places":[],"people":[]'


@contextmanager
def shared(data_dir: Path, slots: int = 1) -> Iterator[tuple[SharedQueue, Server]]:
    lease = Lease(data_dir)
    queue = SharedQueue(data_dir, lease.id)
    try:
        yield queue, Server("server", lambda: slots)
    finally:
        queue.close()
        lease.release()


def nobody_told(_position: int) -> None:
    """For those who don't care where they are."""


def line_in(data_dir: Path) -> bytes:
    """What the shared file holds."""
    held: list[bytes] = []

    def look(text: bytes | None) -> bytes:
        held.append(text or b"")
        return text or b""

    file = QueueFile(data_dir)
    file.change("server", look)
    file.close()
    return held[0]


async def served(data_dir: Path, people: list[str], slots: int) -> list[str]:
    """The order in which people, arriving one after another, are served."""
    order: list[str] = []
    gate = asyncio.Event()
    with shared(data_dir, slots) as (queue, server):

        async def ask(person: str) -> None:
            async with queue.turn(server, person, nobody_told):
                order.append(person)
                await gate.wait()
                await asyncio.sleep(0)

        tasks = []
        for person in people:
            tasks.append(asyncio.create_task(ask(person)))
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)
    return order


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=20), st.integers(1, 3))
def test_nobody_waits_for_more_than_one_round_of_the_others(people: list[str], slots: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        order = asyncio.run(served(Path(folder), people, slots))
    assert sorted(order) == sorted(people)
    waiting = order[slots:]
    for person in set(waiting):
        # All have come before the first of them is served, so the first wait counts as well.
        places = [-1, *(index for index, one in enumerate(waiting) if one == person)]
        for earlier, later in itertools.pairwise(places):
            between = waiting[earlier + 1 : later]
            assert all(between.count(other) <= 1 for other in set(between))


async def test_a_cancelled_waiter_passes_its_turn_on(data_dir: Path) -> None:
    positions: list[int] = []
    with shared(data_dir) as (queue, server):
        async with queue.turn(server, "a", positions.append):
            waiting = asyncio.create_task(queue.turn(server, "b", positions.append).__aenter__())
            await asyncio.sleep(0)
            assert positions == [1]
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(1), queue.turn(server, "c", positions.append):
            assert positions == [1]


async def test_cancelled_at_the_moment_of_admission(data_dir: Path) -> None:
    with shared(data_dir) as (queue, server):
        async with queue.turn(server, "a", nobody_told):
            waiting = asyncio.create_task(queue.turn(server, "b", nobody_told).__aenter__())
            await asyncio.sleep(0)
        waiting.cancel()  # admitted a moment ago, not yet running
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(1), queue.turn(server, "c", nobody_told):
            pass


async def test_positions_change_as_the_line_moves(data_dir: Path) -> None:
    told: dict[str, list[int]] = {"b": [], "c": []}
    with shared(data_dir) as (queue, server):
        async with queue.turn(server, "a", nobody_told):
            waiting = [
                asyncio.create_task(queue.turn(server, person, told[person].append).__aenter__()) for person in "bc"
            ]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.gather(waiting[0], return_exceptions=True)
            assert told == {"b": [1], "c": [2, 1]}
            waiting[1].cancel()
            await asyncio.gather(waiting[1], return_exceptions=True)


Move = tuple[str, str, str, int]
KINDS = [*["ask"] * 5, *["end"] * 4, "stop", "job"]
MOVES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from("abc"), st.sampled_from(["", "m", "n", "n"]), st.integers(0, 5)),
    min_size=20,  # few are hardly ever enough for somebody to be passed
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(MOVES, st.integers(1, 3))
def test_the_rules_hold_whatever_happens(moves: list[Move], slots: int) -> None:
    line, overtaken, numbers = Line(), dict[int, list[str]](), itertools.count()
    people = {person for _, person, _, _ in moves}
    for kind, person, model, which in moves:
        before = line
        if kind == "ask":
            line = joined(line, [Place("process", next(numbers), person, model, slots=slots)])
        elif kind == "job":
            line = joined(line, [Place("process", next(numbers), "", background=True, slots=slots)])
        else:
            some = [place for place in line.places if place.admitted == (kind == "end")]
            gone = some[which % len(some)] if some else None
            line = left(line, lambda place, gone=gone: place is gone)  # type: ignore[misc]
        lined_up, line = line, moved_up(line)
        check(before, line, slots)
        note_waits(lined_up, line, overtaken)
    for number, others in overtaken.items():
        # One round of the others before it is the head of the line, and at most one that passes it.
        assert all(others.count(other) <= 2 for other in people), (number, others)
    drained = drain(line)
    assert [place.number for place in drained.places] == []


def check(before: Line, line: Line, slots: int) -> None:
    assert len(line.holders) <= slots
    assert len({place.model for place in line.holders if place.model}) <= 1, "a switch under a running answer"
    new = [place for place in line.holders if place.number not in {one.number for one in before.holders}]
    if any(place.background for place in new):
        assert [place.number for place in line.holders] == [place.number for place in new], "it came among others"
        assert not any(place.waits for place in line.places)
    if not line.holders:
        assert line.places == (), "somebody waits for nothing"
    assert {p.number for p in order(line)} == {p.number for p in line.places if p.waits}


def note_waits(lined_up: Line, line: Line, overtaken: dict[int, list[str]]) -> None:
    """Who was let in, one after another, while somebody had their oldest question waiting."""
    there = {place.number for place in line.holders}
    waiting = [place for place in lined_up.places if place.waits]
    let_in = [place for place in order(lined_up) if place.number in there]
    assert {place.number for place in let_in} == {place.number for place in waiting} & there
    for place in let_in:
        waiting.remove(place)
        first: dict[str, int] = {}
        for other in waiting:
            first.setdefault(other.person, other.number)
        for person, number in first.items():
            if person != place.person:
                overtaken.setdefault(number, []).append(place.person)


def drain(line: Line) -> Line:
    """Let every answer end."""
    for _ in range(100):
        if not line.holders:
            break
        ended = line.holders[0]
        line = moved_up(left(line, lambda place, ended=ended: place is ended))  # type: ignore[misc]
    return line


def test_the_loaded_model_goes_first_for_one_round() -> None:
    line = moved_up(joined(Line(), [Place("p", 0, "z", "m")]))
    wants = [("b", "n"), ("c", "m"), ("d", "m"), ("c", "m"), ("d", "m"), ("e", "")]
    places = [Place("p", number, person, model) for number, (person, model) in enumerate(wants, 1)]
    expected = [2, 3, 6, 1, 4, 5]  # c, d and e pass b once; then it is b's turn, and n is loaded
    assert [place.number for place in order(joined(line, places))] == expected


def test_no_switch_under_a_running_answer() -> None:
    line = moved_up(joined(Line(slots=3), [Place("p", 0, "a", "m"), Place("p", 1, "b", "n"), Place("p", 2, "c", "m")]))
    assert [place.number for place in line.holders] == [0, 2]
    line = moved_up(joined(line, [Place("p", 3, "d", "m")]))
    assert [place.number for place in line.holders] == [0, 2], "d came after b had been passed"
    line = moved_up(left(line, lambda place: place.number == 0))
    assert [place.number for place in line.holders] == [2]
    line = moved_up(left(line, lambda place: place.number == 2))
    assert [place.number for place in line.holders] == [1]


Step = tuple[str, str, int, int | None]
STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["", "m", "n"]), st.integers(0, 3),
              st.none() | st.integers(0, 11)),
    min_size=1, max_size=12,
)  # fmt: skip


async def crowd(data_dir: Path, steps: list[Step], slots: int) -> None:
    """Everybody asks after some moments; some steps stop an earlier question, wherever it is."""
    holding: list[str] = []
    with shared(data_dir, slots) as (queue, server):

        async def ask(person: str, model: str) -> None:
            async with queue.turn(server, person, nobody_told, model=model):
                holding.append(model)
                try:
                    assert len(holding) <= slots
                    assert len(set(holding) - {""}) <= 1
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                finally:
                    holding.remove(model)

        asking: list[asyncio.Task[None]] = []
        stopped: set[asyncio.Task[None]] = set()
        for person, model, pause, stop in steps:
            asking.append(asyncio.create_task(ask(person, model)))
            for _ in range(pause):
                await asyncio.sleep(0)
            if stop is not None and stop < len(asking) and asking[stop].cancel():
                stopped.add(asking[stop])
        async with asyncio.timeout(LONG):
            results = await asyncio.gather(*asking, return_exceptions=True)
        for task, result in zip(asking, results, strict=True):
            assert result is None or (task in stopped and isinstance(result, asyncio.CancelledError)), result
    assert EMPTY in (line_in(data_dir) or EMPTY), "stopped before their first step, nobody was ever there"


@settings(max_examples=40, deadline=None)
@given(STEPS, st.integers(1, 3))
def test_stopped_at_any_time_leaves_no_trace(steps: list[Step], slots: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(crowd(Path(folder), steps, slots))


async def test_a_background_job_comes_when_nobody_asks_and_gives_way_at_once(data_dir: Path) -> None:
    gave_way = asyncio.Event()
    with shared(data_dir, slots=2) as (queue, server):
        async with queue.turn(server, "a", nobody_told), queue.background(server, gave_way.set) as admitted:
            assert not admitted, "somebody is being answered, although there is another slot"
        positions: list[int] = []
        async with queue.background(server, gave_way.set) as admitted:
            assert admitted
            assert not gave_way.is_set()
            async with queue.background(server, gave_way.set) as second:
                assert not second
            waiting = asyncio.create_task(queue.turn(server, "a", positions.append).__aenter__())
            await asyncio.sleep(0)
            assert gave_way.is_set(), "told before anything else happens"
        await waiting
        assert positions == []


async def test_a_background_job_that_holds_on_loses_its_slot(data_dir: Path) -> None:
    with shared(data_dir) as (queue, server):
        async with queue.background(server, lambda: None) as admitted:
            assert admitted
            positions: list[int] = []
            async with asyncio.timeout(LONG), queue.turn(server, "a", positions.append):
                assert positions == []


def remove(path: Path) -> None:
    for file in path.parent.glob("queue.db*"):
        file.unlink()


def fill_with_nonsense(path: Path) -> None:
    remove(path)
    path.write_bytes(b"not a database " * 1000)


def write_nonsense_into_it(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)


def make_it_older(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 77")
        connection.execute("DROP TABLE queues")


def change_its_words(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE queues SET line = ?", [b'{"slots": 0}'])


@pytest.mark.parametrize("harm", [remove, fill_with_nonsense, write_nonsense_into_it, make_it_older, change_its_words])
async def test_a_file_that_goes_or_breaks_is_made_anew_with_everybody_in_it(
    data_dir: Path, harm: Callable[[Path], None]
) -> None:
    ends = {person: asyncio.Event() for person in "abc"}
    told: asyncio.Queue[int] = asyncio.Queue()
    with shared(data_dir) as (one, server), shared(data_dir) as (two, _):

        async def ask(queue: SharedQueue, person: str) -> None:
            async with queue.turn(server, person, told.put_nowait):
                told.put_nowait(0)
                await ends[person].wait()

        async with asyncio.timeout(LONG):
            asking = [asyncio.create_task(ask(one, "a"))]
            assert await told.get() == 0
            harm(QueueFile(data_dir).path)
            asking += [asyncio.create_task(ask(one, "b")), asyncio.create_task(ask(two, "c"))]
            assert {await told.get(), await told.get()} == {1, 2}, "a still has the slot"
            ends["a"].set()
            while told.get_nowait() if told.qsize() else await told.get():
                pass  # positions, until the next one is let in
            for end in ends.values():
                end.set()
            await asyncio.gather(*asking)
    assert QueueFile(data_dir).path.stat().st_mode & 0o777 == 0o600
    assert EMPTY in line_in(data_dir)


async def test_a_locked_file_is_waited_for(data_dir: Path) -> None:
    with shared(data_dir) as (queue, server):
        async with queue.turn(server, "a", nobody_told):
            pass
        with contextlib.closing(sqlite3.connect(QueueFile(data_dir).path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            entering = queue.turn(server, "a", nobody_told)
            holding = asyncio.create_task(entering.__aenter__())
            await asyncio.sleep(0.2)
            assert not holding.done()
            other.execute("COMMIT")
            async with asyncio.timeout(LONG):
                await holding
                other.execute("BEGIN IMMEDIATE")
                await entering.__aexit__(None, None, None)
                other.execute("COMMIT")
                while EMPTY not in line_in(data_dir):
                    await asyncio.sleep(0.01)


async def test_a_file_that_stays_locked_ends_the_wait(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "LOCKED_SECONDS", 0.2)
    with shared(data_dir) as (queue, server):
        async with queue.turn(server, "a", nobody_told):
            pass
        with contextlib.closing(sqlite3.connect(QueueFile(data_dir).path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(LONG):
                with pytest.raises(StoreLockedError):
                    await queue.turn(server, "a", nobody_told).__aenter__()


async def test_a_place_where_no_file_can_be_is_an_error_at_once(data_dir: Path) -> None:
    with shared(data_dir) as (queue, server):
        QueueFile(data_dir).path.mkdir()
        with pytest.raises(StoreError, match="can't be used"):
            await queue.turn(server, "a", nobody_told).__aenter__()


async def test_each_server_has_its_own_line(data_dir: Path) -> None:
    with shared(data_dir) as (queue, server):
        async with (
            asyncio.timeout(LONG),
            queue.turn(server, "a", nobody_told),
            queue.turn(Server("another", lambda: None), "a", nobody_told),
        ):
            pass


class Parallel(FakeLMStudio):
    """LM Studio that says how many answers each model may write at once."""

    parallel: object = 2

    async def route(self, asked: Request) -> httpx.Response:
        response = await super().route(asked)
        if asked.path != "/api/v1/models":
            return response
        body = response.json()
        for row in body["models"]:
            for instance in row["loaded_instances"]:
                instance["config"]["parallel"] = self.parallel
        return httpx.Response(200, json=body)


@pytest.mark.parametrize(
    ("parallel", "values", "slots"),
    [(3, {}, 3), (3, {"server_parallel": 2}, 2), (0, {}, 1), (65, {}, 1), ("4", {}, 1), (None, {}, 1)],
)
async def test_lm_studio_says_how_many_at_once_unless_it_is_set(
    tmp_path: Path, parallel: object, values: dict[str, Any], slots: int | None
) -> None:
    fake = Parallel(loaded={"maker/tiny": 4096})
    fake.parallel = parallel
    choice = ServerChoice(
        Settings(data_dir=tmp_path, server_kind="lmstudio", server_url="http://fake", **values), fake.transport()
    )
    server = await choice.get()
    assert choice.slots(server) == values.get("server_parallel"), "it hasn't been asked yet"
    await server.list_models()
    assert choice.slots(server) == slots
    fake.loaded.clear()
    await server.list_models()
    assert choice.slots(server) == slots, "with nothing loaded, the last word holds"
    await choice.aclose()


@pytest.mark.parametrize("kind", ["openai", "ollama"])
async def test_servers_that_never_say_write_one_answer_at_a_time(tmp_path: Path, kind: str) -> None:
    for number in (None, 4):
        values = Settings(data_dir=tmp_path, server_kind=kind, server_url="http://fake", server_parallel=number)
        choice = ServerChoice(values, FakeOpenAI().transport())
        assert choice.slots(await choice.get()) == (number or 1)
        await choice.aclose()


async def test_an_older_lm_studio_writes_one_answer_at_a_time(tmp_path: Path) -> None:
    fake = FakeLMStudio(version="0.3", loaded={"maker/tiny": 4096})
    choice = ServerChoice(
        Settings(data_dir=tmp_path, server_kind="lmstudio", server_url="http://fake"), fake.transport()
    )
    server = await choice.get()
    await server.list_models()
    assert choice.slots(server) == 1
    await choice.aclose()


async def test_the_built_in_engine_writes_one_answer_at_a_time(tmp_path: Path) -> None:
    choice = ServerChoice(Settings(data_dir=tmp_path, server_kind="embedded", server_parallel=8))
    assert choice.slots(await choice.get()) == 1


async def test_as_many_at_once_as_the_server_has_slots(open_home: OpenHome) -> None:
    fake = Parallel(Script(), Script(first_delay=LONG), loaded={"maker/tiny": 4096})
    async with open_home(fake, kind="lmstudio", titles="words") as (home, owner):
        assert isinstance(await home.chat.start(owner, NewConversation(), "Hello").wait(), Completed)
        turns = [home.chat.start(owner, NewConversation(), f"question {number}") for number in range(3)]
        async with asyncio.timeout(LONG):
            assert await anext(turns[2].follow()) == Queued(1)
            while len(fake.chats) < 3:
                await asyncio.sleep(0.01)
            await turns[0].stop()
            while len(fake.chats) < 4:
                await asyncio.sleep(0.01)
        for turn in turns:
            await turn.stop()


async def test_models_are_changed_when_that_breaks_no_answer(open_home: OpenHome) -> None:
    fake = FakeLMStudio(Script(first_delay=LONG), loaded={"maker/tiny": 4096})
    told: asyncio.Queue[int] = asyncio.Queue()
    changed: list[str | None] = []
    async with (
        asyncio.timeout(LONG),
        open_home(fake, kind="lmstudio", model="maker/tiny", server_parallel=3, titles="words") as (home, admin),
    ):

        async def change(model: str | None) -> None:
            async with home.between_answers(admin, told.put_nowait, model=model):
                changed.append(model)

        running = home.chat.start(admin, NewConversation(), "Hello")
        while not fake.chats:
            await asyncio.sleep(0.01)
        await change("Maker/Tiny")
        assert changed == ["Maker/Tiny"], "the answer's own model does it no harm"
        for model in ("maker/large", None):
            waiting = asyncio.create_task(change(model))
            assert await told.get() == 1
            waiting.cancel()
            await asyncio.wait({waiting})
        waiting = asyncio.create_task(change(None))
        assert await told.get() == 1
        assert changed == ["Maker/Tiny"]
        await running.stop()
        await waiting
        assert changed == ["Maker/Tiny", None]

        member = home.accounts.add(admin, "member", "quiet little river")
        with pytest.raises(NotAllowedError):
            home.between_answers(member, nobody_told)


async def test_a_title_waits_for_other_processes_and_gives_way_to_them(
    open_home: OpenHome, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(titles, "PAUSE_SECONDS", 0.05)
    slow, good = Script(pieces=("Pancakes",), first_delay=LONG), Script(pieces=("Pancakes",))
    fake = FakeOpenAI(Script(pieces=("Mix flour and eggs.",)), slow, good)
    server = Server("openai http://fake", lambda: None)
    async with asyncio.timeout(LONG), open_home(fake) as (home, owner):
        with shared(data_dir) as (other, _):
            async with other.turn(server, "b", nobody_told):
                running = home.chat.start(owner, NewConversation(), "How do I make pancakes?")
                assert await anext(running.follow()) == Queued(1)
            assert isinstance(await running.wait(), Completed)
            async with other.turn(server, "b", nobody_told):
                await asyncio.sleep(0.3)
                assert len(fake.chats) == 1, "no title while somebody is answered"
            while len(fake.chats) < 2:
                await asyncio.sleep(0.01)
            async with other.turn(server, "b", nobody_told):
                while fake.chats[1].closed_at is None:
                    await asyncio.sleep(0.01)
        await home.chat.titled()
        assert home.conversations.get(owner, running.conversation.id).title == "Pancakes"


async def test_without_a_server_there_is_a_line_all_the_same(data_dir: Path) -> None:
    lease = Lease(data_dir)
    queue = TurnQueue(data_dir, lease.id, ServerChoice(Settings(data_dir=data_dir, server_kind="openai")))
    async with asyncio.timeout(LONG), queue.turn("a", nobody_told, model="m"), queue.background(nobody_asked) as idle:
        assert not idle
    queue.close()
    lease.release()


def nobody_asked() -> None:
    raise AssertionError
