"""What the admin pages have in common: forms that say what to ``do``, and what is shown when that didn't work.

Each form posts to its page with the field ``do``. What was done leads back to the page, with ``done`` in the query for
a short message; what was refused shows the page again, with the reason at that form and what was typed kept in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from litestar.response import Redirect, Response

from familychat.clock import to_the_minute
from familychat.errors import FamilychatError, InvalidInputError, NotFoundError
from familychat.household import Household
from familychat.models import User
from familychat_web.errors import Problem, problem_of
from familychat_web.forms import incomplete, see_other
from familychat_web.guards import admins_only
from familychat_web.site import Site, WebRequest, site_of
from familychat_web.templating import page

__all__ = ["Act", "Doing", "Refused", "acted", "admin_page", "admins_only", "asked", "person_of", "typed"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that wasn't followed: which one (what it was to ``do``), why, and what was typed in it."""

    form: str
    problem: Problem
    typed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Doing:
    """What a form asks for: in which household, by which admin, with which fields, and to whom if it is a person."""

    site: Site
    home: Household
    by: User
    given: Mapping[str, str]
    person: User | None = None

    def text(self, name: str) -> str:
        """A field without outer space; empty if it isn't there."""
        return self.given.get(name, "").strip()

    @property
    def username(self) -> str:
        """Whom it is done to."""
        return self.person.username if self.person is not None else ""

    def number(self, name: str) -> int:
        """Raises :class:`InvalidInputError` for what isn't a whole number."""
        text = self.text(name).replace(",", "")
        if not (text.isascii() and text.isdigit() and len(text) < len(str(10**12))):
            raise InvalidInputError("That isn't a number. Nothing was changed.", "Write a whole number.")
        return int(text)

    def one_of(self, kind: Callable[[str], T], name: str) -> T:
        """A field that is one of a few; raises :class:`InvalidInputError` for anything else."""
        try:
            return kind(self.text(name))
        except ValueError:
            raise InvalidInputError("That can't be chosen. Nothing was changed.", "Load the page again.") from None


Act = Callable[[Doing], str | Awaitable[str | None] | None]
"""Does what a form asks for: in a thread, or, if it is a coroutine function, in the event loop.

It may return the address to go to next.
"""


async def typed(request: WebRequest) -> dict[str, str]:
    """All text fields of a form."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def asked(request: WebRequest, home: Household, by: User, person: User | None = None) -> Doing:
    """What the form that was sent asks for."""
    return Doing(site_of(request), home, by, await typed(request), person)


async def acted(doing: Doing, acts: Mapping[str, Act], path: str) -> Redirect | Refused:
    """Do what the form asks for; returns where to go then, or why it was refused.

    Raises :class:`NotAllowedError` for whoever isn't an admin.
    """
    doing.home.accounts.require_admin(doing.by)
    wanted = doing.given.get("do", "")
    try:
        if wanted not in acts:
            raise incomplete()
        elsewhere = await doing.site.off_loop(acts[wanted], doing)
        if isinstance(elsewhere, Awaitable):  # of a coroutine function, the call only made it
            elsewhere = await elsewhere
    except FamilychatError as error:
        return Refused(wanted, problem_of(error), doing.given)
    return _done(elsewhere or path, wanted)


def _done(path: str, what: str) -> Redirect:
    """To a page that says what was done; ``templates/admin/done.html`` has the words."""
    return see_other(f"{path}{'&' if '?' in path else '?'}{urlencode({'done': what})}")


def admin_page(
    request: WebRequest, name: str, home: Household, /, *, refused: Refused | None = None, **values: Any
) -> Response[str]:
    """One of the pages in ``templates/admin/``.

    Besides what all pages get: ``done``, and of a form that was refused ``problem``, ``form`` and ``typed``; ``when``
    tells a stored time as the household's clocks show it.
    """
    problem = refused.problem if refused else None
    return page(
        request,
        f"admin/{name}.html",
        status=problem.status if problem else 200,
        headers=problem.headers if problem else None,
        done="" if refused else request.query_params.get("done", ""),
        problem=problem,
        form=refused.form if refused else "",
        typed=refused.typed if refused else {},
        when=partial(to_the_minute, zone=home.limits.zone),
        job=site_of(request).jobs.latest(name),
        **values,
    )


def person_of(home: Household, by: User, person_id: str) -> User:
    """A person by their id, for an admin; raises :class:`NotFoundError`."""
    found = next((one for one in home.accounts.all(by) if one.id == person_id), None)
    if found is None:
        raise NotFoundError("There is nobody like that here.", "The list shows everyone.")
    return found
