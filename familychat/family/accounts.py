"""Accounts: who is added, changed and removed, by whom. Every change is in the audit log."""

from __future__ import annotations

import getpass
import re
import unicodedata
from dataclasses import replace

from familychat.clock import Clock, timestamp
from familychat.errors import ConflictError, InvalidInputError, NotFoundError
from familychat.family.passwords import check_new_password, hash_password
from familychat.family.permissions import require_admin_now
from familychat.models import AuditEntry, Band, Role, User
from familychat.store.audit import EVERYTHING, AuditChoice, AuditStore
from familychat.store.conversations import ConversationStore
from familychat.store.database import Database
from familychat.store.people import PeopleStore
from familychat.store.sessions import SessionStore
from familychat.store.supervision import SupervisionStore
from familychat.wording import Text

MAX_NAME = 64
EVERYONE = "everyone"
_RESERVED = {EVERYONE}


def os_account() -> str:
    """The name of the operating-system account that runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this account, as in some containers
        return "admin"


_NAME = Text("A name needs 1 to %(most)s ordinary characters.")
_USER_NAME = Text("A user name needs 1 to %(most)s ordinary characters.")


def check_name(name: str, wrong: Text = _NAME) -> str:
    """The name without outer space; raises :class:`InvalidInputError` if it is empty, too long or unprintable.

    It says ``wrong``, in which ``most`` is how long a name may be.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInputError(Text(wrong, most=MAX_NAME), "Choose another.")
    return name


def check_username(name: str) -> str:
    """As :func:`check_name`, and easy to type in a command: no spaces, no leading dash, not a reserved word."""
    name = check_name(name, _USER_NAME)
    odd = re.search(r"[\s:]", name) or name.startswith("-")
    if odd or name.casefold() in _RESERVED:
        raise InvalidInputError(
            Text("%(name)s can't be a user name.", name=name), "Use one word, such as a first name."
        )
    return name


class Accounts:
    """The household's people. Methods that take ``by`` are for admins and say so with :class:`NotAllowedError`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.people = PeopleStore(database)
        self._sessions = SessionStore(database)
        self._audit = AuditStore(database)
        self._conversations = ConversationStore(database)
        self._supervision = SupervisionStore(database)

    def require_admin(self, by: User) -> None:
        """Raises :class:`familychat.errors.NotAllowedError` unless ``by`` is an active admin still."""
        require_admin_now(self.people, by)

    def _now(self) -> str:
        return timestamp(self._clock())

    def _record(
        self, by: User | str, action: str, target: str, details: str = "", *, about: User | str | None = None
    ) -> None:
        """``about`` is whom it concerns and who may read it; a name in place of ``by`` acts without an account."""
        actor = by if isinstance(by, str) else by.username
        about_id = about.id if isinstance(about, User) else about
        self._audit.add(self._now(), actor, action, target, details, about_id=about_id)

    def ensure_first_admin(self) -> User | None:
        """On first use, make the admin named after the operating-system account, for the terminal only."""
        if self.people.all():
            return None
        account = os_account()
        with self._database.transaction():
            if self.people.all():
                return None
            try:
                username = check_username(account)
            except InvalidInputError:
                username = "admin"
            display_name = username[:1].upper() + username[1:]
            user = self.people.add(username, display_name, Role.ADMIN, self._now(), os_account=account)
            self._record("familychat", "user.add", username, "first use: terminal-only admin", about=user)
            return user

    def get(self, by: User, username: str) -> User:
        """A person by name, for an admin; raises :class:`NotFoundError`."""
        self.require_admin(by)
        user = self.people.by_username(username)
        if user is None:
            raise NotFoundError(
                Text("Nobody here is called %(name)s.", name=username), "familychat admin users list shows everyone."
            )
        return user

    def all(self, by: User) -> list[User]:
        self.require_admin(by)
        return self.people.all()

    def add(
        self, by: User, username: str, password: str, *, display_name: str | None = None, role: Role = Role.MEMBER
    ) -> User:
        """Add a person with a password; raises :class:`ConflictError` if the name is taken."""
        self.require_admin(by)
        username = check_username(username)
        display_name = check_name(display_name or username[:1].upper() + username[1:])
        if self.people.by_username(username):
            raise ConflictError(
                Text("The name %(name)s is taken. Nothing was changed.", name=username), "Choose another."
            )
        check_new_password(password, username)
        password_hash = hash_password(password)
        with self._database.transaction():
            user = self.people.add(username, display_name, role, self._now(), password_hash=password_hash)
            self._record(by, "user.add", username, role.value, about=user)
        return user

    def rename(self, by: User, username: str, new_username: str, *, display_name: str | None = None) -> User:
        self.require_admin(by)
        user = self.get(by, username)
        new_username = check_username(new_username)
        if display_name is None:
            same = user.display_name.casefold() == user.username.casefold()
            display_name = new_username[:1].upper() + new_username[1:] if same else user.display_name
        with self._database.transaction():
            self.people.rename(user.id, new_username, check_name(display_name))
            self._record(by, "user.rename", user.username, f"now {new_username}", about=user)
        return self.get(by, new_username)

    def set_password(self, by: User, username: str, password: str) -> None:
        """Set a person's password, and end all their sessions."""
        self.require_admin(by)
        user = self.get(by, username)
        check_new_password(password, user.username)
        password_hash = hash_password(password)
        with self._database.transaction():
            self.people.set_password_hash(user.id, password_hash)
            self._sessions.remove_all_of(user.id)
            self._record(by, "user.passwd", user.username, about=user)

    def disable(self, by: User, username: str) -> None:
        """Switch an account off and end its sessions; its conversations stay."""
        with self._database.transaction():
            last = Text("%(name)s is the last active admin and can't be switched off. Nothing was changed.")
            user = self._changeable(by, username, last)
            self.people.set_active(user.id, active=False)
            self._sessions.remove_all_of(user.id)
            self._record(by, "user.disable", user.username, about=user)

    def enable(self, by: User, username: str) -> None:
        with self._database.transaction():
            user = self.get(by, username)
            self.people.set_active(user.id, active=True)
            self._record(by, "user.enable", user.username, about=user)

    def promote(self, by: User, username: str) -> None:
        with self._database.transaction():
            user = self.get(by, username)
            self.people.set_role(user.id, Role.ADMIN)
            self._record(by, "user.promote", user.username, about=user)

    def demote(self, by: User, username: str) -> None:
        with self._database.transaction():
            last = Text("%(name)s is the last active admin and can't be made an ordinary member. Nothing was changed.")
            user = self._changeable(by, username, last)
            self.people.set_role(user.id, Role.MEMBER)
            self._record(by, "user.demote", user.username, about=user)

    def set_band(self, by: User, username: str, band: Band) -> None:
        """Say how old a person is, which decides their group and what is added to their prompts.

        Who becomes an adult is supervised no longer.
        """
        with self._database.transaction():
            user = self.get(by, username)
            self.people.set_band(user.id, band)
            if band is Band.ADULT and self._supervision.remove(user.id):
                self._record(by, "supervision.set", user.username, "off", about=user)
            self._record(by, "user.band", user.username, band.value, about=user)

    def belongings(self, by: User, username: str) -> int:
        """How many conversations removing this person would delete."""
        return self._conversations.count(self.get(by, username).id)

    def remove(self, by: User, username: str) -> None:
        """Delete a person with all their conversations, for good. Nobody removes themself."""
        with self._database.transaction():
            last = Text("%(name)s is the last active admin and can't be removed. Nothing was changed.")
            user = self._changeable(by, username, last)
            if user.id == by.id:
                raise ConflictError("You can't remove yourself. Nothing was changed.", "Ask another admin to.")
            self.people.remove(user.id)
            self._record(by, "user.remove", user.username, about=user)

    def _changeable(self, by: User, username: str, last: Text) -> User:
        user = self.get(by, username)
        if user.is_admin and user.active and not self.people.count_active_admins(besides=user.id):
            raise ConflictError(
                Text(last, name=user.username),
                "Make somebody else an admin first: familychat admin users promote NAME",
            )
        return user

    def audit(self, by: User, limit: int, chosen: AuditChoice = EVERYTHING) -> list[AuditEntry]:
        """The newest entries of the audit log, latest first; a ``target`` is also looked for as a person."""
        self.require_admin(by)
        if chosen.target is not None and (person := self.people.by_username(chosen.target)):
            chosen = replace(chosen, about_id=person.id)
        return self._audit.newest(limit, chosen)

    def audit_about(self, user: User, limit: int, chosen: AuditChoice = EVERYTHING) -> list[AuditEntry]:
        """As :meth:`audit`, for anybody: what concerns this person, or all of the household since they are here."""
        return self._audit.concerning(user.id, user.created_at, limit, chosen)
