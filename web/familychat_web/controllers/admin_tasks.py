"""Admin pages: the household's tasks."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response

from familychat.errors import ConflictError, NotFoundError, TaskError
from familychat.household import Household
from familychat.models import User
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.forms import reads
from familychat_web.offering import models_known
from familychat_web.site import WebRequest

TASKS = "/admin/tasks"
EXAMPLE = '''name = "cooking"
title = "Cooking"
description = "What to cook, and how."
system_prompt = """
You help a family to cook. Recipes are for four, in metric units.
"""
'''


def _switch(*, off: bool) -> Act:
    def act(doing: Doing) -> None:
        doing.home.task_shelf.switch(doing.by, doing.text("name"), off=off)

    return act


def _add(doing: Doing) -> str:
    added = doing.home.task_shelf.add(doing.by, _toml(doing, "text"))
    return _address_of(added.known.task.name)


def _edit(doing: Doing) -> str:
    before = _toml(doing, "before") if "before" in doing.given else None
    edited = doing.home.task_shelf.edit(doing.by, doing.text("name"), _toml(doing, "text"), before=before)
    return _address_of(edited.name)


def _toml(doing: Doing, name: str) -> str:
    """Browsers send each end of a line as two characters."""
    return doing.given.get(name, "").replace("\r\n", "\n")


def _remove(doing: Doing) -> str:
    doing.home.task_shelf.remove(doing.by, doing.text("name"))
    return TASKS


def _address_of(name: str) -> str:
    return f"{TASKS}/one?{urlencode({'name': name})}"


SWITCHING: dict[str, Act] = {"task-off": _switch(off=True), "task-on": _switch(off=False), "add-task": _add}
CHANGING: dict[str, Act] = {"edit-task": _edit, "remove-task": _remove}


class TasksController(Controller):
    path = TASKS
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get(sync_to_thread=False)
    def tasks(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        """All tasks, those that are broken too."""
        return _tasks(request, home, user)

    @post(opt=reads(does=SWITCHING))
    async def change_tasks(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Switch a task on or off, or add one."""
        result = await acted(await asked(request, home, user), SWITCHING, TASKS)
        return _tasks(request, home, user, result) if isinstance(result, Refused) else result

    @get("/one", sync_to_thread=False)
    def task(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        name: FromQuery[str] = "",
    ) -> Response[str]:
        """One task; if it is the household's own, its text to change."""
        return _task(request, home, user, name)

    @post("/one", opt=reads(does=CHANGING))
    async def change_task(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Change or remove one of the household's own."""
        doing = await asked(request, home, user)
        result = await acted(doing, CHANGING, TASKS)
        return _task(request, home, user, doing.text("name"), result) if isinstance(result, Refused) else result


def _tasks(request: WebRequest, home: Household, by: User, refused: Refused | None = None) -> Response[str]:
    shelf = home.task_shelf
    return admin_page(
        request,
        "tasks",
        home,
        refused=refused,
        tasks=shelf.all(by),
        problems=shelf.problems(),
        example=EXAMPLE,
        models=models_known(request, home, by),
    )


def _task(request: WebRequest, home: Household, by: User, name: str, refused: Refused | None = None) -> Response[str]:
    own, shelved = None, None
    with contextlib.suppress(TaskError, ConflictError):  # there is none, or it comes with a package
        own = home.task_shelf.own(by, name)
    try:
        shelved = home.task_shelf.get(by, name)
    except TaskError as error:
        if own is None:
            raise NotFoundError(error.message, error.hint) from error
    return admin_page(
        request,
        "task",
        home,
        refused=refused,
        name=name,
        own=own,
        shelved=shelved,
        models=models_known(request, home, by),
    )
