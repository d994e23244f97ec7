"""People take turns, however many questions one of them asks."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from familychat.queue import TurnQueue

pytestmark = pytest.mark.anyio


async def served(people: list[str], slots: int) -> list[str]:
    """The order in which people, arriving one after another, are served."""
    queue, order = TurnQueue(slots), []
    gate = asyncio.Event()

    async def ask(person: str) -> None:
        async with queue.turn(person, lambda _position: None):
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


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=20), st.integers(1, 3))
def test_nobody_waits_for_more_than_one_round_of_the_others(people: list[str], slots: int) -> None:
    order = asyncio.run(served(people, slots))
    assert sorted(order) == sorted(people)
    waiting = order[slots:]
    for person in set(waiting):
        # All have come before the first of them is served, so the first wait counts as well.
        places = [-1, *(index for index, one in enumerate(waiting) if one == person)]
        for earlier, later in itertools.pairwise(places):
            between = waiting[earlier + 1 : later]
            assert all(between.count(other) <= 1 for other in set(between))


async def test_a_cancelled_waiter_passes_its_turn_on() -> None:
    queue = TurnQueue()
    positions: list[int] = []
    async with queue.turn("a", positions.append):
        waiting = asyncio.create_task(queue.turn("b", positions.append).__aenter__())
        await asyncio.sleep(0)
        assert positions == [1]
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1), queue.turn("c", positions.append):
        assert positions == [1]


async def test_cancelled_at_the_moment_of_admission() -> None:
    queue = TurnQueue()
    async with queue.turn("a", lambda _p: None):
        waiting = asyncio.create_task(queue.turn("b", lambda _p: None).__aenter__())
        await asyncio.sleep(0)
    waiting.cancel()  # admitted a moment ago, not yet running
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1), queue.turn("c", lambda _p: None):
        pass
