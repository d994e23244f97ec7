"""``familychat models``: what the model server has. Changes are for admins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from familychat.events import Queued
from familychat_cli import invocation, options
from familychat_cli.output import emit_json, megabytes, note, say, table
from familychat_cli.progress import show_progress
from familychat_cli.render import waiting_text

if TYPE_CHECKING:
    from familychat.household import Household
    from familychat.llm.base import ModelInfo, ModelServer
    from familychat.models import User

app = typer.Typer(help="The models of your model server.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name; a part of it does if only one fits.")]


def _listed(*, loaded_only: bool, json: bool) -> None:
    async def work() -> tuple[ModelServer, list[ModelInfo], str | None]:
        async with invocation.running_household() as (home, _user):
            server = await home.servers.get()
            return server, await server.list_models(), home.settings.model

    server, models, default = invocation.run(work)
    shown = [model for model in models if model.loaded or not loaded_only]
    if json:
        emit_json({"server": server.kind, "address": server.address, "default": default, "models": shown})
        return
    note(f"{server.title}, {server.address}")
    if not shown:
        note(
            "No model is loaded." if loaded_only else "No model is there yet. familychat models pull NAME fetches one."
        )
        return
    rows = [
        [
            f"{model.name}{' *' if model.name == default else ''}",
            {True: "loaded", False: "", None: "?"}[model.loaded],
            megabytes(model.size_bytes),
            f"{reads:,}" if (reads := model.context_length or model.max_context_length) else "",
        ]
        for model in shown
    ]
    table(["Model", "State", "Size", "Reads (tokens)"], rows, right=["Size", "Reads (tokens)"])


@app.command("list")
def list_models(json: options.Json = False) -> None:
    """Show the models there are; * marks the household's default."""
    _listed(loaded_only=False, json=json)


@app.command()
def ps(json: options.Json = False) -> None:
    """Show the models that are loaded now."""
    _listed(loaded_only=True, json=json)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A model by its full name, where it is, and the admin who changes it."""

    home: Household
    user: User
    server: ModelServer
    model: str

    def between_answers(self, model: str | None = None) -> AbstractAsyncContextManager[None]:
        """As :meth:`Household.between_answers`, saying what is waited for."""
        return self.home.between_answers(self.user, lambda position: note(waiting_text(Queued(position))), model=model)


def _manage(work: Callable[[_Chosen], Awaitable[None]], name: str | None, *, must_exist: bool = True) -> str:
    """Do something with a model as an admin; returns the model's full name."""

    async def managed() -> str:
        from familychat.errors import InvalidInputError
        from familychat.family.permissions import require_admin
        from familychat.llm import practice_model
        from familychat.llm.base import known_model

        async with invocation.running_household() as (home, user):
            require_admin(user)
            server = await home.servers.get()
            wanted = name or (practice_model.NAME if server.kind == "embedded" else None)
            if wanted is None:
                raise InvalidInputError("Which model?", "familychat models pull NAME")
            if must_exist:
                wanted = known_model(await server.list_models(), wanted, server.title).name
            await work(_Chosen(home, user, server, wanted))
            return wanted

    return invocation.run(managed)


@app.command()
def use(name: Name) -> None:
    """Choose the household's default model."""

    async def work(chosen: _Chosen) -> None:
        chosen.home.set_setting(chosen.user, invocation.current.config_path(), "model", chosen.model)

    say(f"{_manage(work, name)} answers from now on, unless a conversation has chosen another.")


@app.command()
def load(name: Name) -> None:
    """Load a model, so that its first answer comes at once."""

    async def work(chosen: _Chosen) -> None:
        async with chosen.between_answers(chosen.model):
            await show_progress(chosen.server.load(chosen.model))

    say(f"{_manage(work, name)} is ready.")


@app.command()
def unload(name: Name) -> None:
    """Free the memory a model takes."""

    async def work(chosen: _Chosen) -> None:
        async with chosen.between_answers():
            await chosen.server.unload(chosen.model)

    say(f"{_manage(work, name)} is unloaded.")


@app.command()
def pull(
    name: Annotated[str | None, typer.Argument(metavar="MODEL", help="Which; else the practice model.")] = None,
) -> None:
    """Download a model to your model server."""

    async def work(chosen: _Chosen) -> None:
        await show_progress(chosen.server.pull(chosen.model))

    say(f"{_manage(work, name, must_exist=False)} is here.")


@app.command()
def rm(name: Name, yes: options.Yes = False) -> None:
    """Delete a model from your model server."""

    async def work(chosen: _Chosen) -> None:
        invocation.confirm(f"This deletes {chosen.model} from {chosen.server.title}.", yes=yes)
        async with chosen.between_answers():
            await chosen.server.remove(chosen.model)

    say(f"{_manage(work, name)} is gone.")
