"""Admin pages: how much may be used on a day, and when it is quiet."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.family.hours import DAY_NAMES, parse_days, parse_span
from familychat.household import Household
from familychat.models import LimitKind, User
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.forms import reads
from familychat_web.site import WebRequest

LIMITS = "/admin/limits"


def _set_quota(doing: Doing) -> None:
    amount = doing.number("amount") if doing.text("amount") else None
    doing.home.rules.set_quota(doing.by, doing.text("who"), doing.one_of(LimitKind, "kind"), amount)


def _remove_quota(doing: Doing) -> None:
    doing.home.rules.remove_quota(doing.by, doing.text("who"), doing.one_of(LimitKind, "kind"))


def _add_hours(doing: Doing) -> None:
    begins, ends = parse_span(f"{doing.text('begins')}-{doing.text('ends')}")
    doing.home.rules.add_hours(doing.by, doing.text("who"), parse_days(doing.text("days")), begins, ends)


def _remove_hours(doing: Doing) -> None:
    days = parse_days(doing.text("days")) if doing.text("days") else None
    doing.home.rules.remove_hours(doing.by, doing.text("who"), days)


ACTS: dict[str, Act] = {
    "set-quota": _set_quota,
    "remove-quota": _remove_quota,
    "add-hours": _add_hours,
    "remove-hours": _remove_hours,
    "free-hours": lambda doing: doing.home.rules.free_hours(doing.by, doing.text("who")),
}


class LimitsController(Controller):
    path = LIMITS
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get(sync_to_thread=False)
    def limits(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        return _limits(request, home, user)

    @post(opt=reads(does=ACTS))
    async def change_limits(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Set or remove a quota or quiet hours."""
        result = await acted(await asked(request, home, user), ACTS, LIMITS)
        return _limits(request, home, user, result) if isinstance(result, Refused) else result


def _limits(request: WebRequest, home: Household, by: User, refused: Refused | None = None) -> Response[str]:
    return admin_page(
        request,
        "limits",
        home,
        refused=refused,
        quotas=home.rules.quotas(by),
        hours=home.rules.hours(by),
        subjects=list(home.rules.names(by).values()),
        kinds=list(LimitKind),
        day_names=DAY_NAMES,
        zone=str(home.limits.zone),
    )
