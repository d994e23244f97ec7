"""Driving the command line in tests, as a process of its own. For plugin authors, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "familychat_cli.main")


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

    def using(self, **variables: str) -> CommandLine:
        """The same with more variables."""
        return replace(self, env={**self.env, **variables})

    def __call__(self, *args: str, stdin: str | bytes = "", timeout: float = 60) -> Result:
        """Run a command to its end. Fails if it shows a traceback."""
        done = subprocess.run(  # noqa: S603 -- our own command
            [*COMMAND, *args],
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
            [*COMMAND, *args],
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


def _line(process: subprocess.Popen[bytes]) -> str:
    return process.stdout.readline().decode().strip() if process.stdout else ""
