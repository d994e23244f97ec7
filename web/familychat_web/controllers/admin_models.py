"""Admin pages: the model server, its models, and what is loaded and fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.errors import FamilychatError, InvalidInputError
from familychat.household import Household
from familychat.llm import practice_model
from familychat.llm.base import ModelServer, Progress, known_model
from familychat.models import User
from familychat.wording import Text
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.describing import MAY_FAIL
from familychat_web.errors import Problem, problem_of
from familychat_web.forms import reads
from familychat_web.jobs import Job
from familychat_web.site import WebRequest

MODELS = "/admin/models"
KIND = "models"
PATIENCE = 10.0
"""Seconds that the page waits for the model server."""


async def _look_anew(doing: Doing) -> None:
    doing.site.jobs.require_free(KIND)
    await doing.home.servers.forget()


async def _pull(doing: Doing) -> None:
    server = await doing.home.servers.get()
    name = doing.text("model")
    if not name and server.kind == "embedded":
        name = practice_model.NAME
    named = _required(name)
    doing.site.jobs.start(KIND, "pull", named, lambda job: _followed(job, server.pull(named)))


async def _load(doing: Doing) -> None:
    server, model = await _chosen(doing)

    async def work(job: Job) -> None:
        async with doing.home.between_answers(doing.by, partial(_wait, job), model=model):
            await _followed(job, server.load(model))

    doing.site.jobs.start(KIND, "load", model, work)


async def _unload(doing: Doing) -> None:
    server, model = await _chosen(doing)

    async def work(job: Job) -> None:
        async with doing.home.between_answers(doing.by, partial(_wait, job)):
            job.tell("", None)
            await server.unload(model)

    doing.site.jobs.start(KIND, "unload", model, work)


async def _use(doing: Doing) -> None:
    _, model = await _chosen(doing)
    await doing.site.off_loop(doing.home.set_setting, doing.by, doing.site.config_path, "model", model)


async def _chosen(doing: Doing) -> tuple[ModelServer, str]:
    """The model server, and which of its models is meant."""
    server = await doing.home.servers.get()
    name = _required(doing.text("model"))
    return server, known_model(await server.list_models(), name, server.title).name


def _required(name: str) -> str:
    if not name:
        raise InvalidInputError("Which model?", "Choose or type its name.")
    return name


ACTS: dict[str, Act] = {
    "look-anew": _look_anew,
    "pull": _pull,
    "load": _load,
    "unload": _unload,
    "use-model": _use,
}


def _wait(job: Job, position: int) -> None:
    # Not by tell(): the queue calls this, and what that raises at a shutdown isn't its business.
    job.text = Text("It waits for answers that are under way: number %(place)s in the line.", place=position)


async def _followed(job: Job, steps: AsyncGenerator[Progress, None]) -> None:
    async with aclosing(steps):
        async for step in steps:
            fraction = step.done / step.total if step.done is not None and step.total else step.fraction
            job.tell(step.text, fraction)


class ModelsController(Controller):
    path = MODELS
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get()
    async def models(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """The server's state, its models, and what is under way with them."""
        return await _models(request, home)

    @post(opt=reads(does=ACTS) | {MAY_FAIL: (501, 502, 504)})
    async def change_models(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Load, unload or fetch a model, make one the default, or look for the server anew."""
        result = await acted(await asked(request, home, user), ACTS, MODELS)
        return await _models(request, home, result) if isinstance(result, Refused) else result

    @get("/progress", sync_to_thread=False)
    def progress(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """How far what is under way is, alone."""
        return admin_page(request, KIND, home, part=True)


async def _models(request: WebRequest, home: Household, refused: Refused | None = None) -> Response[str]:
    server: ModelServer | None = None
    models, trouble = [], None
    try:
        async with asyncio.timeout(PATIENCE):
            server = await home.servers.get()
            models = await server.list_models()
    except FamilychatError as error:
        trouble = problem_of(error)
    except TimeoutError:
        trouble = Problem(504, "The model server doesn't answer.", "It may be busy: look again in a while.")
    return admin_page(
        request,
        KIND,
        home,
        refused=refused,
        part=False,
        server=server,
        models=models,
        trouble_at_server=trouble,
        default=home.settings.model,
        practice=practice_model.NAME,
    )
