"""Who is signed in where, ending that, and who is locked out."""

from __future__ import annotations

from dataclasses import dataclass

from familychat.clock import Clock, timestamp
from familychat.errors import InvalidInputError, NotFoundError
from familychat.family.accounts import Accounts
from familychat.family.guessing import Guessing, account_subject
from familychat.family.sign_in import SESSION_LIFETIME
from familychat.models import Session, User
from familychat.store.audit import AuditStore
from familychat.store.database import Database
from familychat.store.sessions import SessionStore
from familychat.wording import Text, counted

MIN_REFERENCE = 4


@dataclass(frozen=True, slots=True)
class Locked:
    """Who (a user name, an address, or None for a name that nobody has) can't sign in before ``until``, a time."""

    who: str | None
    address: bool
    failures: int
    until: str


class Sessions:
    """A person's own sessions, and for admins everyone's. Ending one holds at once."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._store = SessionStore(database)
        self._guessing = Guessing(database, clock)
        self._audit = AuditStore(database)

    def own(self, user: User) -> list[Session]:
        """A person's sessions, the last used first."""
        return self._store.all(user.id, not_before=self._oldest())

    def all(self, by: User, username: str | None = None) -> list[tuple[User, Session]]:
        """Everyone's sessions or one person's, for an admin; the last used first."""
        people = {one.id: one for one in self._accounts.all(by)}
        only = self._accounts.get(by, username).id if username is not None else None
        return [(people[one.user_id], one) for one in self._store.all(only, not_before=self._oldest())]

    def people_signed_in(self) -> int:
        """How many people are signed in somewhere."""
        return len({one.user_id for one in self._store.all(not_before=self._oldest())})

    def end_own(self, user: User, reference: str) -> Session:
        """End one of the person's own sessions, by the end of its id; raises :class:`NotFoundError`."""
        _, session = _fitting([(user, one) for one in self.own(user)], reference)
        self._end(user, user, session)
        return session

    def end_others(self, user: User, *, besides: str | None) -> int:
        """End all of the person's own sessions but the one with the id ``besides``; returns how many that were."""
        return self._end_all(user, user, besides)

    def end(self, by: User, reference: str) -> tuple[User, Session]:
        """End anybody's session, for an admin; raises :class:`NotFoundError`. Returns whose it was."""
        person, session = _fitting(self.all(by), reference)
        self._end(by, person, session)
        return person, session

    def end_all(self, by: User, username: str) -> int:
        """End all sessions of a person, for an admin; returns how many that were."""
        return self._end_all(by, self._accounts.get(by, username), None)

    def locked(self, by: User) -> list[Locked]:
        """Who is locked out after too many wrong passwords, for an admin."""
        names = {account_subject(one.username): one.username for one in self._accounts.all(by)}
        return [
            Locked(
                lock.subject if lock.what == "address" else names.get(f"account:{lock.subject}"),
                lock.what == "address",
                lock.failures,
                lock.until,
            )
            for lock in self._guessing.locks()
        ]

    def unlock(self, by: User, username: str) -> bool:
        """Let a person try again at once, for an admin; false if they didn't have to wait."""
        person = self._accounts.get(by, username)
        with self._database.transaction():
            waited = self._guessing.forget([account_subject(person.username)])
            if waited:
                self._record(by, "user.unlock", person)
        return waited

    def _end(self, by: User, person: User, session: Session) -> None:
        with self._database.transaction():
            if self._store.remove(session.id):
                self._record(by, "session.revoke", person, f"{session.kind} session {session.short_id}")

    def _end_all(self, by: User, person: User, besides: str | None) -> int:
        with self._database.transaction():
            ended = self._store.remove_all_of(person.id, besides=besides)
            if ended:
                self._record(by, "session.revoke", person, counted(ended, "session"))
        return ended

    def _record(self, by: User, action: str, person: User, details: str = "") -> None:
        self._audit.add(timestamp(self._clock()), by.username, action, person.username, details, about_id=person.id)

    def _oldest(self) -> str:
        return timestamp(self._clock() - SESSION_LIFETIME)


def _fitting(sessions: list[tuple[User, Session]], reference: str) -> tuple[User, Session]:
    wanted = reference.strip().lower()
    found = [one for one in sessions if len(wanted) >= MIN_REFERENCE and one[1].id.endswith(wanted)]
    if not found:
        raise NotFoundError(
            Text("There is no session %(reference)s. Nothing was changed.", reference=reference),
            "Give the six letters that the list shows.",
        )
    if len(found) > 1:
        raise InvalidInputError(
            Text("Several sessions end in %(reference)s. Nothing was changed.", reference=reference),
            "Give more of the id.",
        )
    return found[0]
