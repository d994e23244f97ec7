"""Admin pages: backups. They are made and checked here; whoever has the data folder puts one back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat import backups
from familychat.backups import BackupOptions
from familychat.errors import NotFoundError
from familychat.family.passwords import check_new_password
from familychat.household import Household
from familychat.models import User
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.controllers.setting_up import same_twice
from familychat_web.forms import reads
from familychat_web.jobs import Job
from familychat_web.site import WebRequest

BACKUPS = "/admin/backups"
KIND = "backups"


async def _make(doing: Doing) -> None:
    passphrase = doing.given.get("password", "") or None
    if passphrase is not None:
        same_twice(passphrase, doing.given.get("again", ""))
        check_new_password(passphrase, "")
    site, home, options = doing.site, doing.home, BackupOptions(passphrase=passphrase)
    data_dir = home.settings.data_dir

    def work(job: Job) -> object:
        return backups.create(
            data_dir,
            site.config_path,
            backups.default_folder(data_dir),
            options,
            clock=home.clock,
            progress=partial(_tell, job),
        )

    site.jobs.start(KIND, "make-backup", "", lambda job: site.jobs.in_thread(partial(work, job)))


async def _check(doing: Doing) -> None:
    path = _one_of_ours(doing.home, doing.given.get("name", ""))
    jobs, passphrase, data_dir = doing.site.jobs, doing.given.get("password", "") or None, doing.home.settings.data_dir

    def work(job: Job) -> object:
        return backups.verify(data_dir, path, passphrase, progress=partial(_tell, job))

    jobs.start(KIND, "check-backup", path.name, lambda job: jobs.in_thread(partial(work, job)))


def _tell(job: Job, name: str, so_far: int, total: int) -> None:
    job.tell(name, so_far / total if total else None)


def _one_of_ours(home: Household, name: str) -> Path:
    """A backup in the data folder by its name: a page never opens any other file."""
    for one in backups.backups(backups.default_folder(home.settings.data_dir)):
        if one.path.name == name:
            return one.path
    raise NotFoundError("There is no such backup.", "Choose one of the list.")


ACTS: dict[str, Act] = {"make-backup": _make, "check-backup": _check}


class BackupsController(Controller):
    path = BACKUPS
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get(sync_to_thread=False)
    def backups(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        return _backups(request, home)

    @post(opt=reads(does=ACTS))
    async def change_backups(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Begin to make or to check one."""
        result = await acted(await asked(request, home, user), ACTS, BACKUPS)
        return _backups(request, home, result) if isinstance(result, Refused) else result

    @get("/progress", sync_to_thread=False)
    def progress(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """How far what is under way is, alone."""
        return admin_page(request, KIND, home, part=True)


def _backups(request: WebRequest, home: Household, refused: Refused | None = None) -> Response[str]:
    folder = backups.default_folder(home.settings.data_dir)
    there = list(reversed(backups.backups(folder)))
    return admin_page(request, KIND, home, refused=refused, part=False, backups=there, folder=folder)
