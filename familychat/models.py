"""The values the library speaks in: frozen, one glance each.

Identifiers are UUIDv7 strings (RFC 9562, section 5.7): sortable by time, not guessable in practice. Times are UTC
strings in ISO 8601 with milliseconds, as :func:`familychat.clock.timestamp` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LENGTH = "length"
"""Why a model ended, in the words of the OpenAI API, if it might have said more."""


class Role(StrEnum):
    """What a person is in the household."""

    ADMIN = "admin"
    MEMBER = "member"


class Band(StrEnum):
    """How old a person is, roughly."""

    CHILD = "child"
    TEEN = "teen"
    ADULT = "adult"


class Effect(StrEnum):
    """What a grant says."""

    ALLOW = "allow"
    DENY = "deny"


class Author(StrEnum):
    """Who wrote a message."""

    USER = "user"
    ASSISTANT = "assistant"


class Status(StrEnum):
    """How far a message got. Only STREAMING ever changes; PARTIAL means cut off by a crash or a lost line."""

    STREAMING = "streaming"
    COMPLETE = "complete"
    STOPPED = "stopped"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class User:
    """A person of the household. ``os_account`` is set for the one who may use the terminal without a password."""

    id: str
    username: str
    display_name: str
    role: Role
    active: bool
    has_password: bool
    os_account: str | None
    created_at: str
    last_login_at: str | None
    band: Band = Band.ADULT

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a rule is for: a person, a group, or (without either) everyone."""

    user_id: str | None = None
    group_id: str | None = None


FOR_EVERYONE = Subject()


@dataclass(frozen=True, slots=True)
class Group:
    """People who have rules in common. Everyone of ``band`` is in it; without a band it has members of its own."""

    id: str
    name: str
    band: Band | None
    created_at: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A rule: ``subject`` may or may not use ``resource``, up to the time ``until`` (None: for ever).

    That is ``task:NAME``, ``model:NAME`` or ``library:NAME``.
    """

    id: str
    subject: Subject
    resource: str
    effect: Effect
    created_at: str
    until: str | None = None


class LimitKind(StrEnum):
    """What a quota counts: questions that were asked, or tokens that were read and written for them."""

    MESSAGES = "messages"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a subject may use on a day; None: as much as they like."""

    subject: Subject
    kind: LimitKind
    amount: int | None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span in which nothing can be asked. It begins on ``weekday`` (0 is Monday) and may end on the next day.

    ``begins`` and ``ends`` are wall-clock times such as 21:00. Without them it says that the subject has none.
    """

    subject: Subject
    weekday: int | None
    begins: str | None
    ends: str | None


class SupervisionLevel(StrEnum):
    """What a supervisor may see: counts, times and topics, or what was written, too."""

    SUMMARY = "summary"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Supervision:
    """A person is supervised, for what they do from ``since`` on."""

    user_id: str
    level: SupervisionLevel
    since: str


@dataclass(frozen=True, slots=True)
class Activity:
    """What a person asked in one conversation. ``topic`` is its title, None where it began before supervision did."""

    conversation_id: str
    topic: str | None
    task: str
    questions: int
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class Used:
    """What a person has used of a day's quotas."""

    messages: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """How a model is asked to answer; None leaves the choice to the model server.

    ``temperature`` is 0 to 2, ``top_p`` above 0 to 1, ``max_tokens`` at least 1.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None


class TitledBy(StrEnum):
    """Who gave a conversation its title: the first question's words, a model, or a person (that one stays)."""

    WORDS = "words"
    MODEL = "model"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread of messages. ``head_id`` is the newest message of the path that is shown.

    ``origin`` says what an imported one was called where it came from.
    """

    id: str
    owner_id: str
    title: str
    task: str
    model: str | None
    parameters: Parameters
    system_prompt: str | None
    created_at: str
    last_message_at: str
    deleted_at: str | None
    head_id: str | None
    folder: str | None = None
    pinned: bool = False
    archived_at: str | None = None
    titled_by: TitledBy = TitledBy.WORDS
    origin: str | None = None

    @property
    def short_id(self) -> str:
        """The last six characters of the identifier: its random end, enough to tell a person's chats apart."""
        return self.id[-6:]


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took: tokens, milliseconds to the first token, tokens per second from then on.

    ``estimated`` is true when the server sent no counts and they were worked out here.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    time_to_first_token_ms: float | None = None
    tokens_per_second: float | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A question or an answer. ``reasoning`` is what the model thought aloud; it is never sent back to it.

    ``details`` is what its turn kept with it, as JSON has it: SQL and rows of a music question, or that it reached its
    length limit (a ``finish_reason`` of :data:`LENGTH`). It is number ``version`` (from 1) of ``versions`` in its
    place: edits of a question, or answers to the same one.
    """

    id: str
    conversation_id: str
    parent_id: str | None
    author: Author
    content: str
    reasoning: str
    status: Status
    model: str | None
    usage: Usage
    error: str | None
    created_at: str
    details: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    versions: int = 1

    @property
    def reached_length_limit(self) -> bool:
        return self.status is Status.COMPLETE and self.details.get("finish_reason") == LENGTH

    @property
    def can_go_on(self) -> bool:
        """Whether its model can go on with it."""
        broken_off = self.status in {Status.STOPPED, Status.PARTIAL} or self.reached_length_limit
        return broken_off and bool(self.content.strip())


@dataclass(frozen=True, slots=True)
class MusicLibrary:
    """A music list of the household. ``version`` grows with each import and names its files.

    ``source`` is the file's name, ``report`` the last import's, as JSON has it.
    """

    id: str
    name: str
    version: int
    source: str
    source_path: str
    songs: int
    report: Mapping[str, Any]
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A music question of one person and the SQL that answered it; ``verdict`` is what the person said of it."""

    id: str
    library_id: str
    version: int
    question: str
    sql: str
    writer: str
    model: str | None
    verdict: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """How much was used of or by ``what``: turns, and the tokens read (prompt) and written (completion) in them."""

    what: str
    turns: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom, when, and from where. Names are kept as they were: people can be renamed or removed.

    ``about_id`` is the person whom it concerns, so that they can read it too; ``everyone`` for all of them.
    """

    id: str
    at: str
    actor: str
    action: str
    target: str
    details: str
    address: str = ""
    about_id: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that holds. ``address`` is where it was last used from; ``kind`` is terminal or web."""

    id: str
    user_id: str
    kind: str
    address: str
    created_at: str
    last_used_at: str | None

    @property
    def short_id(self) -> str:
        """The last six characters of the identifier. Nobody can sign in with it."""
        return self.id[-6:]
