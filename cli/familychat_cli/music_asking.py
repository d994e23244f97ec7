"""Asking a music library from the command line, once or for a whole file of questions."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from familychat.consulting import ModelAccess
from familychat.errors import InvalidInputError
from familychat.events import Loading, Queued
from familychat.models import MusicLibrary, User
from familychat_cli import invocation
from familychat_cli.output import err, note, say, table
from familychat_cli.render import waiting_text
from familychat_music.engine import Answer, Asked, MusicEngine
from familychat_music.evaluation import Evaluation, Method, evaluate, read_questions
from familychat_music.libraries import TASK, Libraries
from familychat_music.runner import Runner
from familychat_music.writers.base import WriterName

if TYPE_CHECKING:
    from familychat.household import Household


@asynccontextmanager
async def opened(
    library: str | None, model: str | None
) -> AsyncIterator[tuple[Household, Libraries, User, MusicLibrary, MusicEngine, ModelAccess]]:
    """The household, a library with its engine, and the model that the person at the terminal may use."""
    async with invocation.running_household() as (home, user):
        libraries = Libraries(home.database)
        found = libraries.get(user, library)
        with Runner() as runner:
            engine = libraries.open(found, runner)
            try:
                yield home, libraries, user, found, engine, _access(home, user, model)
            finally:
                engine.close()


def _access(home: Household, user: User, model: str | None) -> ModelAccess:
    return ModelAccess(
        home.servers,
        lambda name: home.permissions.require(user, f"model:{name}"),
        wanted=model,
        default=home.settings.model,
    )


async def ask_once(
    text: str, library: str | None, model: str | None, writer: str, *, quiet: bool
) -> tuple[str, Answer]:
    """Ask one question; returns the library's name and the answer."""
    asked = Asked(text, writer=_writer(writer))
    async with opened(library, model) as (home, libraries, user, found, engine, access):
        with err().status("Looking it up") if not quiet else contextlib.nullcontext() as status:

            def show(text: str) -> None:
                if status is not None:
                    status.update(text)

            async with home.question(user, TASK, lambda position: show(waiting_text(Queued(position))), model=model):
                async for step in libraries.ask(user, found, engine, asked, access):
                    if isinstance(step, Answer):
                        return found.name, step
                    if isinstance(step, Loading):
                        show(waiting_text(step))
    raise AssertionError("the engine always answers")


def _writer(name: str) -> WriterName:
    try:
        return WriterName(name)
    except ValueError:
        raise InvalidInputError(f"There is no writer {name}.", "There are: auto, plan, free.") from None


async def evaluate_file(file: Path, library: str | None, model: str | None, writer: str, *, quiet: bool) -> Evaluation:
    """Put every question of a file to a library, and compare with its gold SQL."""
    questions = read_questions(file)
    try:
        method = Method(writer)
    except ValueError:
        known = ", ".join(one.value for one in Method)
        raise InvalidInputError(f"There is no writer {writer}.", f"There are: {known}.") from None
    async with opened(library, model) as (home, _, user, _, engine, access):
        from rich.progress import Progress

        with Progress(console=err(), transient=True, disable=quiet or not err().is_terminal) as bar:
            task = bar.add_task("Asking", total=len(questions))

            def waiting(position: int) -> None:
                bar.update(task, description=f"{waiting_text(Queued(position))}.")

            @asynccontextmanager
            async def turn() -> AsyncIterator[None]:
                async with home.in_line(user, waiting, model=model):
                    bar.update(task, description="Asking")
                    yield

            return await evaluate(questions, engine, access, method, lambda: bar.advance(task), turn=turn)


def show_evaluation(result: Evaluation) -> None:
    """The figures, then what failed."""
    say(f"{result.correct} of {result.total} questions right ({result.accuracy:.1%})", style="bold")
    table(
        ["Measure", "Value"],
        [
            ["Right rows, of those with an answer", f"{result.execution_accuracy:.1%}"],
            ["Declined, of those without one", f"{result.refusal_accuracy:.1%}"],
            ["SQL that ran, of what was written", f"{result.valid_rate:.1%}"],
            ["Median time", f"{result.median_seconds:.2f} s"],
        ],
    )
    if result.kinds:
        rows = [[kind, f"{right} of {total}"] for kind, (right, total) in sorted(result.kinds.items())]
        table(["Kind", "Right"], rows)
    if result.failures:
        note("What failed:", style="yellow")
        table(
            ["Id", "Question", "Got", "Gold"],
            [[one.id, one.question, one.sql or one.why, one.gold_sql or "(declines)"] for one in result.failures],
        )
