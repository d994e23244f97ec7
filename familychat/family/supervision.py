"""Supervision, openly: off until an admin turns it on for a child or a teen, and known to them from then on.

It reaches what was written since it was turned on, and nothing from before. Every look is in the audit log, for the
supervised person to read.
"""

from __future__ import annotations

from dataclasses import dataclass

from familychat.clock import Clock, timestamp
from familychat.errors import ConflictError, NotAllowedError, NotFoundError
from familychat.family.accounts import Accounts
from familychat.models import Activity, AuditEntry, Band, Message, Supervision, SupervisionLevel, User
from familychat.store.audit import AuditChoice, AuditStore
from familychat.store.conversations import ConversationStore
from familychat.store.database import Database
from familychat.store.messages import MessageStore
from familychat.store.supervision import SupervisionStore
from familychat.wording import Text

LOOK = "supervision.look"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a supervisor sees at either level."""

    supervision: Supervision
    conversations: list[Activity]


class Supervisions:
    """Methods that take ``by`` are for admins and say so with :class:`familychat.errors.NotAllowedError`."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._store = SupervisionStore(database)
        self._conversations = ConversationStore(database)
        self._messages = MessageStore(database)
        self._audit = AuditStore(database)

    def of(self, user: User) -> Supervision | None:
        """How a person is supervised; None if nobody does. They see it wherever they sign in."""
        return self._store.get(user.id)

    def set(self, by: User, username: str, level: SupervisionLevel | None) -> None:
        """Turn it on at a level, from now on, or (None) off.

        Raises :class:`ConflictError` for an adult, and if it is so already.
        """
        with self._database.transaction():
            user = self._accounts.get(by, username)
            if level is not None and user.band is Band.ADULT:
                raise ConflictError(
                    Text(
                        "%(name)s is an adult, and adults aren't supervised. Nothing was changed.", name=user.username
                    ),
                    Text("For a child or teen: familychat admin users band %(name)s child", name=user.username),
                )
            before = self._store.get(user.id)
            if (before.level if before else None) is level:
                raise ConflictError(
                    Text("That is how it is for %(name)s already. Nothing was changed.", name=user.username)
                )
            if level is None:
                self._store.remove(user.id)
            else:
                self._store.put(Supervision(user.id, level, timestamp(self._clock())))
            self._record(by, user, "supervision.set", level or "off")

    def summary(self, by: User, username: str) -> Summary:
        """Counts, times and topics since supervision was turned on. The look is recorded."""
        with self._database.transaction():
            user, supervision = self._supervised(by, username)
            self._record(by, user, LOOK, "summary")
            return Summary(supervision, self._store.activity(user.id, supervision.since))

    def read(self, by: User, username: str, reference: str) -> list[Message]:
        """What was written in a conversation (its id, or the end of it) since then, at the level full.

        The look is recorded. Raises :class:`NotFoundError` if nothing was.
        """
        with self._database.transaction():
            user, supervision = self._supervised(by, username)
            if supervision.level is not SupervisionLevel.FULL:
                raise NotAllowedError(
                    Text(
                        "The supervision of %(name)s is a summary: what was written stays private.", name=user.username
                    ),
                    Text("familychat admin supervise %(name)s full, for what comes from then on.", name=user.username),
                )
            since = supervision.since
            ids = [activity.conversation_id for activity in self._store.activity(user.id, since)]
            fitting = [one for one in ids if reference and one.endswith(reference)]
            if len(fitting) != 1:
                raise NotFoundError(
                    Text("%(name)s has no such conversation since supervision began.", name=user.username),
                    Text("familychat admin look %(name)s lists them.", name=user.username),
                )
            conversation = self._conversations.get(user.id, fitting[0])
            self._record(by, user, LOOK, f"read {conversation.short_id}")
            return [message for message in self._messages.path(conversation) if message.created_at >= since]

    def looks(self, user: User, limit: int = 100) -> list[AuditEntry]:
        """Who has looked at what this person did, the latest first, for that person."""
        return self._audit.concerning(user.id, user.created_at, limit, AuditChoice(action=LOOK))

    def _supervised(self, by: User, username: str) -> tuple[User, Supervision]:
        user = self._accounts.get(by, username)
        supervision = self._store.get(user.id)
        if supervision is None:
            raise NotAllowedError(
                Text("%(name)s isn't supervised: their chats are private.", name=user.username),
                "familychat admin supervise turns it on for a child or teen, who is told.",
            )
        return user, supervision

    def _record(self, by: User, about: User, action: str, details: str) -> None:
        self._audit.add(timestamp(self._clock()), by.username, action, about.username, details, about_id=about.id)


def banner(supervision: Supervision) -> str:
    """What the supervised person is told, at every start."""
    sees = {
        SupervisionLevel.SUMMARY: "how much you chat, when, and about what, but not what you write",
        SupervisionLevel.FULL: "what you chat about, and may read it",
    }
    return f"A grown-up of your household can see {sees[supervision.level]}. familychat limits tells you more."
