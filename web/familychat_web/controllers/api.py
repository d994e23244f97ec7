"""For programs: who is signed in, and the token that their changes need."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.models import Role, User
from familychat_web.guards import OPEN_TO_ALL
from familychat_web.site import WebRequest
from familychat_web.visits import stranger_cookies, visit_of


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in."""

    username: str
    display_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Token:
    """What is sent as ``X-CSRF-Token`` with every change. Signing in and out makes it another one."""

    token: str


class MeController(Controller):
    path = "/api"

    @get("/me", sync_to_thread=False)
    def me(self, user: NamedDependency[User]) -> Me:
        """Who is signed in."""
        return Me(user.username, user.display_name, user.role)

    @get("/token", opt=OPEN_TO_ALL, media_type="application/json", sync_to_thread=False)
    def token(self, request: WebRequest) -> Response[Token]:
        """The token that changes need, to sign in as well. It goes with the cookies of this answer."""
        return Response(Token(visit_of(request).csrf), cookies=stranger_cookies(request))
