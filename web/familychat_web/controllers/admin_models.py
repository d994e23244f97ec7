"""Admin pages: the model server, its models, and what is loaded and fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.errors import FamilychatError, InvalidInputError
from familychat.household import Household
from familychat.llm import practice_model
from familychat.llm.base import ModelServer, Progress, known_model
from familychat.models import User
from familychat.settings import write_setting
from familychat_web.admin_pages import Refused, admin_page, admins_only, done, typed
from familychat_web.dependencies import off_loop
from familychat_web.describing import MAY_FAIL
from familychat_web.errors import Problem, problem_of
from familychat_web.forms import reads
from familychat_web.jobs import Job
from familychat_web.site import WebRequest, site_of

MODELS = "/admin/models"
KIND = "models"
PATIENCE = 10.0
"""Seconds that the page waits for the model server."""


class ModelsController(Controller):
    path = MODELS
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get()
    async def models(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """The server's state, its models, and what is under way with them."""
        return await _models(request, home)

    @post(opt=reads(does=("look-anew", "pull", "load", "unload", "use-model")) | {MAY_FAIL: (501, 502, 504)})
    async def change_models(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Load, unload or fetch a model, make one the default, or look for the server anew."""
        home.accounts.require_admin(user)
        given = await typed(request)
        wanted = given.get("do", "")
        try:
            await _change(request, home, wanted, given.get("model", "").strip())
        except FamilychatError as error:
            return await _models(request, home, Refused(wanted, problem_of(error), given))
        return done(MODELS, wanted)

    @get("/progress", sync_to_thread=False)
    def progress(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """How far what is under way is, alone."""
        return admin_page(request, KIND, home, part=True)


async def _change(request: WebRequest, home: Household, wanted: str, name: str) -> None:
    site = site_of(request)
    if wanted == "look-anew":
        site.jobs.require_free(KIND)
        await home.servers.forget()
        return
    server = await home.servers.get()
    if wanted == "pull" and not name and server.kind == "embedded":
        name = practice_model.NAME
    if not name:
        raise InvalidInputError("Which model?", "Choose or type its name.")
    if wanted == "pull":
        site.jobs.start(KIND, wanted, name, lambda job: _followed(job, server.pull(name)))
        return
    model = known_model(await server.list_models(), name, server.title).name
    if wanted == "load":
        site.jobs.start(KIND, wanted, model, lambda job: _followed(job, server.load(model)))
    elif wanted == "unload":
        site.jobs.require_free(KIND)
        await server.unload(model)
    elif wanted == "use-model":
        await off_loop(request, write_setting, site.config_path, "model", model)
        home.use_model(model)
    else:
        raise InvalidInputError("The form isn't complete. Nothing was changed.", "Load the page again.")


async def _followed(job: Job, steps: AsyncGenerator[Progress, None]) -> None:
    async with aclosing(steps):
        async for step in steps:
            fraction = step.done / step.total if step.done is not None and step.total else step.fraction
            job.tell(step.text, fraction)


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
