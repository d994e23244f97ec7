"""What a worker's reply means to the person who asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from familychat.errors import (
    BrokenQuery,
    FamilychatError,
    NotFoundError,
    QueryError,
    QueryTooExpensive,
    StoreCorruptError,
    StoreError,
    StoreLockedError,
    UnsafeQuery,
)
from familychat.wording import Text
from familychat_music.rows import Rows

ASK_LESS = Text("Ask for less, or name an artist, an album or a year.")


class QueryStopped(QueryTooExpensive):
    """Somebody stopped the statement before it was done."""


def rows_of(reply: dict[str, Any], path: Path) -> Rows:
    """The reply's rows. Raises what the reply says went wrong."""
    if "error" in reply:
        raise error_of(reply["error"], reply.get("detail", ""), path)
    return Rows(tuple(reply["columns"]), tuple(tuple(row) for row in reply["rows"]), reply["truncated"])


def error_of(kind: str, detail: str, path: Path) -> FamilychatError:
    """The error for a worker's ``kind``; ``detail`` is SQLite's wording or the name it is about."""
    if kind == "file":
        return file_error(path, detail)
    if kind == "start":
        return StoreError(
            "The part of familychat that searches music lists doesn't start; nothing was changed.",
            "Install familychat again.",
        )
    if kind == "syntax":
        reason = detail or Text("it holds broken text")
        return BrokenQuery(Text("The SQL isn't valid: %(reason)s. Your music list is unchanged.", reason=reason))
    if kind in _EXPENSIVE:
        return _EXPENSIVE[kind][0](*_EXPENSIVE[kind][1:])
    return _misfit(kind, detail)


def _misfit(kind: str, detail: str) -> QueryError:
    if kind == "complex":
        return QueryTooExpensive("The SQL is too complex, so it wasn't run; your music list is unchanged.", ASK_LESS)
    if kind == "broken":
        return BrokenQuery(
            Text("The SQL doesn't fit the music list: %(reason)s. Your music list is unchanged.", reason=detail)
        )
    if kind in {"missing", "table"}:
        found = BrokenQuery if kind == "missing" else UnsafeQuery
        return found(
            Text("This library has no readable table %(name)s; your music list is unchanged.", name=detail),
            Text("Use the library's own tables."),
        )
    if kind == "function":
        return UnsafeQuery(
            Text("The SQL function %(function)s isn't allowed; your music list is unchanged.", function=detail),
            "Write the question without it.",
        )
    return UnsafeQuery(
        "Only one plain SELECT may be run, so this wasn't; your music list is unchanged.",
        "Ask something that only looks things up.",
    )


_EXPENSIVE: dict[str, tuple[type[QueryTooExpensive], Text, Text]] = {
    "time": (
        QueryTooExpensive,
        Text("The search took too long and was stopped; your music list is unchanged."),
        ASK_LESS,
    ),
    "memory": (
        QueryTooExpensive,
        Text("The search needed too much memory and was stopped; your music list is unchanged."),
        ASK_LESS,
    ),
    "large": (
        QueryTooExpensive,
        Text("The search or its result is too large, so it was stopped; your music list is unchanged."),
        ASK_LESS,
    ),
    "stopped": (
        QueryStopped,
        Text("The search was stopped; your music list is unchanged."),
        Text("Ask again whenever you like."),
    ),
}


def file_error(path: Path, detail: str) -> FamilychatError:
    """What is wrong with a library's file, from SQLite's or the system's wording."""
    if not path.exists():
        return NotFoundError(
            "That music library isn't there any more; nothing was changed.", "Import the music list again."
        )
    if "locked" in detail:
        return StoreLockedError(
            Text(
                "The music library %(name)s is being written by another program; nothing was changed.", name=path.name
            ),
            "Ask again in a moment.",
        )
    if "malformed" in detail or "not a database" in detail or "file is encrypted" in detail:
        return StoreCorruptError(
            Text("The music library %(name)s is damaged or isn't one; nothing was changed.", name=path.name),
            "Import the music list again.",
        )
    return StoreError(
        Text("The music library %(name)s can't be opened; nothing was changed.", name=path.name),
        "See whether you may read the file, and close other programs that use it.",
    )
