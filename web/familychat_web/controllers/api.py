"""For programs: who is signed in, and the description of all that programs can ask."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Controller, Router, get
from litestar.di import NamedDependency
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler

from familychat import __version__
from familychat.models import Role, User
from familychat_web.guards import OPEN_TO_ALL


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in."""

    username: str
    display_name: str
    role: Role


class MeController(Controller):
    path = "/api/me"
    include_in_schema = True

    @get(sync_to_thread=False)
    def me(self, user: NamedDependency[User]) -> Me:
        """Who is signed in."""
        return Me(user.username, user.display_name, user.role)


class _OnlyTheDescription(Router):
    """Litestar would add a page of its own for whatever else is asked for below the path."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        paths: set[str] = getattr(value, "paths", set())
        return [] if any("{" in path for path in paths) else super().register(value)


def description() -> OpenAPIConfig:
    """``/api/openapi.json``: the endpoints that say ``include_in_schema=True``, in the terms of OpenAPI 3.1."""
    router = _OnlyTheDescription("/api", route_handlers=[], include_in_schema=False, opt=OPEN_TO_ALL)
    return OpenAPIConfig(
        title="familychat", version=__version__, openapi_router=router, render_plugins=[JsonRenderPlugin()]
    )
