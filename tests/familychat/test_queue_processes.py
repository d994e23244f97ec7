"""The line at a model server is one line for all processes of a data folder, whatever becomes of them."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pexpect
import pytest

from familychat.queue.sharing import BURYING_SECONDS, Crowd, Server, SharedQueue
from familychat.store.leases import Lease
from familychat.testing import FakeOpenAI, Script, serve
from familychat_cli.testing import COMMAND, CommandLine

pytestmark = pytest.mark.anyio

LONG = 30.0
GONE_SECONDS = 5.0
"""Within this time a killed process has given back what it held."""

PROCESS = """
import asyncio, sys
from pathlib import Path
from familychat.queue.sharing import Server, SharedQueue
from familychat.store.leases import Lease

folder, slots = Path(sys.argv[1]), int(sys.argv[2])
lease = Lease(folder)
queue = SharedQueue(folder, lease.id)
server = Server("server", lambda: slots)
tasks, ends = {}, {}

def say(*words):
    print(*words, flush=True)

async def hold(name, person, model):
    def tell(position):
        say("at", name, position)
    async with queue.turn(server, person, tell, model=model):
        with open(folder / "order", "a") as file:
            file.write(name + "\\n")
        say("in", name)
        await ends[name].wait()

async def work(name, patient):
    def give_way():
        say("asked", name)
        if not patient:
            ends[name].set()
    async with queue.background(server, give_way) as admitted:
        say("in" if admitted else "refused", name)
        if admitted:
            await ends[name].wait()
    say("out", name)

async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        what, name, *more = line.decode().split(" ")
        name = name.strip()
        if what in ("ask", "work"):
            ends[name] = asyncio.Event()
            person, model = (word.strip() for word in (*more, "", "")[:2])
            run = hold(name, person, model) if what == "ask" else work(name, person == "patient")
            tasks[name] = asyncio.create_task(run)
        elif what == "end":
            ends[name].set()
        elif what == "stop":
            tasks[name].cancel()
            await asyncio.wait([tasks[name]])
            say("out", name)

asyncio.run(main())
"""
"""Does what its input says (``ask NAME PERSON MODEL``, ``work NAME``, ``end NAME``, ``stop NAME``) and tells of it."""


class Process:
    """Another process at the same folder."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    def do(self, *commands: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{command}\n" for command in commands).encode())

    async def says(self, *words: str, within: float = LONG) -> None:
        """Wait until it has said all of these, each as a line of its own."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within):
            while not set(words) <= set(self.said):
                line = await self.process.stdout.readline()
                assert line, f"it ended after {self.said}"
                self.said.append(line.decode().strip())

    async def has_not_said(self, words: str, for_seconds: float) -> None:
        with pytest.raises(TimeoutError):
            await self.says(words, within=for_seconds)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


Start = Callable[[], AbstractAsyncContextManager[tuple[Process, Process]]]


@asynccontextmanager
async def two_processes(data_dir: Path, slots: int = 1) -> AsyncIterator[tuple[Process, Process]]:
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-c", PROCESS, str(data_dir), str(slots)]
    running = [await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(2)]
    try:
        yield Process(running[0]), Process(running[1])
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
            await process.communicate()


def order_of(data_dir: Path) -> list[str]:
    return (data_dir / "order").read_text().split()


async def test_eight_people_with_five_questions_each_in_two_processes(data_dir: Path) -> None:
    async with two_processes(data_dir) as (one, two):
        one.do("ask gate gate")
        await one.says("in gate")
        halves = ((one, "abcd"), (two, "efgh"))
        for process, people in halves:
            # Each person asks all five in a row, which must not help them.
            process.do(*(f"ask {person}{number} {person}" for person in people for number in range(5)))
            process.do(*(f"end {person}{number}" for person in people for number in range(5)))
            await process.says(f"at {people[-1]}0 {'abcdefgh'.index(people[-1]) + 1}")
        for process, people in halves:
            await process.says(
                *(
                    f"at {person}{number} {8 * number + 'abcdefgh'.index(person) + 1}"
                    for person in people
                    for number in range(5)
                )
            )
        one.do("end gate")
        for process, people in halves:
            await process.says(*(f"in {person}{number}" for person in people for number in range(5)))
    order = order_of(data_dir)[1:]
    assert sorted(order) == sorted(f"{person}{number}" for person in "abcdefgh" for number in range(5))
    for person in "abcdefgh":
        places = [-1, *(index for index, name in enumerate(order) if name[0] == person)]
        for earlier, later in itertools.pairwise(places):
            between = [name[0] for name in order[earlier + 1 : later]]
            assert len(between) == len(set(between)), "somebody was answered twice meanwhile"


async def test_positions_move_when_another_process_moves_the_line(data_dir: Path) -> None:
    async with two_processes(data_dir) as (one, two):
        one.do("ask a1 a")
        await one.says("in a1")
        one.do("ask b1 b", "ask c1 c")
        await one.says("at c1 2")
        two.do("ask d1 d")
        await two.says("at d1 3")
        one.do("stop b1")
        await two.says("at d1 2")
        one.do("stop a1")
        await one.says("in c1")
        await two.says("at d1 1")
        one.do("stop c1")
        await two.says("in d1")


async def test_a_killed_process_gives_back_its_slot_and_its_places(data_dir: Path) -> None:
    async with two_processes(data_dir) as (one, two):
        one.do("ask a1 a", "ask b1 b")
        await one.says("in a1", "at b1 1")
        two.do("ask c1 c", "ask d1 d")
        await two.says("at c1 2", "at d1 3")
        one.signal(signal.SIGKILL)
        await two.says("in c1", "at d1 1", within=GONE_SECONDS)
        two.do("work w")
        await two.says("refused w")


async def test_each_knows_how_many_turns_the_others_have(data_dir: Path) -> None:
    lease = Lease(data_dir)
    queue = SharedQueue(data_dir, lease.id)
    assert queue.others() == Crowd(0, 0)
    async with two_processes(data_dir) as (one, two):
        one.do("ask a1 a", "ask b1 b")
        await one.says("in a1", "at b1 1")
        two.do("ask c1 c")
        await two.says("at c1 2")
        assert queue.others() == Crowd(under_way=3, waiting=2)
        async with queue.turn(Server("another", lambda: 1), "d", lambda _position: None):
            assert queue.others() == Crowd(3, 2), "its own don't count"
        one.signal(signal.SIGKILL)
        await one.process.wait()
        await two.says("in c1", within=GONE_SECONDS)
        assert queue.others() == Crowd(1, 0)
        two.signal(signal.SIGKILL)
        await two.process.wait()
        assert queue.others() == Crowd(0, 0), "although nobody has taken it out yet"
    queue.close()
    lease.release()


async def test_a_background_job_of_another_process_is_no_turn(data_dir: Path) -> None:
    lease = Lease(data_dir)
    queue = SharedQueue(data_dir, lease.id)
    async with two_processes(data_dir) as (one, _):
        one.do("work w")
        await one.says("in w")
        assert queue.others() == Crowd(0, 0)
    queue.close()
    lease.release()


async def test_what_a_killed_process_held_holds_up_nobody_who_comes_later(data_dir: Path) -> None:
    async with two_processes(data_dir) as (one, two):
        one.do("ask a1 a", "ask b1 b")
        await one.says("in a1", "at b1 1")
        one.signal(signal.SIGKILL)
        await one.process.wait()
        two.do("ask c1 c")
        await two.says("in c1")
        assert not any(line.startswith("at") for line in two.said)


async def test_a_suspended_process_keeps_its_slot_and_its_places(data_dir: Path) -> None:
    async with two_processes(data_dir) as (one, two):
        one.do("ask a1 a", "ask b1 b")
        await one.says("in a1", "at b1 1")
        one.signal(signal.SIGSTOP)
        two.do("ask c1 c")
        await two.says("at c1 2")
        await two.has_not_said("in c1", for_seconds=2.5 * BURYING_SECONDS)
        assert "at c1 1" not in two.said
        one.signal(signal.SIGCONT)
        one.do("end a1")
        await one.says("in b1")
        one.do("end b1")
        await two.says("in c1")


async def test_the_loaded_model_goes_first_for_one_round(data_dir: Path) -> None:
    async with two_processes(data_dir) as (one, two):
        one.do("ask a1 a m")
        await one.says("in a1")
        one.do("ask b1 b n", "ask c1 c m", "ask c2 c m")
        await one.says("at b1 2", "at c1 1", "at c2 3")
        two.do("ask d1 d m", "ask d2 d m", "ask e1 e n")
        await two.says("at d1 2", "at e1 4")
        one.do("end c1", "end b1", "end c2")
        two.do("end d1", "end d2", "end e1")
        one.do("end a1")
        await one.says("in c2")
        await two.says("in d2", "in e1")
    assert order_of(data_dir) == ["a1", "c1", "d1", "b1", "e1", "c2", "d2"], "one switch to n, and one back"


async def test_no_switch_under_a_running_answer_although_a_slot_is_free(data_dir: Path) -> None:
    async with two_processes(data_dir, slots=2) as (one, two):
        one.do("ask a1 a m")
        await one.says("in a1")
        two.do("ask b1 b n")
        await two.says("at b1 1")
        one.do("ask c1 c m")
        await one.says("in c1")
        two.do("ask d1 d m")
        await two.says("at d1 2")
        one.do("end a1")
        # A free slot again; but b has been passed, and d came later.
        one.do("work w")
        await one.says("refused w")
        assert "in b1" not in two.said
        one.do("end c1")
        await two.says("in b1", "at d1 1")
        two.do("end b1")
        await two.says("in d1")
    assert order_of(data_dir) == ["a1", "c1", "b1", "d1"]


async def test_a_background_job_gives_way_to_another_process(data_dir: Path) -> None:
    async with two_processes(data_dir) as (one, two):
        one.do("work w1")
        await one.says("in w1")
        two.do("work w2")
        await two.says("refused w2")
        two.do("ask a1 a")
        await one.says("asked w1", "out w1")
        await two.says("in a1")
        assert "at a1 1" not in two.said, "waiting for a job isn't worth telling"
        one.do("work w3")
        await one.says("refused w3")


@pytest.mark.parametrize("how", ["patient", "suspended"])
async def test_a_background_job_that_does_not_give_way_is_not_waited_for(data_dir: Path, how: str) -> None:
    async with two_processes(data_dir) as (one, two):
        one.do(f"work w1 {how}")
        await one.says("in w1")
        if how == "suspended":
            one.signal(signal.SIGSTOP)
        two.do("ask a1 a")
        await two.says("in a1", within=GONE_SECONDS)
        one.signal(signal.SIGCONT)
        await one.says("asked w1")


def test_the_command_line_shows_the_place_in_the_line(cli: CommandLine) -> None:
    fake = FakeOpenAI(Script(pieces=["word "] * 600, delay=0.1), Script(pieces=["Good evening."]))
    with serve(fake.handle) as address:
        ours = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address)
        with ours.start("ask", "Tell me everything.") as first:
            assert first.stdin is not None
            assert first.stdout is not None
            first.stdin.close()
            first.stdout.read(1)  # its answer is under way
            second = pexpect.spawn(
                sys.executable, [*COMMAND[1:], "ask", "And me?"], env={**ours.env, "TERM": "xterm-256color"},
                encoding="utf-8", dimensions=(30, 100), timeout=LONG,
            )  # fmt: skip
            second.expect("You're next")
            assert len(fake.chats) == 1
            first.send_signal(signal.SIGINT)
            second.expect("Good evening.")
            second.expect(pexpect.EOF)
            second.close()
            first.stdout.read()
    assert second.exitstatus == 0
    assert [request.finished for request in fake.chats] == [False, True]
