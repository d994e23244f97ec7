"""The one vocabulary of a turn. Terminal, web and API render these and nothing else.

A turn is any number of Queued, Loading, Notice, Started, Reasoning, Sql, Rows and Delta, then exactly one of Completed,
Stopped and Failed, each with the answer as it was stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from familychat.errors import FamilychatError
from familychat.models import Message


@dataclass(frozen=True, slots=True)
class Queued:
    """Somebody else is being answered; ``position`` 1 is next."""

    position: int


@dataclass(frozen=True, slots=True)
class Loading:
    """The model server is getting ready. ``fraction`` is 0 to 1 when the server says how far it is."""

    what: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The question is with this model."""

    model: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of what the model thinks aloud, apart from the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the person should know; a whole sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Sql:
    """The statement that is run over a music library, and which writer wrote it."""

    text: str
    writer: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What the statement gave. ``row_count`` may be more than the rows shown; ``truncated``: there were even more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    row_count: int
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """The answer is whole and stored."""

    message: Message


@dataclass(frozen=True, slots=True)
class Stopped:
    """The person stopped it; what had come is stored."""

    message: Message


@dataclass(frozen=True, slots=True)
class Failed:
    """It went wrong. ``message`` has status partial if something had come, else failed; None if it can't be stored."""

    error: FamilychatError
    message: Message | None


Event = Queued | Loading | Started | Reasoning | Delta | Notice | Sql | Rows | Completed | Stopped | Failed
End = Completed | Stopped | Failed
