"""A person's way in: changing the password, and signing out everywhere."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.errors import InvalidInputError, NotAllowedError
from familychat.household import Household
from familychat.models import User
from familychat_web.controllers.setting_up import same_twice
from familychat_web.controllers.shell import conversations_pane
from familychat_web.dependencies import off_loop
from familychat_web.errors import problem_of
from familychat_web.forms import fields, reads, see_other
from familychat_web.rates import SIGN_INS
from familychat_web.site import WebRequest, asking_of
from familychat_web.templating import page
from familychat_web.visits import signed_in_cookies, signed_out_cookies


class AccountController(Controller):
    path = "/account"

    @post("/sign-out-everywhere", sync_to_thread=False)
    def sign_out_everywhere(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """End all of the person's sessions, here too."""
        home.sessions.end_others(user, besides=None)
        return see_other("/sign-in", signed_out_cookies(request))

    @get("/password", sync_to_thread=False)
    def password_form(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        return page(request, "password.html", problem=None, **conversations_pane(home, user))

    @post("/password", opt={"rate": SIGN_INS, **reads("current", "password", "again")})
    async def change_password(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Set a new password, which ends all sessions, and sign in with it here."""
        current, password, again = await fields(request)
        change = partial(home.sign_in.change_password, user, kind="web", address=asking_of(request).address)
        try:
            same_twice(password, again)
            token = await off_loop(request, change, current, password)
        except (InvalidInputError, NotAllowedError) as error:
            problem, pane = problem_of(error), conversations_pane(home, user)
            return page(
                request, "password.html", status=problem.status, headers=problem.headers, problem=problem, **pane
            )
        return see_other("/account", signed_in_cookies(request, token))
