"""Measuring: questions with gold SQL, and how often each way of writing SQL gets their rows."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from familychat.errors import FamilychatError, InvalidInputError, QueryError
from familychat.wording import Text
from familychat_music.comparing import same_rows
from familychat_music.drafts import Draft
from familychat_music.engine import Answer, Asked, MusicEngine
from familychat_music.follow_ups import Earlier
from familychat_music.plan import Plan
from familychat_music.rows import Limits, Rows
from familychat_music.writers import direct, plan
from familychat_music.writers.base import Consultant, Task, WriterName

MOST_ROWS = 100_000
"""Gold and answer are compared in full, not only as far as people get to see."""

SEED = 7


class Method(StrEnum):
    """Ways to SQL that can be compared: the writers; the drafts chosen by chance or without a model; and the model
    given the schema and asked for SQL, as most tools do."""

    AUTO = "auto"
    PLAN = "plan"
    FREE = "free"
    CHANCE = "chance"
    FIRST = "first"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question and the SQL whose rows are right; None if it should be declined. ``after`` is the earlier question's
    id of a follow-up."""

    id: str
    question: str
    gold_sql: str | None
    kind: str = ""
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that got the wrong rows, an error, or an answer where there is none."""

    id: str
    question: str
    gold_sql: str | None
    sql: str | None
    why: str


@dataclass(slots=True)
class Evaluation:
    """Counts over a file of questions. Rates are 0 to 1, and 1 where there was nothing to count."""

    method: str
    total: int = 0
    answerable: int = 0
    answered_right: int = 0
    unanswerable: int = 0
    declined_right: int = 0
    written: int = 0
    ran: int = 0
    seconds: list[float] = field(default_factory=list)
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    accuracy: float = 1.0
    execution_accuracy: float = 1.0
    refusal_accuracy: float = 1.0
    valid_rate: float = 1.0
    median_seconds: float = 0.0

    @property
    def correct(self) -> int:
        return self.answered_right + self.declined_right

    def finish(self) -> Evaluation:
        """Work the rates out."""
        self.accuracy = _rate(self.correct, self.total)
        self.execution_accuracy = _rate(self.answered_right, self.answerable)
        self.refusal_accuracy = _rate(self.declined_right, self.unanswerable)
        self.valid_rate = _rate(self.ran, self.written)
        self.median_seconds = statistics.median(self.seconds) if self.seconds else 0.0
        return self


def _rate(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def read_questions(path: Path) -> list[GoldQuestion]:
    """The questions of a JSON-lines file. Raises :class:`InvalidInputError` naming the line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(Text("%(path)s can't be read as text.", path=path), "Is it the right file?") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            found.append(_question(line, number, path))
    return found


def _question(line: str, number: int, path: Path) -> GoldQuestion:
    try:
        entry = json.loads(line)
        known = {name: entry[name] for name in ("id", "question", "gold_sql")}
        known["id"] = str(known["id"])
        if not isinstance(known["question"], str) or not isinstance(known["gold_sql"], str | None):
            raise TypeError("a question and its SQL are texts")
        return GoldQuestion(**known, kind=str(entry.get("kind", "")), after=entry.get("after"))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            Text("Line %(number)s of %(name)s isn't a question.", number=number, name=path.name),
            'Each line: {"id": ..., "question": ..., "gold_sql": ...}',
        ) from error


@dataclass(frozen=True, slots=True)
class _Asker:
    """How all questions of a file are asked."""

    engine: MusicEngine
    consultant: Consultant | None
    method: Method
    chance: random.Random


@dataclass(frozen=True, slots=True)
class _Result:
    sql: str | None
    rows: Rows | None
    plan: Plan | None
    why: str = ""


async def evaluate(
    questions: Sequence[GoldQuestion],
    engine: MusicEngine,
    consultant: Consultant | None,
    method: Method,
    progress: Callable[[], object] = lambda: None,
    *,
    turn: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> Evaluation:
    """Ask every question by ``method``, each in a ``turn``, and compare its rows with the gold's."""
    result = Evaluation(method.value)
    # The same choices in every run, and nothing secret.
    asker = _Asker(engine, consultant, method, random.Random(SEED))  # noqa: S311
    answered: dict[str, _Result] = {}
    for question in questions:
        before = answered.get(question.after or "")
        async with turn():
            began = time.perf_counter()
            try:
                got = await _ask(question, before, asker)
            except FamilychatError as error:
                got = _Result(None, None, None, error.message)
            result.seconds.append(round(time.perf_counter() - began, 4))
        answered[question.id] = got
        await _judge(question, got, engine, result)
        progress()
    return result.finish()


async def _ask(question: GoldQuestion, before: _Result | None, asker: _Asker) -> _Result:
    earlier = Earlier(before.plan, before.rows.rows[:50] if before.rows else ()) if before and before.plan else None
    if asker.method in {Method.CHANCE, Method.FIRST, Method.DIRECT}:
        return await _written(question, earlier, asker)
    asked = Asked(question.question, earlier, writer=WriterName(asker.method.value))
    answer = None
    async for step in asker.engine.ask(asked, asker.consultant):
        answer = step if isinstance(step, Answer) else answer
    assert answer is not None  # noqa: S101 -- the engine's last step
    if answer.sql is None:
        return _Result(answer.tried[-1][0] if answer.tried else None, None, None, str(answer.decline))
    rows = await _rows(asker.engine, answer.sql) if answer.rows.truncated else answer.rows
    return _Result(answer.sql, rows, answer.plan)


async def _written(question: GoldQuestion, earlier: Earlier | None, asker: _Asker) -> _Result:
    """What is only measured: the model alone, and drafts that are chosen without it."""
    task = Task(question.question, asker.engine.propose(question.question, earlier), asker.engine.schema)

    def choose(drafts: Sequence[Draft]) -> Draft:
        return asker.chance.choice(list(drafts)) if asker.method is Method.CHANCE else drafts[0]

    if asker.method is Method.DIRECT and asker.consultant is not None:
        written = await direct.write(task, asker.consultant)
    else:
        written = await plan.write(task, None, choose)
    if written.sql is None:
        return _Result(None, None, None, str(written.decline))
    rows = await _rows(asker.engine, written.sql)
    return _Result(written.sql, rows, written.draft.plan if written.draft else None, "" if rows else "it didn't run")


async def _rows(engine: MusicEngine, sql: str) -> Rows | None:
    try:
        return await engine.run(sql, limits=Limits(rows=MOST_ROWS, result=64 * 1024 * 1024, seconds=10))
    except QueryError:
        return None


async def _judge(question: GoldQuestion, got: _Result, engine: MusicEngine, result: Evaluation) -> None:
    result.total += 1
    if got.sql is not None:
        result.written += 1
        result.ran += got.rows is not None
    if question.gold_sql is None:
        right = got.sql is None
        result.unanswerable += 1
        result.declined_right += right
    else:
        gold = await _rows(engine, question.gold_sql)
        if gold is None:
            raise InvalidInputError(
                Text("The gold SQL of %(id)s doesn't run on this library.", id=question.id), "Is it the right one?"
            )
        ordered = "order by" in question.gold_sql.casefold()
        right = got.rows is not None and same_rows(gold, got.rows, ordered=ordered)
        result.answerable += 1
        result.answered_right += right
    if question.kind:
        before = result.kinds.get(question.kind, (0, 0))
        result.kinds[question.kind] = (before[0] + right, before[1] + 1)
    if not right:
        why = got.why or ("other rows" if got.rows is not None else "it didn't run")
        result.failures.append(Failure(question.id, question.question, question.gold_sql, got.sql, why))
