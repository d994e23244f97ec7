"""What one running page consists of, and what is known about one request: typed, where ASGI has dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from litestar.connection import ASGIConnection, Request
from litestar.types import Scope

from familychat_web.jobs import Jobs
from familychat_web.music_desk import MusicDesk
from familychat_web.patience import Patience
from familychat_web.rates import Rates
from familychat_web.watching import Counts

if TYPE_CHECKING:
    from pathlib import Path

    from familychat.household import Household
    from familychat.models import User
    from familychat.settings import Settings
    from familychat_web.assets import Assets
    from familychat_web.languages import Languages
    from familychat_web.setup_link import SetupLink
    from familychat_web.templating import Templates

P = ParamSpec("P")
R = TypeVar("R")

Connection = ASGIConnection[Any, Any, Any, Any]
WebRequest = Request[Any, Any, Any]
SLOW_WORK_AT_ONCE = 2
_KEY = "familychat"


@dataclass(slots=True)
class Site:
    """The parts of the page.

    ``models`` are the names of those that the model server had when it was last asked.
    ``household`` is there from start-up to shutdown, unless opening it failed: then ``failure`` says why. Before the
    server waits for its connections to end, ``stopping`` is set.
    """

    settings: Settings
    assets: Assets
    languages: Languages
    templates: Templates
    setup_link: SetupLink
    open_household: Callable[[], Household]
    tidy_every: float
    config_path: Path
    patience: Patience
    rates: Rates = field(default_factory=Rates)
    counts: Counts = field(default_factory=Counts)
    jobs: Jobs = field(default_factory=Jobs)
    music: MusicDesk = field(default_factory=MusicDesk)
    models: tuple[str, ...] = ()
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    slow_work: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(SLOW_WORK_AT_ONCE))
    household: Household = field(init=False)
    failure: Exception | None = None

    async def off_loop(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what takes long (a password's hash, a large export) in a thread, so that everybody's streams go on."""
        return await anyio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=self.slow_work)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is there. ``token`` is the session's, or a stranger's, which is ``new`` if they came without one.

    ``csrf`` is what our own forms and scripts send along.
    """

    user: User | None
    token: str
    csrf: str
    new: bool = False


@dataclass(slots=True)
class Asking:
    """One request: its id, where it comes from, the name it used, headers for its answer, and who it is, once known."""

    request_id: str
    address: str
    host: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    visit: Visit | None = None

    def close(self) -> None:
        """End the connection after the answer."""
        self.headers["connection"] = "close"

    def put_into(self, scope: Scope) -> None:
        scope.setdefault("state", {})[_KEY] = self


def site_of(connection: Connection) -> Site:
    """The page that was asked."""
    found: Site = connection.app.state.site
    return found


def asking_of(connection: Connection) -> Asking:
    """What is known about this request."""
    found: Asking = connection.scope["state"][_KEY]
    return found
