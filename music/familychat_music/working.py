"""One worker process, seen from the program that asks it."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from familychat_music.rows import Limits

LENGTH = struct.Struct(">I")
WORKER = Path(__file__).with_name("worker.py")
STARTING = 30.0
"""Seconds a worker may take to start, on a computer that is very busy."""

GRACE = 0.0
"""Seconds after the deadline until the worker is killed: mostly it stops by itself and stays warm."""

ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""All that a bare Python may need of the environment; whatever else is in it is none of the worker's business."""


class EndedError(Exception):
    """The worker ended instead of answering; ``why`` is ``time``, ``stopped``, ``memory`` or ``start``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Worker:
    """A process that runs one statement at a time. It starts in the background; the first question waits for it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- this very Python and a file of this package
            [sys.executable, "-I", "-S", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            start_new_session=True,
        )
        self._ready = False
        self._lock = threading.Lock()
        self._why = ""

    @property
    def dead(self) -> bool:
        """Whether it was killed, or ended by itself while it was asked."""
        return bool(self._why)

    def alive(self) -> bool:
        return not self._why and self._process.poll() is None

    def kill(self, why: str) -> None:
        """End it at once, from any thread; the first reason counts."""
        with self._lock:
            self._why = self._why or why
            self._process.kill()

    def end(self) -> None:
        """End it and clear up. Only when no question is under way."""
        self.kill("ended")
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was left to write has no reader
                if stream is not None:
                    stream.close()

    def ask(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """The worker's reply. Raises EndedError if it didn't live to give one: it was too slow, stopped, or died."""
        try:
            if not self._ready:
                self._read_within(STARTING)
                self._ready = True
            self._write(request)
            return self._read_within(limits.seconds + GRACE)
        except (OSError, EOFError):
            self.kill("memory" if self._ready else "start")
            raise EndedError(self._why) from None

    def _write(self, request: dict[str, Any]) -> None:
        stream = self._process.stdin
        if stream is None:  # cannot be: it was opened as a pipe
            raise EOFError
        body = json.dumps(request).encode("ascii")
        stream.write(LENGTH.pack(len(body)) + body)
        stream.flush()

    def _read_within(self, seconds: float) -> dict[str, Any]:
        timer = threading.Timer(seconds, self.kill, ["time"])
        timer.daemon = True
        timer.start()
        try:
            (length,) = LENGTH.unpack(self._read(LENGTH.size))
            reply: dict[str, Any] = json.loads(self._read(length))
            return reply
        finally:
            timer.cancel()

    def _read(self, length: int) -> bytes:
        stream = self._process.stdout
        found = stream.read(length) if stream is not None else b""
        if len(found) < length:
            raise EOFError
        return found
