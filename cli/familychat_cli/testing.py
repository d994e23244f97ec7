"""Driving the command line in tests, as a process of its own. For plugin authors, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

COMMAND = (sys.executable, "-m", "familychat_cli.main")
TALKATIVE: dict[str, Any] = {"ignore_eos": True, "max_tokens": 3000}
"""For :data:`familychat.llm.embedded.DEFAULTS`: the real engine, with a model that never ends an answer by itself.

Nobody knows when a small model has said enough: asked for a long story, it now and then tells one of 80 tokens.
"""
_TALKATIVE_COMMAND = (
    sys.executable,
    "-c",
    f"import runpy, familychat.llm.embedded as engine; engine.DEFAULTS.update({TALKATIVE!r}); "
    f"runpy.run_module({COMMAND[-1]!r}, run_name='__main__')",
)
_WRITING = """
import asyncio, sys
from pathlib import Path
from familychat.chat import NewConversation
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.settings import Settings
from familychat.testing import FakeOpenAI, Script

async def write(folder, username, question):
    settings = Settings(data_dir=Path(folder), server_kind="openai", server_url="http://fake", titles="words")
    script = Script(pieces=["word "] * 2000, reasoning=["Let me see."], delay=0.02)
    home = Household(settings, servers=ServerChoice(settings, FakeOpenAI(script).transport()))
    running = home.chat.start(home.accounts.people.by_username(username), NewConversation(), question)
    print(running.conversation.id, flush=True)
    print(type(await running.wait()).__name__, flush=True)
    await home.aclose()

asyncio.run(write(*sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs ``familychat`` with exactly these environment variables, in this folder."""

    env: Mapping[str, str]
    folder: Path
    command: tuple[str, ...] = COMMAND

    def talkative(self) -> CommandLine:
        """The same with :data:`TALKATIVE` answers of the built-in engine."""
        return replace(self, command=_TALKATIVE_COMMAND)

    def using(self, **variables: str) -> CommandLine:
        """The same with more variables."""
        return replace(self, env={**self.env, **variables})

    def __call__(self, *args: str, stdin: str | bytes = "", timeout: float = 60) -> Result:
        """Run a command to its end. Fails if it shows a traceback."""
        done = subprocess.run(  # noqa: S603 -- our own command
            [*self.command, *args],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env=dict(self.env),
            cwd=self.folder,
            timeout=timeout,
            check=False,
        )
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        if "Traceback" in result.err:
            raise AssertionError(f"a traceback reached a person:\n{result.err}")
        return result

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a command and leave it running, with pipes for its three streams."""
        return subprocess.Popen(  # noqa: S603 -- our own command
            [*self.command, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(self.env),
            cwd=self.folder,
        )


@dataclass
class House:
    """``familychat serve`` as a process of its own. ``setup`` is the one-time link that the first start prints."""

    cli: CommandLine
    process: subprocess.Popen[bytes]
    address: str
    setup: str

    @classmethod
    def serve(cls, cli: CommandLine) -> House:
        """Begin on a free port, in a new data folder; end it with :meth:`kill`."""
        process = cli.start("serve", "--port", "0")
        address, _, setup = (_line(process) for _ in range(3))
        return cls(cli, process, address.split()[-1], setup)

    def kill(self) -> None:
        """As kill -9 does."""
        self.process.kill()
        self.process.communicate()

    def start_again(self) -> None:
        """At the same address, as a computer does that comes back."""
        self.process = self.cli.start("serve", "--port", self.address.rpartition(":")[2])
        if self.address not in _line(self.process):
            raise AssertionError("it is served elsewhere")

    def processor_seconds(self) -> float:
        """What the server's process has used of the processor (Linux)."""
        times = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


class Writer:
    """A process that asks ``question`` for a person, in a new ``conversation`` (its id), as a second terminal does.

    The answer takes most of a minute. Inside ``with``, it is there.
    """

    def __init__(self, data_dir: Path, username: str, question: str) -> None:
        command = [sys.executable, "-c", _WRITING, str(data_dir), username, question]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 -- our own script
        self.conversation = _line(self._process)

    def end(self) -> str:
        """Waits for the turn's end: the name of its event."""
        return _line(self._process)

    def kill(self) -> None:
        """End the process on the spot."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._process:
            self._process.kill()


def _line(process: subprocess.Popen[bytes]) -> str:
    return process.stdout.readline().decode().strip() if process.stdout else ""
