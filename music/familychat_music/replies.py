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
from familychat_music.rows import Rows

UNCHANGED = "your music list is unchanged."
ASK_LESS = "Ask for less, or name an artist, an album or a year."


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
        return BrokenQuery(f"The SQL isn't valid: {detail or 'it holds broken text'}. {UNCHANGED.capitalize()}")
    if kind in _EXPENSIVE:
        return _EXPENSIVE[kind][0](*_EXPENSIVE[kind][1:])
    return _misfit(kind, detail)


def _misfit(kind: str, detail: str) -> QueryError:
    if kind == "complex":
        return QueryTooExpensive(f"The SQL is too complex, so it wasn't run; {UNCHANGED}", ASK_LESS)
    if kind == "broken":
        return BrokenQuery(f"The SQL doesn't fit the music list: {detail}. {UNCHANGED.capitalize()}")
    if kind == "missing":
        return BrokenQuery(f"This library has no readable table {detail}; {UNCHANGED}", "Use the library's own tables.")
    if kind == "table":
        return UnsafeQuery(f"This library has no readable table {detail}; {UNCHANGED}", "Use the library's own tables.")
    if kind == "function":
        return UnsafeQuery(f"The SQL function {detail} isn't allowed; {UNCHANGED}", "Write the question without it.")
    return UnsafeQuery(
        f"Only one plain SELECT may be run, so this wasn't; {UNCHANGED}", "Ask something that only looks things up."
    )


_EXPENSIVE: dict[str, tuple[type[QueryTooExpensive], str, str]] = {
    "time": (QueryTooExpensive, f"The search took too long and was stopped; {UNCHANGED}", ASK_LESS),
    "memory": (QueryTooExpensive, f"The search needed too much memory and was stopped; {UNCHANGED}", ASK_LESS),
    "large": (QueryTooExpensive, f"The search or its result is too large, so it was stopped; {UNCHANGED}", ASK_LESS),
    "stopped": (QueryStopped, f"The search was stopped; {UNCHANGED}", "Ask again whenever you like."),
}


def file_error(path: Path, detail: str) -> FamilychatError:
    """What is wrong with a library's file, from SQLite's or the system's wording."""
    if not path.exists():
        return NotFoundError(
            "That music library isn't there any more; nothing was changed.", "Import the music list again."
        )
    if "locked" in detail:
        return StoreLockedError(
            f"The music library {path.name} is being written by another program; nothing was changed.",
            "Ask again in a moment.",
        )
    if "malformed" in detail or "not a database" in detail or "file is encrypted" in detail:
        return StoreCorruptError(
            f"The music library {path.name} is damaged or isn't one; nothing was changed.",
            "Import the music list again.",
        )
    return StoreError(
        f"The music library {path.name} can't be opened; nothing was changed.",
        "See whether you may read the file, and close other programs that use it.",
    )
