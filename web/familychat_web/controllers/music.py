"""Admin pages: the household's music lists: bringing them in, after a look at what would become of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response

from familychat.errors import ConflictError, InvalidInputError, StoreFullError
from familychat.household import Household
from familychat.models import User
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.dependencies import off_loop
from familychat_web.describing import TAKES
from familychat_web.forms import reads, see_other
from familychat_web.guards import UPLOADS
from familychat_web.jobs import Job
from familychat_web.music_desk import Upload, bring_in, columns_of, libraries, roles, suggestions
from familychat_web.site import Site, WebRequest, site_of
from familychat_web.templating import language_of

if TYPE_CHECKING:
    from familychat_music.libraries import Imported

MUSIC = "/admin/music"
KIND = "music"
MOST_IN_AN_UPLOAD = 200_000_000
"""Bytes."""


async def _look(doing: Doing) -> None:
    waiting = _waiting(doing)
    sheet = doing.text("sheet") or None
    if sheet != waiting.sheet:  # another one has other columns
        waiting.sheet, waiting.columns, waiting.mapping = sheet, (), {}
    _start(doing.site, doing.home, doing.by, waiting, None)


async def _map(doing: Doing) -> None:
    waiting = _waiting(doing)
    roles = [doing.given.get(f"column-{place}", "") for place in range(len(waiting.columns))]
    waiting.mapping = {column.key: role for column, role in zip(waiting.columns, roles, strict=True) if role}
    _start(doing.site, doing.home, doing.by, waiting, None)


async def _import(doing: Doing) -> None:
    waiting, name = _waiting(doing), doing.text("name")
    if not name:
        raise InvalidInputError("What is the list to be called?", "Type a name.")
    _start(doing.site, doing.home, doing.by, waiting, name)


async def _cancel(doing: Doing) -> None:
    _waiting(doing)
    doing.site.music.clear()
    doing.site.jobs.forget(KIND)


def _waiting(doing: Doing) -> Upload:
    """The file that waits, and that nothing is being done with."""
    doing.site.jobs.require_free(KIND)
    if doing.site.music.upload is None:
        raise ConflictError("No file waits to be brought in any more.", "Upload it again.")
    return doing.site.music.upload


def _rename(doing: Doing) -> None:
    music = libraries(doing.home)
    music.rename(doing.by, music.managed(doing.by, doing.given.get("library", "")), doing.given.get("name", ""))


def _remove(doing: Doing) -> None:
    music = libraries(doing.home)
    music.remove(doing.by, music.managed(doing.by, doing.given.get("library", "")))


ACTS: dict[str, Act] = {
    "look": _look,
    "map": _map,
    "import": _import,
    "cancel": _cancel,
    "rename-library": _rename,
    "remove-library": _remove,
}


def _start(site: Site, home: Household, by: User, waiting: Upload, name: str | None) -> None:
    """Bring it in as ``name``, or (None) read all of it to show what would become of it."""

    def work_on(job: Job) -> Imported:
        return bring_in(home, by, waiting, name, lambda rows, fraction: job.tell(f"{rows:,}", fraction))

    async def work(job: Job) -> Imported:
        imported = await site.jobs.in_thread(partial(work_on, job))
        waiting.columns = waiting.columns or columns_of(imported.report)
        if name is not None and site.music.upload is waiting:
            site.music.clear()
        return imported

    site.jobs.start(KIND, "look" if name is None else "import", name or waiting.path.name, work)


class MusicController(Controller):
    path = MUSIC
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get(sync_to_thread=False)
    def music(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        """The lists there are, and the one that is being brought in."""
        return _music(request, home, user)

    @post("/upload", opt=UPLOADS | {TAKES: ("application/octet-stream",)}, request_max_body_size=MOST_IN_AN_UPLOAD)
    async def upload(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        name: FromQuery[str] = "",
    ) -> Response[Any]:
        """Take the body as a file called ``name``, and begin to look what it is."""
        home.accounts.require_admin(user)
        site = site_of(request)
        site.jobs.require_free(KIND)
        waiting = site.music.take(home.settings.data_dir, name)
        try:
            await _receive(request, waiting)
            if site.music.upload is not waiting:
                raise ConflictError("Another file was uploaded meanwhile. This one wasn't kept.", "Try once more.")
            _start(site, home, user, waiting, None)
        except BaseException:
            if site.music.upload is waiting:
                site.music.clear()
            raise
        return see_other(MUSIC)

    @post(opt=reads(does=ACTS))
    async def change_music(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Bring in what waits, or don't; rename or remove a list."""
        result = await acted(await asked(request, home, user), ACTS, MUSIC)
        return _music(request, home, user, result) if isinstance(result, Refused) else result

    @get("/progress", sync_to_thread=False)
    def progress(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """How far what is under way is, alone."""
        return admin_page(request, KIND, home, part=True)

    @get("/one")
    async def library(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        name: FromQuery[str] = "",
    ) -> Response[str]:
        """One list: its last report, and questions to begin with."""
        found = libraries(home).managed(user, name)
        questions = await off_loop(request, suggestions, home, user, found.name, language_of(request).code)
        return admin_page(request, "library", home, library=found, report=found.report, questions=questions)


async def _receive(request: WebRequest, waiting: Upload) -> None:
    size = 0
    try:
        async with await anyio.open_file(waiting.path, "xb") as file:
            async for piece in request.stream():
                size += len(piece)
                await file.write(piece)
    except OSError as error:
        raise StoreFullError("The file can't be kept: the disk is full or can't be written.", "Make room.") from error
    if not size:
        raise InvalidInputError("The file is empty. Nothing was changed.", "Choose another.")


def _music(request: WebRequest, home: Household, by: User, refused: Refused | None = None) -> Response[str]:
    site = site_of(request)
    return admin_page(
        request,
        KIND,
        home,
        refused=refused,
        part=False,
        waiting=site.music.upload,
        roles=roles(),
        libraries=libraries(home).usable(by),
        most=MOST_IN_AN_UPLOAD,
    )
