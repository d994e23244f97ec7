"""One question over one library: link, draft, write, guard, run, answer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from familychat.errors import ModelServerError, QueryError
from familychat.events import Loading
from familychat_music.answer import answer_text
from familychat_music.building import build_sql
from familychat_music.columns import Columns
from familychat_music.drafts import Decline, Draft, Drafts, propose
from familychat_music.follow_ups import Earlier
from familychat_music.guard import check
from familychat_music.linking import Linker
from familychat_music.phrases import Phrases, phrases
from familychat_music.plan import Plan, Ref
from familychat_music.rows import Limits, Rows
from familychat_music.runner import Runner
from familychat_music.schema import Role, Schema
from familychat_music.suggestions import knows, suggestions
from familychat_music.writers import free, plan
from familychat_music.writers.base import Consultant, Example, Task, WriterName, Written, suited

TRIES = 3
"""The first statement and two more, when one fails or finds nothing."""

ELSE_WITHIN = 0.6
"""Points within which another draft is tried when the first finds nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is put to the engine. ``sql`` is a statement that answered it before."""

    text: str
    earlier: Earlier | None = None
    before: tuple[str, str] | None = None
    writer: WriterName = WriterName.AUTO
    examples: Sequence[Example] = ()
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. ``sql`` is None when it was declined; ``shown`` are the rows with what people like to
    see beside them (a song's artist); ``tried`` are statements that were given up, with why."""

    text: str
    language: str
    sql: str | None
    rows: Rows
    shown: Rows
    writer: WriterName
    model: str | None
    seconds: float
    plan: Plan | None = None
    decline: Decline | None = None
    drafts: Drafts | None = None
    cached: bool = False
    tried: tuple[tuple[str, str], ...] = field(default=())


NO_ROWS = Rows((), ())


class MusicEngine:
    """Asks one imported library. ``library`` and ``index`` are its two files; close it afterwards."""

    def __init__(self, library: Path, index: Path, runner: Runner) -> None:
        self._library = library
        self._runner = runner
        self._linker = Linker(index)
        self.columns = Columns(self._linker.schema)
        self._tables = {table.name: [column.name for column in table.columns] for table in self.schema.tables}

    @property
    def schema(self) -> Schema:
        return self._linker.schema

    def close(self) -> None:
        self._linker.close()

    def suggestions(self, language: str, limit: int = 6) -> list[str]:
        """Questions worth asking of this library."""
        return suggestions(self._linker, self.columns, phrases(language), limit)

    def propose(self, text: str, earlier: Earlier | None = None) -> Drafts:
        """What a question could mean."""
        return propose(text, self._linker, self.columns, earlier)

    async def ask(self, asked: Asked, consultant: Consultant | None) -> AsyncGenerator[Loading | Answer, None]:
        """Loading while a model gets ready, then the one Answer."""
        began = time.perf_counter()
        drafts = self.propose(asked.text, asked.earlier)
        words = phrases(drafts.question.language)
        task = Task(asked.text, drafts, self.schema, asked.examples, asked.before)
        writer = WriterName.PLAN
        if asked.sql is None:
            writer = await self._writer(asked.writer, consultant)
            if writer is WriterName.FREE or len(plan.close_drafts(drafts.drafts)) > 1:
                async for step in _ready(consultant):
                    yield step
        written, rows, tried = await self._written(task, writer, consultant, asked.sql)
        shown = rows
        if written.sql is None or rows is None:
            text = self._declined(written, words)
            answer = (text, NO_ROWS, NO_ROWS)
        else:
            used = written.draft.plan if written.draft else None
            used, shown = await self._with_context(used, rows)
            answer = (answer_text(shown, used, words, scale=self._scale()), rows, shown)
        yield Answer(
            text=answer[0],
            language=drafts.question.language,
            sql=written.sql if rows is not None else None,
            rows=answer[1],
            shown=answer[2],
            writer=written.writer,
            model=written.model,
            seconds=time.perf_counter() - began,
            plan=written.draft.plan if written.draft else None,
            decline=written.decline,
            drafts=drafts,
            cached=asked.sql is not None and written.sql == asked.sql,
            tried=tuple(tried),
        )

    async def _writer(self, wanted: WriterName, consultant: Consultant | None) -> WriterName:
        if consultant is None:
            return WriterName.PLAN
        if wanted is not WriterName.AUTO:
            return wanted
        try:
            return suited(await consultant.model())
        except ModelServerError:
            return WriterName.PLAN

    async def _written(
        self, task: Task, writer: WriterName, consultant: Consultant | None, known: str | None
    ) -> tuple[Written, Rows | None, list[tuple[str, str]]]:
        """Write and run until something comes; what failed goes back to the writer with its reason."""
        tried: list[tuple[str, str]] = []
        empty: tuple[Written, Rows] | None = None
        written = Written(writer, None, decline=Decline.UNCLEAR)
        for _ in range(TRIES):
            current = await self._write(replace(task, complaints=tuple(tried)), writer, consultant, known, tried)
            if current.sql is None:
                written = current
                break
            known = None
            try:
                rows = await self.run(current.sql, caseless=current.writer is WriterName.FREE)
            except QueryError as error:
                tried.append((current.sql, error.message))
                continue
            if rows.rows and not all(value is None for value in rows.rows[0]):
                return current, rows, tried
            empty = empty or (current, rows)
            if current.writer is WriterName.PLAN and not _another_close(task.drafts, current.draft):
                break
            tried.append((current.sql, "It found no rows."))
        if empty is not None:
            return empty[0], empty[1], tried
        return written, None, tried

    async def _write(
        self,
        task: Task,
        writer: WriterName,
        consultant: Consultant | None,
        known: str | None,
        tried: Sequence[tuple[str, str]],
    ) -> Written:
        if known is not None:
            draft = next((draft for draft in task.drafts.drafts if draft.sql == known), None)
            return Written(WriterName.PLAN if draft else WriterName.FREE, known, draft)
        if writer is WriterName.FREE and consultant is not None and len(tried) < TRIES - 1:
            try:
                written = await free.write(task, consultant)
            except ModelServerError:
                written = Written(WriterName.FREE, None)
            if written.sql is not None or written.decline is not None:
                return written
        return await plan.write(task, consultant if writer is WriterName.PLAN else None)

    async def run(self, sql: str, *, caseless: bool = False, limits: Limits | None = None) -> Rows:
        """Guard and run a statement over this library; raises :class:`familychat.errors.QueryError`."""
        limits = limits or Limits()
        checked = check(sql, tables=self._tables, row_limit=limits.rows, caseless=caseless)
        return await self._runner.run_async(self._library, checked, tables=list(self._tables), limits=limits)

    async def _with_context(self, used: Plan | None, rows: Rows) -> tuple[Plan | None, Rows]:
        """The rows of a list of songs with each song's artist, and what the list is sorted by."""
        wider = self._wider(used) if used else None
        if wider is None or not rows.rows:
            return used, rows
        with contextlib.suppress(QueryError):
            found = await self.run(build_sql(wider, self.schema))
            if len(found.rows) == len(rows.rows):
                return wider, found
        return used, rows

    def _wider(self, used: Plan) -> Plan | None:
        first = used.select[0]
        if len(used.select) > 1 or used.group_by or used.distinct or used.random:
            return None
        if not isinstance(first, Ref) or first.role is not Role.TITLE:
            return None
        artist = self.columns.ref(Role.ARTIST, single=False)
        sorted_by = used.order[0].by if used.order else None
        more = [ref for ref in (artist, sorted_by) if isinstance(ref, Ref) and ref != first]
        return replace(used, select=(first, *more)) if more else None

    def _scale(self) -> float:
        ref = self.columns.ref(Role.DURATION)
        return ref.scale if ref else 1.0

    def _declined(self, written: Written, words: Phrases) -> str:
        reason = str(written.decline) if written.decline else "failed"
        example = next(iter(suggestions(self._linker, self.columns, words, 1)), "")
        return words.say("declines", reason, suggestion=example, knows=knows(self.columns, words)).strip()


async def _ready(consultant: Consultant | None) -> AsyncGenerator[Loading, None]:
    """The steps of getting a model ready; one that can't be had is found out when it is asked."""
    prepare = getattr(consultant, "prepare", None)
    if prepare is None:
        return
    with contextlib.suppress(ModelServerError):
        async with contextlib.aclosing(prepare()) as steps:
            async for step in steps:
                yield step


def _another_close(drafts: Drafts, draft: Draft | None) -> bool:
    if draft is None:
        return False
    others = [other for other in drafts.drafts if other is not draft and other.sql is not None]
    return any(abs(draft.points - other.points) < ELSE_WITHIN for other in others)
