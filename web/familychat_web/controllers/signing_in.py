"""Signing in and out."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response

from familychat.errors import NotAllowedError
from familychat.household import Household
from familychat_web.dependencies import off_loop
from familychat_web.describing import MAY_FAIL
from familychat_web.errors import problem_of
from familychat_web.forms import fields, local_path, reads, see_other
from familychat_web.guards import OPEN_TO_ALL, SIGNS_IN
from familychat_web.site import WebRequest, asking_of
from familychat_web.templating import page
from familychat_web.visits import session_token, signed_in_cookies, signed_out_cookies, visit_of


class SignInController(Controller):
    @get("/sign-in", opt=OPEN_TO_ALL, sync_to_thread=False)
    def form(self, request: WebRequest, next: FromQuery[str] = "/") -> Response[Any]:  # noqa: A002
        """The form; ``next`` is where to go afterwards."""
        if visit_of(request).user is not None:
            return see_other(local_path(next))
        return page(request, "sign_in.html", username="", next=local_path(next), problem=None)

    @post("/sign-in", opt=SIGNS_IN | reads("username", "password", "next") | {MAY_FAIL: (401,)})
    async def sign_in(self, request: WebRequest, home: NamedDependency[Household]) -> Response[Any]:
        """A wrong name and a wrong password look alike."""
        username, password, way = await fields(request)
        address = asking_of(request).address
        try:
            _, token = await off_loop(request, home.sign_in.sign_in, username, password, kind="web", address=address)
        except NotAllowedError as error:
            problem = problem_of(error)
            return page(
                request, "sign_in.html", status=problem.status, headers=problem.headers,
                username=username, next=local_path(way), problem=problem,
            )  # fmt: skip
        before = session_token(request)
        if before is not None:  # somebody else's, or an older one of the same person
            home.sign_in.sign_out(before)
        return see_other(local_path(way), signed_in_cookies(request, token))

    @post("/sign-out", sync_to_thread=False)
    def sign_out(self, request: WebRequest, home: NamedDependency[Household]) -> Response[Any]:
        home.sign_in.sign_out(visit_of(request).token)
        return see_other("/sign-in", signed_out_cookies(request))
