"""The task ``music``: a conversation about a music library."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from familychat.events import Delta, Event, Loading, Rows, Sql, Started
from familychat.models import Author, Message, User
from familychat.store.database import Database
from familychat.turn import Turn

if TYPE_CHECKING:
    from familychat_music.engine import Answer
    from familychat_music.follow_ups import Earlier

MOST_SUGGESTIONS = 6
MOST_SUGGESTING = 3
"""Libraries."""

KEPT_ROWS = 50
"""So many rows are kept with an answer, to look at again and to ask about."""


class MusicTask:
    """Answers from a library: the one that the question begins with (``@NAME``), else the one that was asked last in
    this conversation, else the only one that the person may use."""

    name = "music"
    title = "Music"
    description = "Ask about the family's music"

    def suggestions_for(self, database: Database, user: User, language: str) -> list[str]:
        """Questions that the libraries which this person may ask can answer."""
        from familychat_music.libraries import Libraries

        libraries = Libraries(database)
        mine = libraries.askable(user)[:MOST_SUGGESTING]
        found: list[str] = []
        for library in mine:
            path, index = libraries.path(library), libraries.index_path(library)
            questions = _suggestions(path, index, language)[: MOST_SUGGESTIONS // len(mine)]
            found += questions if len(mine) == 1 else [f"@{library.name} {question}" for question in questions]
        return found

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        from familychat_music.engine import Answer, Asked
        from familychat_music.libraries import Libraries
        from familychat_music.runner import default_runner

        libraries = Libraries(turn.database)
        names = [library.name for library in libraries.usable(turn.user)]
        addressed, question = addressed_library(turn.question.content, names)
        library = libraries.get(turn.user, addressed or _library_of(turn.history))
        engine = libraries.open(library, default_runner())
        try:
            earlier, before = _earlier(turn.history, library.name)
            asked = Asked(question, earlier, before)
            steps = libraries.ask(turn.user, library, engine, asked, turn.access)
            async with contextlib.aclosing(steps):
                async for step in steps:
                    if isinstance(step, Loading):
                        yield step
                    elif isinstance(step, Answer):
                        async for event in _events(turn, library.name, step):
                            yield event
        finally:
            engine.close()


@lru_cache(maxsize=32)  # an import has a file of its own, which never changes
def _suggestions(path: Path, index: Path, language: str) -> tuple[str, ...]:
    from familychat_music.engine import MusicEngine
    from familychat_music.runner import default_runner

    if not (path.is_file() and index.is_file()):  # it has just been replaced
        return ()
    engine = MusicEngine(path, index, default_runner())
    try:
        return tuple(engine.suggestions(language))
    finally:
        engine.close()


async def _events(turn: Turn, library: str, answer: Answer) -> AsyncGenerator[Event, None]:
    turn.details.update(_details(library, turn.question.content, answer))
    if answer.model:
        turn.model = answer.model
        yield Started(answer.model)
    if answer.sql is not None:
        shown = answer.shown
        yield Sql(answer.sql, answer.writer.value)
        yield Rows(shown.columns, shown.rows, len(answer.rows.rows), shown.truncated)
    yield Delta(answer.text)


def _details(library: str, question: str, answer: Answer) -> dict[str, Any]:
    return {
        "library": library,
        "question": question,
        "sql": answer.sql,
        "plan": msgspec.to_builtins(answer.plan),
        "columns": answer.shown.columns,
        "rows": answer.shown.rows[:KEPT_ROWS],
        "row_count": len(answer.rows.rows),
        "truncated": answer.rows.truncated,
        "writer": answer.writer.value,
    }


def addressed_library(text: str, names: Sequence[str]) -> tuple[str | None, str]:
    """The library that a question begins with (``@NAME``), and the question without it."""
    for name in sorted(names, key=len, reverse=True):
        if text[:1] == "@" and text[1:].casefold().startswith(name.casefold()):
            return name, text[1 + len(name) :].lstrip(" ,:") or text
    return None, text


def _library_of(history: Sequence[Message]) -> str | None:
    kept = (message.details.get("library") for message in reversed(history))
    return next((str(name) for name in kept if name), None)


def _earlier(history: Sequence[Message], library: str) -> tuple[Earlier | None, tuple[str, str] | None]:
    """What the last answered question of this conversation was."""
    from familychat_music.follow_ups import Earlier
    from familychat_music.plan import Plan

    for message in reversed(history):
        details = message.details
        if message.author is Author.ASSISTANT and details.get("sql") and details.get("library") == library:
            before = (str(details.get("question", "")), str(details["sql"]))
            if not details.get("plan"):
                return None, before
            plan = msgspec.convert(details["plan"], Plan)
            return Earlier(plan, tuple(tuple(row) for row in details.get("rows", ()))), before
    return None, None
