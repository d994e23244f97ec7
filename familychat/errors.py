"""Every error familychat raises on purpose, in one tree.

An error is written for a person: what happened, what was kept, and what to do next. Each class knows the exit
code of the command line and the HTTP status of the web; both front ends map the whole tree in one place::

    FamilychatError                  1   500
    ├── InvalidInputError            2   422
    │   ├── QuestionTooLongError     2   413
    │   └── ImportRefusedError       2   422
    ├── NotFoundError                3   404
    ├── NotAllowedError              4   403
    │   ├── SignInError              4   401
    │   ├── QuietHoursError          4   403
    │   ├── QuotaReachedError        4   429
    │   └── TooManyAttemptsError     4   429
    ├── ConflictError                5   409
    ├── ModelServerError             6   502
    │   ├── ServerUnreachableError   6   503
    │   ├── ModelNotFoundError       6   404
    │   ├── ContextTooLongError      6   413
    │   ├── AnswerCutShortError      6   502
    │   └── UnsupportedError         6   501
    ├── ModelFetchError              7   502
    ├── StoreError                   8   500
    │   ├── StoreLockedError         8   503
    │   ├── StoreReadOnlyError       8   500
    │   ├── StoreFullError           8   507
    │   ├── StoreCorruptError        8   500
    │   └── StoreTooNewError         8   500
    ├── SettingsError                9   500
    ├── TaskError                   10   500
    │   └── UnknownTaskError        10   404
    └── QueryError                  11   422
        ├── UnsafeQuery             11   403
        ├── BrokenQuery             11   422
        └── QueryTooExpensive       11   413
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class FamilychatError(Exception):
    """Base of the tree.

    ``message`` says what happened and what was kept, ``hint`` what to do next; both are whole sentences.
    """

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInputError(FamilychatError):
    """What was typed, piped or passed can't be used as it is."""

    exit_code = 2
    http_status = 422


class QuestionTooLongError(InvalidInputError):
    """One question is larger than the model can read."""

    http_status = 413


class ImportRefusedError(InvalidInputError):
    """A file can't be taken as what it is said to be; what was there before is still there."""


class NotFoundError(FamilychatError):
    """There is no such thing, or it belongs to somebody else: the two look alike on purpose."""

    exit_code = 3
    http_status = 404


class NotAllowedError(FamilychatError):
    """The person may not do this."""

    exit_code = 4
    http_status = 403


class SignInError(NotAllowedError):
    """Nobody is signed in, or the name and password don't fit."""

    http_status = 401


class QuietHoursError(NotAllowedError):
    """It is this person's quiet time. ``until`` is when it ends, if it does within a week."""

    def __init__(self, message: str, hint: str = "", *, until: datetime | None = None) -> None:
        super().__init__(message, hint)
        self.until = until


class QuotaReachedError(NotAllowedError):
    """This person has used what they have for the day."""

    http_status = 429


class TooManyAttemptsError(NotAllowedError):
    """Too many wrong passwords; ``retry_after`` is the wait in seconds."""

    http_status = 429

    def __init__(self, message: str, hint: str = "", *, retry_after: float = 0.0) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class ConflictError(FamilychatError):
    """It clashes with what is there: a taken name, the last admin, an answer still being written."""

    exit_code = 5
    http_status = 409


class ModelServerError(FamilychatError):
    """The model server answered with an error."""

    exit_code = 6
    http_status = 502


class ServerUnreachableError(ModelServerError):
    """No model server answers at the address."""

    http_status = 503


class ModelNotFoundError(ModelServerError):
    """The model server doesn't have this model."""

    http_status = 404


class ContextTooLongError(ModelServerError):
    """The model server says that the conversation is longer than it can read."""

    http_status = 413


class AnswerCutShortError(ModelServerError):
    """The stream ended, or the line dropped, before the model was done."""


class UnsupportedError(ModelServerError):
    """This kind of model server can't do that."""

    http_status = 501


class ModelFetchError(FamilychatError):
    """The practice model could not be fetched."""

    exit_code = 7
    http_status = 502


class StoreError(FamilychatError):
    """The database can't be used."""

    exit_code = 8


class StoreLockedError(StoreError):
    """Another program holds the database."""

    http_status = 503


class StoreReadOnlyError(StoreError):
    """The database or its folder can't be written."""


class StoreFullError(StoreError):
    """The disk is full, or refuses to be written."""

    http_status = 507


class StoreCorruptError(StoreError):
    """The database is damaged, or isn't one."""


class StoreTooNewError(StoreError):
    """A newer familychat wrote the database."""


class SettingsError(FamilychatError):
    """A setting has a value that isn't allowed."""

    exit_code = 9


class TaskError(FamilychatError):
    """A task (often a plugin) is missing or broken."""

    exit_code = 10


class UnknownTaskError(TaskError):
    """There is no task of that name."""

    http_status = 404


class QueryError(FamilychatError):
    """A statement over a music library gave no rows. The library is as it was: it can't be written this way."""

    exit_code = 11
    http_status = 422


class UnsafeQuery(QueryError):  # noqa: N818 -- the public name of the music engine's interface
    """The statement is not one harmless SELECT over this library, so it wasn't run."""

    http_status = 403


class BrokenQuery(QueryError):  # noqa: N818
    """The statement doesn't fit SQLite's grammar or the library's tables and columns."""


class QueryTooExpensive(QueryError):  # noqa: N818
    """The statement ran into its limit of time, memory or size and was stopped."""

    http_status = 413
