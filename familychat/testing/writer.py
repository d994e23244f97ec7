"""Another process on a data folder that writes an answer, as a second terminal does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

_PROCESS = """
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


class Writer:
    """It asks ``question`` for a person, in a new ``conversation`` (its id); the answer takes most of a minute.

    Inside ``with``, it is there.
    """

    def __init__(self, data_dir: Path, username: str, question: str) -> None:
        command = [sys.executable, "-c", _PROCESS, str(data_dir), username, question]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- our own script
        self.conversation = self._line()

    def end(self) -> str:
        """Waits for the turn's end: the name of its event."""
        return self._line()

    def kill(self) -> None:
        """End the process on the spot."""
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        return self._process.stdout.readline().strip() if self._process.stdout else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._process:
            self._process.kill()
