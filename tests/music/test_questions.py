"""What everyday questions come to, without any model: their rows are those of SQL that is known to be right."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from familychat_music.comparing import same_rows
from familychat_music.drafts import Decline
from familychat_music.engine import Answer, Asked, MusicEngine
from familychat_music.follow_ups import Earlier
from familychat_music.rows import Limits, Rows
from familychat_music.writers.base import WriterName

pytestmark = pytest.mark.anyio

FIXTURES = Path(__file__).parents[1] / "fixtures" / "music"


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its right SQL or its reason to be declined; ``before`` are the questions that led to it."""

    text: str
    sql: str | None = None
    decline: str | None = None
    after: bool = False
    before: Sequence[str] = field(default=())


def cases(name: str) -> list[Case]:
    found: list[Case] = []
    for entry in tomllib.loads((FIXTURES / name).read_text(encoding="utf-8"))["question"]:
        before = (*found[-1].before, found[-1].text) if entry.get("after") else ()
        found.append(Case(**entry, before=before))
    return found


SAMPLE, RELATED = cases("questions.toml"), cases("shop-questions.toml")


def named(found: Sequence[Case]) -> list[str]:
    return [" / ".join((*case.before, case.text)) for case in found]


async def answered(engine: MusicEngine, case: Case) -> Answer:
    """The answer to the last of a chain of questions, without a model."""
    answer: Answer | None = None
    for text in (*case.before, case.text):
        earlier = Earlier(answer.plan, answer.rows.rows[:50]) if answer is not None and answer.plan else None
        steps = engine.ask(Asked(text, earlier, writer=WriterName.PLAN), None)
        answer = [step async for step in steps if isinstance(step, Answer)][-1]
    assert answer is not None
    return answer


async def check(case: Case, engine: MusicEngine, look: Callable[[str], Rows]) -> None:
    answer = await answered(engine, case)
    assert answer.text.strip()
    if case.sql is None:
        assert (answer.sql, answer.rows) == (None, Rows((), ()))
        assert answer.decline == Decline(str(case.decline))
        return
    assert answer.sql is not None, f"declined as {answer.decline}"
    rows = await engine.run(answer.sql, limits=Limits(rows=100_000)) if answer.rows.truncated else answer.rows
    gold = look(case.sql)
    ordered = "order by" in case.sql.casefold()
    assert same_rows(gold, rows, ordered=ordered), f"{answer.sql} gives {rows.rows[:3]}, not {gold.rows[:3]}"


@pytest.mark.parametrize("case", SAMPLE, ids=named(SAMPLE))
async def test_the_sample_library(case: Case, engine: MusicEngine, look: Callable[[str], Rows]) -> None:
    await check(case, engine, look)


@pytest.mark.parametrize("case", RELATED, ids=named(RELATED))
async def test_a_library_of_related_tables(
    case: Case, shop_engine: MusicEngine, shop_look: Callable[[str], Rows]
) -> None:
    await check(case, shop_engine, shop_look)


def test_the_right_answers_aren_t_empty(look: Callable[[str], Rows], shop_look: Callable[[str], Rows]) -> None:
    """So that an engine that finds nothing can't be right by chance."""
    empty = {"songs by Zzyzx Quorum", "reggae songs from the 1930s", "songs with 50% in the title"}
    for found, run in ((SAMPLE, look), (RELATED, shop_look)):
        for case in found:
            if case.sql is not None:
                assert bool(run(case.sql).rows) == (case.text not in empty), case.text
