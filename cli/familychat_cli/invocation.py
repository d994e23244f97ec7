"""What every command needs: the settings, the open household, and who is using it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from familychat.errors import InvalidInputError, SignInError

if TYPE_CHECKING:
    from familychat.household import Household
    from familychat.models import User
    from familychat.settings import Settings

T = TypeVar("T")
SESSION_FILE = "terminal-session"
INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it: 128 and the number of SIGINT."""


@dataclass(slots=True)
class Invocation:
    """The global options of one command."""

    data_dir: str | None = None
    config: str | None = None
    verbose: bool = False

    def config_path(self) -> Path:
        from familychat.settings import config_path_from

        return config_path_from({"FAMILYCHAT_CONFIG": self.config} if self.config else os.environ)

    def settings(self) -> Settings:
        from familychat.settings import load_settings

        return load_settings({"data_dir": self.data_dir}, os.environ, self.config_path())


current = Invocation()
"""This process's invocation; the main callback fills it in."""


@contextlib.contextmanager
def household() -> Iterator[Household]:
    """The open household, for commands that need no event loop."""
    from familychat.household import Household

    home = Household(current.settings())
    try:
        yield home
    finally:
        home.close()


@contextlib.contextmanager
def signed_in() -> Iterator[tuple[Household, User]]:
    """The open household and the person at the terminal."""
    with household() as home:
        yield home, person(home)


@contextlib.asynccontextmanager
async def running_household() -> AsyncIterator[tuple[Household, User]]:
    """As :func:`signed_in`, inside an event loop; at the end, what is running is stopped and kept."""
    from familychat.household import Household

    home = Household(current.settings())
    try:
        yield home, person(home)
    finally:
        await home.aclose()


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run asynchronous work to its end."""
    import asyncio

    return asyncio.run(work())


def session_path(home: Household) -> Path:
    """The file that remembers who signed in at this terminal."""
    return home.settings.data_dir / SESSION_FILE


def stored_token(home: Household) -> str | None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return session_path(home).read_text(encoding="ascii").strip() or None
    return None


def person(home: Household) -> User:
    """Who signed in, else the owner of the operating-system account while that account has no password.

    Raises :class:`SignInError` if it is nobody.
    """
    from familychat.family.accounts import os_account

    token = stored_token(home)
    if token:
        user = home.sign_in.user_of(token)
        if user is None:
            raise SignInError("Your sign-in has ended.", "familychat login signs you in again.")
        return user
    owner = home.accounts.people.by_os_account(os_account())
    if owner is None or not owner.active or owner.has_password:
        raise SignInError("Nobody is signed in.", "familychat login signs you in.")
    return owner


def read_stdin(limit: int) -> str:
    """All of standard input as text, up to ``limit`` bytes; raises :class:`InvalidInputError` if it isn't UTF-8."""
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise InvalidInputError(f"Standard input is over {limit:,} bytes long. Nothing was sent.", "Send less at once.")
    return decode_stdin(data)


def decode_stdin(data: bytes) -> str:
    """Bytes from standard input as text; a byte order mark at the start is left out."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"Standard input isn't UTF-8 text (byte {error.start + 1}). Nothing was sent.",
            "Save it as UTF-8, then try again.",
        ) from error


def read_password(*, from_stdin: bool, twice: bool) -> str:
    """A password, typed unseen (twice for a new one) or the first line of standard input; never an argument."""
    if from_stdin:
        line = decode_stdin(sys.stdin.buffer.readline(4096))
        return line.rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidInputError("There is no terminal to type a password at.", "Use --password-stdin.")
    from prompt_toolkit import prompt

    first = prompt("Password: ", is_password=True)
    if twice and prompt("Once more: ", is_password=True) != first:
        raise InvalidInputError("The two passwords differ. Nothing was changed.", "Try again.")
    return first


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that can't be undone; raises :class:`InvalidInputError` without a yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInputError(f"{question} Nothing was changed.", "Say --yes to do it without being asked.")
    if input(f"{question} Type yes to go on: ").strip().casefold() not in {"y", "yes"}:
        raise InvalidInputError("Nothing was changed.")
