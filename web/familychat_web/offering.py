"""Which models somebody may choose. No page waits for the model server: what it had when it was last asked is shown,
and a script asks it anew once the page is there."""

from __future__ import annotations

import asyncio

from familychat.errors import FamilychatError
from familychat.household import Household
from familychat.llm.base import ModelInfo
from familychat.models import User
from familychat_web.site import Connection, site_of


async def models_now(connection: Connection, home: Household, user: User) -> list[ModelInfo]:
    """Those of the model server that the person may use; none while it can't be asked."""
    found = await models_there(connection, home) or []
    return [one for one in found if home.permissions.may_use(user, f"model:{one.name}")]


async def models_there(
    connection: Connection, home: Household, patience: float | None = None
) -> list[ModelInfo] | None:
    """All of the model server's; None while it can't be asked, or doesn't answer within ``patience`` seconds."""
    try:
        async with asyncio.timeout(patience):
            server = await home.servers.get()
            found = await server.list_models()
    except (FamilychatError, TimeoutError):
        return None
    site_of(connection).models = tuple(one.name for one in found)
    return found


def models_known(connection: Connection, home: Household, user: User) -> list[str]:
    """The names of those that were there when somebody asked last."""
    return [name for name in site_of(connection).models if home.permissions.may_use(user, f"model:{name}")]
