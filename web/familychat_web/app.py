"""The application: its parts put together, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import cast

import anyio.to_thread
from litestar import Litestar
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

from familychat.errors import StoreError
from familychat.household import Household
from familychat.settings import Settings, config_path_from
from familychat_web.assets import Assets
from familychat_web.controllers import CONTROLLERS
from familychat_web.dependencies import PROVIDED
from familychat_web.describing import description
from familychat_web.errors import answer_to
from familychat_web.gate import Gate
from familychat_web.guards import from_our_own_page, not_too_often, signed_in
from familychat_web.hosts import Hosts
from familychat_web.languages import Languages
from familychat_web.logs import logging_to
from familychat_web.patience import Patience
from familychat_web.proxies import Proxies
from familychat_web.setup_link import SetupLink
from familychat_web.shown import warm_up
from familychat_web.site import Site
from familychat_web.templating import Templates

MOST_IN_A_BODY = 1_000_000
"""Bytes, unless a handler says another ``request_max_body_size``."""

HOUR = 3600.0
PATIENCE = Patience()
LOCALE = Path(__file__).parent / "locale"

_log = logging.getLogger(__name__)


class Application(Litestar):
    """Litestar behind our gate, which also sees what no handler is there for."""

    def __init__(self, site: Site) -> None:
        settings = site.settings
        hosts, proxies = Hosts(settings.web_allowed_hosts), Proxies(settings.web_trusted_proxies)
        self._gate = Gate(super().__call__, hosts, proxies, site)
        super().__init__(
            CONTROLLERS,
            dependencies=PROVIDED,
            exception_handlers={Exception: answer_to},
            guards=[not_too_often, signed_in, from_our_own_page],
            lifespan=[_opened],
            logging_config=None,
            openapi_config=description(),
            request_max_body_size=MOST_IN_A_BODY,
        )
        self.state.site = site

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = scope["litestar_app"] = self  # the gate's own answers need it
        await self._gate(scope, cast(Receive, receive), cast(Send, send))


def create_app(
    settings: Settings,
    *,
    household: Callable[[Settings], Household] = Household,
    tidy_every: float = HOUR,
    config_path: Path | None = None,
    patience: Patience = PATIENCE,
) -> Application:
    """The page of the household whose settings these are.

    It opens the household when it starts and closes it when it stops: answers under way are stopped and kept.
    ``household`` opens one in another way, with scripted model servers for example; ``tidy_every`` is in seconds.
    ``config_path`` is the settings file, which backups hold and the default model is written to; None: the usual one.
    ``patience`` says how long slow senders are waited for.
    """
    site = Site(
        settings=settings,
        assets=Assets(),
        languages=Languages(LOCALE),
        templates=Templates(settings.data_dir / "cache"),
        setup_link=SetupLink(),
        open_household=partial(household, settings),
        tidy_every=tidy_every,
        config_path=config_path or config_path_from(os.environ),
        patience=patience,
    )
    return Application(site)


@contextlib.asynccontextmanager
async def _opened(app: Litestar) -> AsyncGenerator[None, None]:
    site: Site = app.state.site
    with contextlib.ExitStack() as stack:
        try:
            site.household = site.open_household()
            stack.enter_context(logging_to(site.settings.data_dir))
        except Exception as error:
            site.failure = error  # for whoever started the server: what the server itself says is a traceback
            raise
        tidying = asyncio.create_task(_tidy(site))
        warming = asyncio.create_task(anyio.to_thread.run_sync(warm_up, site.templates))
        try:
            yield
        finally:
            tidying.cancel()
            await asyncio.wait({warming})
            await site.jobs.aclose()
            site.music.clear()
            await site.household.aclose()


async def _tidy(site: Site) -> None:
    """Empty the trash of what has been there for too long, as opening the household does."""
    while True:
        await asyncio.sleep(site.tidy_every)
        try:
            await anyio.to_thread.run_sync(site.household.conversations.tidy, site.settings.trash_days)
        except StoreError as error:  # a full disk, say: the next hour is another one
            _log.warning("could not tidy up: %s", type(error).__name__)
