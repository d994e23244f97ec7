"""Admin pages: backups. They are made and checked here; whoever has the data folder puts one back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat import backups
from familychat.backups import BackupOptions
from familychat.errors import FamilychatError, InvalidInputError, NotFoundError
from familychat.family.passwords import check_new_password
from familychat.household import Household
from familychat.models import User
from familychat_web.admin_pages import Refused, admin_page, admins_only, done, typed
from familychat_web.controllers.setting_up import same_twice
from familychat_web.errors import problem_of
from familychat_web.forms import reads
from familychat_web.jobs import Job
from familychat_web.site import WebRequest, site_of

BACKUPS = "/admin/backups"
KIND = "backups"


class BackupsController(Controller):
    path = BACKUPS
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get(sync_to_thread=False)
    def backups(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        return _backups(request, home)

    @post(opt=reads(does=("make-backup", "check-backup")))
    async def change_backups(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Begin to make or to check one."""
        home.accounts.require_admin(user)
        given = await typed(request)
        wanted = given.get("do", "")
        try:
            if wanted == "make-backup":
                _make(request, home, given)
            elif wanted == "check-backup":
                _check(request, home, given)
            else:
                raise InvalidInputError("The form isn't complete. Nothing was changed.", "Load the page again.")
        except FamilychatError as error:
            return _backups(request, home, Refused(wanted, problem_of(error), given))
        return done(BACKUPS, wanted)

    @get("/progress", sync_to_thread=False)
    def progress(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """How far what is under way is, alone."""
        return admin_page(request, KIND, home, part=True)


def _make(request: WebRequest, home: Household, given: dict[str, str]) -> None:
    passphrase = given.get("password", "") or None
    if passphrase is not None:
        same_twice(passphrase, given.get("again", ""))
        check_new_password(passphrase, "")
    site, data_dir = site_of(request), home.settings.data_dir
    options = BackupOptions(passphrase=passphrase)

    async def work(job: Job) -> object:
        return await site.jobs.in_thread(
            lambda: backups.create(
                data_dir,
                site.config_path,
                backups.default_folder(data_dir),
                options,
                clock=home.clock,
                progress=lambda name, so_far, total: job.tell(name, so_far / total if total else None),
            )
        )

    site.jobs.start(KIND, "make-backup", "", work)


def _check(request: WebRequest, home: Household, given: dict[str, str]) -> None:
    path = _one_of_ours(home, given.get("name", ""))
    site, passphrase = site_of(request), given.get("password", "") or None

    async def work(job: Job) -> object:
        return await site.jobs.in_thread(
            lambda: backups.verify(
                home.settings.data_dir,
                path,
                passphrase,
                progress=lambda name, so_far, total: job.tell(name, so_far / total if total else None),
            )
        )

    site.jobs.start(KIND, "check-backup", path.name, work)


def _one_of_ours(home: Household, name: str) -> Path:
    """A backup in the data folder by its name: a page never opens any other file."""
    for one in backups.backups(backups.default_folder(home.settings.data_dir)):
        if one.path.name == name:
            return one.path
    raise NotFoundError("There is no such backup.", "Choose one of the list.")


def _backups(request: WebRequest, home: Household, refused: Refused | None = None) -> Response[str]:
    folder = backups.default_folder(home.settings.data_dir)
    there = list(reversed(backups.backups(folder)))
    return admin_page(request, KIND, home, refused=refused, part=False, backups=there, folder=folder)
