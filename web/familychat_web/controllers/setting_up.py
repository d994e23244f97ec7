"""The one-time setup link."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response

from familychat.errors import InvalidInputError
from familychat.household import Household
from familychat_web.dependencies import off_loop
from familychat_web.errors import problem_of
from familychat_web.forms import fields, reads, see_other
from familychat_web.guards import OPEN_TO_ALL, SIGNS_IN
from familychat_web.site import WebRequest, asking_of, site_of
from familychat_web.templating import page
from familychat_web.visits import signed_in_cookies


class SetupController(Controller):
    path = "/setup/{token:str}"

    @get(opt=OPEN_TO_ALL, sync_to_thread=False)
    def form(self, request: WebRequest, home: NamedDependency[Household], token: FromPath[str]) -> Response[Any]:
        admin = site_of(request).setup_link.check(home, token)
        return page(request, "setup.html", username=admin.username, problem=None)

    @post(opt=SIGNS_IN | reads("username", "password", "again"))
    async def set_up(
        self, request: WebRequest, home: NamedDependency[Household], token: FromPath[str]
    ) -> Response[Any]:
        """Give the first admin a password, and sign them in with it."""
        link = site_of(request).setup_link
        link.check(home, token)
        username, password, again = await fields(request)
        try:
            same_twice(password, again)
            admin = await off_loop(request, link.use, home, token, username, password)
        except InvalidInputError as error:
            problem = problem_of(error)
            return page(request, "setup.html", status=problem.status, username=username, problem=problem)
        address = asking_of(request).address
        _, session = await off_loop(
            request, home.sign_in.sign_in, admin.username, password, kind="web", address=address
        )
        return see_other("/", signed_in_cookies(request, session))


def same_twice(password: str, again: str) -> None:
    """Raises :class:`InvalidInputError` if a new password and its repetition differ."""
    if password != again:
        raise InvalidInputError("The two passwords differ. Nothing was changed.", "Type the same one twice.")
