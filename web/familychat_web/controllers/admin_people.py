"""Admin pages: who is here, and everything about one account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response

from familychat.errors import ConflictError, InvalidInputError
from familychat.family.sessions import Locked
from familychat.household import Household
from familychat.models import Band, LimitKind, Role, SupervisionLevel, User
from familychat.wording import Text
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked, person_of
from familychat_web.controllers.setting_up import same_twice
from familychat_web.forms import reads, see_other
from familychat_web.site import WebRequest

PEOPLE = "/admin/people"
OFF = "off"
_LONGEST = 24 * 60
"""Minutes; the library says the real limit."""


def _add(doing: Doing) -> str:
    same_twice(doing.given.get("password", ""), doing.given.get("again", ""))
    person = doing.home.accounts.add(
        doing.by,
        doing.text("username"),
        doing.given.get("password", ""),
        display_name=doing.text("display_name") or None,
        role=Role.ADMIN if doing.text("admin") else Role.MEMBER,
    )
    if (band := doing.one_of(Band, "band")) is not person.band:
        doing.home.accounts.set_band(doing.by, person.username, band)
    return f"{PEOPLE}/{person.id}"


def _rename(doing: Doing) -> None:
    doing.home.accounts.rename(
        doing.by, doing.username, doing.text("username"), display_name=doing.text("display_name") or None
    )


def _set_password(doing: Doing) -> None:
    same_twice(doing.given.get("password", ""), doing.given.get("again", ""))
    doing.home.accounts.set_password(doing.by, doing.username, doing.given.get("password", ""))


def _remove(doing: Doing) -> str:
    doing.home.accounts.remove(doing.by, doing.username)
    return PEOPLE


def _end_session(doing: Doing) -> None:
    # Only this person's: a form of theirs ends nobody else's.
    own = {session.id for _, session in doing.home.sessions.all(doing.by, doing.username)}
    if doing.text("session") not in own:
        raise ConflictError("That session has ended already. Nothing was changed.")
    doing.home.sessions.end(doing.by, doing.text("session"))


def _end_all(doing: Doing) -> None:
    doing.home.sessions.end_all(doing.by, doing.username)


def _unlock(doing: Doing) -> None:
    if not doing.home.sessions.unlock(doing.by, doing.username):
        raise ConflictError(Text("%(name)s doesn't have to wait. Nothing was changed.", name=doing.username))


def _more(kind: LimitKind) -> Act:
    def extend(doing: Doing) -> None:
        doing.home.rules.extend(doing.by, doing.username, kind, doing.number("amount"))

    return extend


def _more_time(doing: Doing) -> None:
    minutes = doing.number("amount")
    if minutes > _LONGEST:
        raise InvalidInputError("That isn't a time to add. Nothing was changed.", "From 1 minute to 12 hours.")
    doing.home.rules.open_for(doing.by, doing.username, timedelta(minutes=minutes))


def _supervise(doing: Doing) -> None:
    level = None if doing.text("level") == OFF else doing.one_of(SupervisionLevel, "level")
    doing.home.supervisions.set(doing.by, doing.username, level)


def _account(change: str) -> Act:
    """One of the library's changes that need nothing but a name."""

    def act(doing: Doing) -> None:
        getattr(doing.home.accounts, change)(doing.by, doing.username)

    return act


ADDING: dict[str, Act] = {"add": _add}
OF_PERSON: dict[str, Act] = {
    "rename": _rename,
    "password": _set_password,
    "disable": _account("disable"),
    "enable": _account("enable"),
    "promote": _account("promote"),
    "demote": _account("demote"),
    "remove": _remove,
    "band": lambda doing: doing.home.accounts.set_band(doing.by, doing.username, doing.one_of(Band, "band")),
    "end-session": _end_session,
    "end-all": _end_all,
    "unlock": _unlock,
    "more-questions": _more(LimitKind.MESSAGES),
    "more-tokens": _more(LimitKind.TOKENS),
    "more-time": _more_time,
    "supervise": _supervise,
}


def lock_of(home: Household, by: User, username: str) -> Locked | None:
    """The lock of a person's account, if they have to wait now."""
    return next((one for one in home.sessions.locked(by) if not one.address and one.who == username), None)


class PeopleController(Controller):
    path = "/admin"
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get(sync_to_thread=False)
    def start(self) -> Response[Any]:
        return see_other(PEOPLE)

    @get("/people", sync_to_thread=False)
    def people(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[str]:
        """Everyone of the household."""
        return _people(request, home, user)

    @post("/people", opt=reads(does=ADDING))
    async def add_person(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Add a person."""
        result = await acted(await asked(request, home, user), ADDING, PEOPLE)
        return _people(request, home, user, result) if isinstance(result, Refused) else result

    @get("/people/{person:str}", sync_to_thread=False)
    def person(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        person: FromPath[str],
    ) -> Response[str]:
        """One person: account, age, sessions, more for today, supervision."""
        return _person(request, home, user, person)

    @post("/people/{person:str}", opt=reads(does=OF_PERSON))
    async def change_person(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        person: FromPath[str],
    ) -> Response[Any]:
        """Change one of these."""
        doing = await asked(request, home, user, person_of(home, user, person))
        result = await acted(doing, OF_PERSON, f"{PEOPLE}/{person}")
        return _person(request, home, user, person, result) if isinstance(result, Refused) else result

    @get("/people/{person:str}/remove", sync_to_thread=False)
    def ask_to_remove(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        person: FromPath[str],
    ) -> Response[str]:
        """Before somebody is removed: what that deletes."""
        found = person_of(home, user, person)
        count = home.accounts.belongings(user, found.username)
        return admin_page(request, "remove_person", home, person=found, count=count)


def _people(request: WebRequest, home: Household, by: User, refused: Refused | None = None) -> Response[str]:
    locks = home.sessions.locked(by)
    return admin_page(
        request,
        "people",
        home,
        refused=refused,
        people=home.accounts.all(by),
        bands=list(Band),
        locked={one.who: one.until for one in locks if not one.address},
    )


def _person(
    request: WebRequest, home: Household, by: User, person_id: str, refused: Refused | None = None
) -> Response[str]:
    person = person_of(home, by, person_id)
    return admin_page(
        request,
        "person",
        home,
        refused=refused,
        person=person,
        bands=list(Band),
        lock=lock_of(home, by, person.username),
        sessions=[session for _, session in home.sessions.all(by, person.username)],
        standing=home.limits.standing(person),
        supervision=home.supervisions.of(person),
        levels=[OFF, *SupervisionLevel],
    )
