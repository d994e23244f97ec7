"""What a person does with their own conversations: find, organise, delete, and take along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec

from familychat.chat import first_words
from familychat.clock import Clock, new_id, timestamp
from familychat.documents import ConversationDocument, checked, conversation_of, document_of, message_of
from familychat.errors import InvalidInputError, NotFoundError
from familychat.models import Conversation, Message, TitledBy, User
from familychat.recovery import Recovery
from familychat.store.conversations import ANY, Chosen, ConversationStore
from familychat.store.database import Database
from familychat.store.messages import MessageStore
from familychat.store.people import PeopleStore
from familychat.wording import Text

LONGEST_FOLDER = 60
LONGEST_RETENTION = 36_500
"""Days; a hundred years."""


class Conversations:
    """Every call is for one person and reaches only what is theirs."""

    def __init__(self, database: Database, clock: Clock, recovery: Recovery) -> None:
        self._database = database
        self._store = ConversationStore(database)
        self._messages = MessageStore(database)
        self._people = PeopleStore(database)
        self._clock = clock
        self._recovery = recovery

    # -- finding

    def newest(
        self, user: User, limit: int = 50, *, before: Conversation | None = None, chosen: Chosen = ANY
    ) -> list[Conversation]:
        """Pinned ones first, then by last message, newest first; ``before`` continues after that one."""
        return self._store.newest(user.id, limit, before=before, chosen=chosen)

    def last_spoken(self, user: User) -> Conversation | None:
        """The one that was last talked in."""
        return self._store.last_spoken(user.id)

    def chosen(self, user: User, chosen: Chosen) -> list[Conversation]:
        """All that a filter is for, oldest first."""
        return self._store.chosen(user.id, chosen)

    def find(self, user: User, reference: str, *, deleted: bool = False) -> Conversation:
        """By id, end of the id, or title; raises if none or several fit."""
        return self._store.find(user.id, reference, deleted=deleted)

    def get(self, user: User, conversation_id: str) -> Conversation:
        return self._store.get(user.id, conversation_id)

    def messages(
        self, user: User, conversation: Conversation, *, limit: int | None = None, before: str | None = None
    ) -> list[Message]:
        """The shown path, oldest first, read anew; with ``limit`` its newest, with ``before`` what led to that message.

        Raises :class:`NotFoundError` if there is no such message.
        """
        current = self._store.get(user.id, conversation.id)
        head = current.head_id if before is None else self._messages.get(current, before).parent_id
        return self._messages.path_to(current, head, limit=limit)

    def messages_after(
        self, user: User, conversation: Conversation, message_id: str, *, limit: int
    ) -> list[Message] | None:
        """What follows a message on the shown path, oldest first; None if it isn't on it."""
        return self._messages.path_after(self._store.get(user.id, conversation.id), message_id, limit=limit)

    def message(self, user: User, conversation: Conversation, message_id: str) -> Message:
        """One message, in whichever version; raises :class:`NotFoundError` if there is none."""
        return self._messages.get(self._store.get(user.id, conversation.id), message_id)

    def recent_questions(self, user: User, limit: int = 500) -> list[str]:
        """What the person asked lately, newest first."""
        return self._messages.questions_of(user.id, limit)

    # -- organising

    def rename(self, user: User, conversation: Conversation, title: str) -> Conversation:
        """Raises :class:`InvalidInputError` for an empty title; the order of the list stays."""
        clean = first_words(title)
        if not clean:
            raise InvalidInputError("A title can't be empty.", "Give it a few words.")
        return self._store.update(user.id, conversation.id, title=clean, titled_by=TitledBy.PERSON)

    def change(self, user: User, conversation: Conversation, **values: object) -> Conversation:
        """Change task, model, temperature, top_p, max_tokens or system_prompt from the next question on."""
        return self._store.update(user.id, conversation.id, **values)

    def pin(self, user: User, conversation: Conversation, *, pinned: bool = True) -> Conversation:
        """Keep it on top of the list, or no longer."""
        return self._store.update(user.id, conversation.id, pinned=int(pinned))

    def archive(self, user: User, conversation: Conversation, *, archived: bool = True) -> Conversation:
        """Take it out of the list without deleting it, or put it back."""
        at = timestamp(self._clock()) if archived else None
        return self._store.update(user.id, conversation.id, archived_at=at)

    def move(self, user: User, conversation: Conversation, folder: str | None) -> Conversation:
        """Put it into a folder, or into none (None). Folders come and go with what is in them."""
        return self._store.update(user.id, conversation.id, folder=folder and checked_folder(folder))

    def folders(self, user: User) -> dict[str, int]:
        """The person's folders and how many conversations each holds."""
        return self._store.folders(user.id)

    # -- deleting

    def delete(self, user: User, *conversations: Conversation) -> str:
        """Move them to the person's trash; returns when, which is the same for all of them."""
        at = timestamp(self._clock())
        with self._database.transaction():
            for conversation in conversations:
                self._store.set_deleted(user.id, conversation.id, at)
        return at

    def trash(self, user: User) -> list[Conversation]:
        return self._store.trash(user.id)

    def restore(self, user: User, conversation: Conversation) -> None:
        self._store.set_deleted(user.id, conversation.id, None)

    def empty_trash(self, user: User) -> int:
        """Delete for good what is in the trash; returns how many conversations."""
        return self._store.empty_trash(user.id)

    def retention(self, user: User) -> int | None:
        """For how many days after its last message a conversation is kept; None: for ever."""
        return self._people.retention_days(user.id)

    def set_retention(self, user: User, days: int | None) -> None:
        """Raises :class:`InvalidInputError` for days that make no sense."""
        if days is not None and not 1 <= days <= LONGEST_RETENTION:
            raise InvalidInputError(
                Text("%(days)s days can't be.", days=days),
                Text("Between 1 and %(most)s, or never.", most=f"{LONGEST_RETENTION:,}"),
            )
        self._people.set_retention_days(user.id, days)

    def outlived(self, user: User, days: int | None = None) -> list[Conversation]:
        """What the person's retention (or ``days``) would delete now; pinned conversations stay."""
        days = days if days is not None else self.retention(user)
        return [] if days is None else self._store.outlived(user.id, self._ago(days))

    def tidy(self, trash_days: int) -> int:
        """Delete for good what lay in a trash for so many days (0: never), and move to the trash what has outlived
        its person's retention; returns how many conversations were moved or deleted."""
        count = self._store.purge(self._ago(trash_days)) if trash_days else 0
        for user in self._people.all():
            for conversation in self.outlived(user):
                self.delete(user, conversation)
                count += 1
        return count

    def _ago(self, days: int) -> str:
        return timestamp(self._clock() - timedelta(days=days))

    # -- versions

    def show_version(self, user: User, conversation: Conversation, message_id: str, version: int) -> Conversation:
        """Put version ``version`` (from 1) of a message on the shown path, with what followed it.

        Raises :class:`NotFoundError` if there is none.
        """
        current = self._still(user, conversation)
        ids = self._messages.siblings(self._messages.get(current, message_id))
        if not 1 <= version <= len(ids):
            raise NotFoundError(
                Text("There is no version %(version)s: it has only one version.", version=version)
                if len(ids) == 1
                else Text(
                    "There is no version %(version)s: it has only versions 1 to %(last)s.",
                    version=version,
                    last=len(ids),
                )
            )
        self._messages.show(current, self._messages.get(current, ids[version - 1]))
        return self._store.get(user.id, current.id)

    def reveal(self, user: User, conversation: Conversation, message_id: str) -> Conversation:
        """Show the path that a message is on, unless it is shown already."""
        current = self._store.get(user.id, conversation.id)
        message = self._messages.get(current, message_id)
        if not any(shown.id == message.id for shown in self._messages.path(current)):
            self._messages.show(self._still(user, current), message)
        return self._store.get(user.id, current.id)

    def delete_message(self, user: User, conversation: Conversation, message_id: str) -> Conversation:
        """Delete one message for good, in the version that is meant; what followed it stays."""
        with self._database.transaction():
            current = self._still(user, conversation)
            message = self._messages.get(current, message_id)
            others = [other for other in self._messages.siblings(message) if other != message.id]
            self._messages.remove(current, message)
            if current.head_id == message.id and others:
                self._messages.show(current, self._messages.get(current, others[-1]))
        return self._store.get(user.id, current.id)

    def _still(self, user: User, conversation: Conversation) -> Conversation:
        """The conversation as it is now; raises :class:`ConflictError` while an answer is being written in it."""
        current = self._store.get(user.id, conversation.id)
        self._recovery.require_settled(current)
        return current

    # -- taking along

    def document(self, user: User, conversation: Conversation) -> ConversationDocument:
        """Everything in a conversation, in every version."""
        current = self._store.get(user.id, conversation.id)
        return document_of(current, self._messages.all_of(current))

    def documents(self, user: User, conversations: list[Conversation]) -> Iterator[ConversationDocument]:
        """As :meth:`document`, one after another, so that few are in memory at once."""
        for conversation in conversations:
            yield self.document(user, conversation)

    def is_here(self, user: User, document: ConversationDocument) -> bool:
        """Whether the person has this conversation already, be it in the trash."""
        return self._store.known(user.id, document.id, _origin(document)) is not None

    def bring_in(self, user: User, document: ConversationDocument) -> Conversation | None:
        """Add a conversation from elsewhere as the person's own; None if they have it already.

        Raises :class:`InvalidInputError` if it doesn't hold together. Ids that somebody else's conversation has are
        replaced, so that nobody learns about it.
        """
        (outcome,) = self.bring_in_all(user, [document])
        if isinstance(outcome, InvalidInputError):
            raise outcome
        return outcome

    def bring_in_all(
        self, user: User, documents: Sequence[ConversationDocument]
    ) -> list[Conversation | InvalidInputError | None]:
        """As :meth:`bring_in` for each, but stored at once or not at all, which is much quicker than one by one.

        What would be raised for one is in its place; the others come in.
        """
        outcomes: list[Conversation | InvalidInputError | None] = []
        ready: list[tuple[Conversation, ConversationDocument]] = []
        ids: set[str] = set()
        with self._database.transaction():
            for document in documents:
                try:
                    whole = checked(document)
                except InvalidInputError as error:
                    outcomes.append(error)
                    continue
                own_ids = {whole.id, _origin(whole), *(message.id for message in whole.messages)}
                if not ids.isdisjoint(own_ids):  # it may be one of these: only what is stored is looked up
                    self._add(ready)
                    ready, ids = [], set()
                conversation = None
                if not self.is_here(user, whole):
                    whole = self._unclaimed(whole)
                    conversation = conversation_of(whole, user.id)
                    ready.append((conversation, whole))
                    ids |= own_ids
                outcomes.append(conversation)
            self._add(ready)
        return outcomes

    def _unclaimed(self, document: ConversationDocument) -> ConversationDocument:
        """The document, under new ids if anybody has one of its."""
        if self._store.is_taken(document.id) or self._messages.any_known([m.id for m in document.messages]):
            # The origin still tells that it is here, should it come once more.
            return msgspec.structs.replace(with_new_ids(document), origin=_origin(document))
        return document

    def fork(self, user: User, conversation: Conversation, message_id: str | None = None) -> Conversation:
        """A new conversation with the path down to a message (else the shown one); both go on independently."""
        current = self._store.get(user.id, conversation.id)
        head = self._messages.get(current, message_id).id if message_id else current.head_id
        path = [(message, None) for message in self._messages.path_to(current, head)]
        document = with_new_ids(document_of(replace(current, head_id=head, origin=None), path))
        now = timestamp(self._clock())
        copy = replace(
            conversation_of(document, user.id), pinned=False, archived_at=None, created_at=now, last_message_at=now
        )
        self._add([(copy, document)])
        return copy

    def _add(self, added: Sequence[tuple[Conversation, ConversationDocument]]) -> None:
        """Store conversations of one person, each with a document's messages."""
        if not added:
            return
        shown = {m.id: m.shown for _, document in added for m in document.messages if m.shown is not None}
        messages = [message_of(m, conversation.id) for conversation, document in added for m in document.messages]
        with self._database.transaction():
            self._store.put_all([conversation for conversation, _ in added])
            self._messages.put_all(added[0][0].owner_id, messages, shown)


def checked_folder(folder: str) -> str:
    """The folder's name on one line; raises :class:`InvalidInputError` for an empty or overlong one."""
    name = " ".join(folder.split())
    if not name or len(name) > LONGEST_FOLDER or not name.isprintable():
        raise InvalidInputError(
            "A folder can't be called that.", Text("Give it 1 to %(most)s letters.", most=LONGEST_FOLDER)
        )
    return name


def _origin(document: ConversationDocument) -> str:
    """Where a conversation comes from; one that says nothing comes from a familychat, under its own id."""
    return document.origin or f"familychat:{document.id}"


def with_new_ids(document: ConversationDocument) -> ConversationDocument:
    """The same conversation under ids that nobody has."""
    ids = {message.id: new_id() for message in document.messages}

    def new(old: str | None) -> str | None:
        return None if old is None else ids[old]

    messages = [
        msgspec.structs.replace(message, id=ids[message.id], parent=new(message.parent), shown=new(message.shown))
        for message in document.messages
    ]
    return msgspec.structs.replace(document, id=new_id(), head=new(document.head), messages=messages)
