"""Admin pages: what holds for each age, and the filter."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.household import Household
from familychat.models import Band, User
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.forms import reads
from familychat_web.site import WebRequest

AGES = "/admin/ages"


def _add_topic(doing: Doing) -> None:
    doing.home.safety.add_topic(doing.by, doing.text("topic"), doing.text("words").splitlines())


def _switch(*, active: bool) -> Act:
    def act(doing: Doing) -> None:
        doing.home.safety.switch_topic(doing.by, doing.text("topic"), active=active)

    return act


ACTS: dict[str, Act] = {
    "require-filter": lambda doing: doing.home.safety.require(doing.by, doing.one_of(Band, "band")),
    "lift-filter": lambda doing: doing.home.safety.lift(doing.by, doing.one_of(Band, "band")),
    "set-prompt": lambda doing: doing.home.safety.set_prompt(
        doing.by, doing.one_of(Band, "band"), doing.text("prompt")
    ),
    "shipped-prompt": lambda doing: doing.home.safety.set_prompt(doing.by, doing.one_of(Band, "band"), None),
    "check-by-model": lambda doing: doing.home.safety.check_by_model(doing.by, wanted=True),
    "check-by-words": lambda doing: doing.home.safety.check_by_model(doing.by, wanted=False),
    "add-topic": _add_topic,
    "remove-topic": lambda doing: doing.home.safety.remove_topic(doing.by, doing.text("topic")),
    "topic-on": _switch(active=True),
    "topic-off": _switch(active=False),
}


class AgesController(Controller):
    path = AGES
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get(sync_to_thread=False)
    def ages(self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]) -> Response[str]:
        return _ages(request, home, user)

    @post(opt=reads(does=ACTS))
    async def change_ages(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Change the filter, a prompt or a topic."""
        result = await acted(await asked(request, home, user), ACTS, AGES)
        return _ages(request, home, user, result) if isinstance(result, Refused) else result


def _ages(request: WebRequest, home: Household, by: User, refused: Refused | None = None) -> Response[str]:
    safety = home.safety
    return admin_page(
        request,
        "ages",
        home,
        refused=refused,
        bands=safety.bands(by),
        topics=safety.topics(by),
        by_model=safety.checks_by_model(by),
    )
