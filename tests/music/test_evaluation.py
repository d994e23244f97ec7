"""The measure itself: when two results are the same, what a file of questions may hold, and what is counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from familychat.errors import InvalidInputError, ModelServerError
from familychat.llm.base import ChatMessage, ModelInfo
from familychat_music.comparing import same_rows
from familychat_music.engine import MusicEngine
from familychat_music.evaluation import Evaluation, GoldQuestion, Method, evaluate, read_questions
from familychat_music.rows import Rows, Value


def rows(*found: tuple[Value, ...]) -> Rows:
    width = len(found[0]) if found else 1
    return Rows(tuple(f"c{number}" for number in range(width)), found)


@pytest.mark.parametrize(
    ("gold", "other", "ordered", "same"),
    [
        (rows(("a",), ("b",)), rows(("b",), ("a",)), False, True),
        (rows(("a",), ("b",)), rows(("b",), ("a",)), True, False),
        (rows(("a",), ("b",)), rows(("a",), ("b",)), True, True),
        (rows(("a",), ("a",)), rows(("a",)), False, False),
        (rows(("a",), ("a",), ("b",)), rows(("a",), ("b",), ("b",)), False, False),
        (rows(("a", 1), ("b", 2)), rows((1, "a"), (2, "b")), False, True),
        (rows(("a", 1), ("b", 2)), rows((1, "b"), (2, "a")), False, False),
        (rows(("a", 1), ("b", 2)), rows((2, "a"), (1, "b")), False, False),
        (rows(("a", 1), ("b", 2)), rows((1, "a"), (2, "b")), True, True),
        (rows((1, "a", 3.0)), rows((3, 1, "a")), False, True),
        (rows(("a",)), rows(("a", 1)), False, False),
        (rows(("a", 1)), rows(("a",)), False, False),
        (rows((0.1 + 0.2,)), rows((0.3,)), False, True),
        (rows((0.30049,)), rows((0.3001,)), False, True),
        (rows((0.302,)), rows((0.3,)), False, False),
        (rows((3,)), rows((3.0,)), False, True),
        (rows((3,)), rows(("3",)), False, False),
        (rows((None,)), rows((None,)), False, True),
        (rows((None,)), rows((0,)), False, False),
        (rows(("a",)), rows(("A",)), False, False),
        (rows(), rows(), False, True),
        (rows(), rows((None,)), False, False),
        (rows((1, 2, 3, 4, 5, 6, 7)), rows((1, 2, 3, 4, 5, 6, 7)), False, True),
    ],
)
def test_when_results_are_the_same(gold: Rows, other: Rows, ordered: bool, same: bool) -> None:
    assert same_rows(gold, other, ordered=ordered) is same


cells = st.one_of(st.integers(-3, 3), st.sampled_from(["a", "b", ""]), st.none(), st.floats(-1, 1))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_order_of_rows_and_columns(found: list[tuple[Value, ...]], chance: Any) -> None:
    order = list(range(3))
    chance.shuffle(order)
    other = [tuple(row[place] for place in order) for row in found]
    assert same_rows(rows(*found), rows(*other), ordered=True)
    chance.shuffle(other)
    assert same_rows(rows(*found), rows(*other), ordered=False)
    assert same_rows(rows(*other), rows(*found), ordered=False)
    assert not same_rows(rows(*found), rows(*other, other[0]), ordered=False)


# -- files of questions


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(
        '\ufeff{"id": 1, "question": "Wie viele?", "gold_sql": "SELECT 1", "kind": "count", "more": true}\n\n'
        '  {"id": "b", "question": "and you?", "gold_sql": null, "after": "1"}\n',
        encoding="utf-8",
    )
    assert read_questions(path) == [
        GoldQuestion("1", "Wie viele?", "SELECT 1", "count"),
        GoldQuestion("b", "and you?", None, "", "1"),
    ]
    path.write_text("\n \n", encoding="utf-8")
    assert read_questions(path) == []


@pytest.mark.parametrize(
    "line",
    ["{", "nonsense", "{}", "[]", "3", "null", '"text"', '{"id": "x", "question": "x"}',
     '{"question": "x", "gold_sql": null}',
     '{"id": "x", "gold_sql": null}', '{"id": "x", "question": 7, "gold_sql": null}',
     '{"id": "x", "question": "x", "gold_sql": 7}', '{"id": "x", "question": null, "gold_sql": null}'],
)  # fmt: skip
def test_a_wrong_line_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    good = '{"id": "x", "question": "x", "gold_sql": null}'
    path.write_text(f"{good}\n\n{line}\n{good}\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"Line 3 of questions\.jsonl"):
        read_questions(path)


def test_a_file_that_isn_t_text(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="can't be read"):
        read_questions(tmp_path / "gone.jsonl")
    with pytest.raises(InvalidInputError, match="can't be read"):
        read_questions(tmp_path)
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="can't be read"):
        read_questions(tmp_path / "x")


# -- measuring

QUEEN = "SELECT title FROM songs WHERE id IN (SELECT song_id FROM song_artists WHERE artist = 'Queen')"
DISCO = "SELECT title FROM songs WHERE genre = 'Disco'"


class Scripted:
    """Answers with the SQL that it has for a question; None where it has none, or what it is told to raise."""

    def __init__(self, answers: Mapping[str, str | None]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def model(self) -> ModelInfo:
        return ModelInfo("scripted-7b")

    async def ask(
        self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any] | None = None, max_tokens: int = 300
    ) -> str:
        self.asked.append(messages[-1].content)
        for text, answer in self.answers.items():
            if text in messages[-1].content:
                if answer == "error":
                    raise ModelServerError("out of memory")
                return json.dumps({"sql": answer})
        return "I don't know"


@pytest.mark.anyio
async def test_rates(engine: MusicEngine) -> None:
    questions = [
        GoldQuestion("1", "songs by Queen", QUEEN, "lookup"),
        GoldQuestion("2", "disco songs", DISCO, "lookup"),
        GoldQuestion("3", "hello", None, "small-talk"),
        GoldQuestion("4", "what is the weather", None, "unanswerable"),
        GoldQuestion("5", "songs by ABBA", QUEEN, "lookup"),
    ]
    ticks: list[int] = []
    found = await evaluate(questions, engine, None, Method.PLAN, lambda: ticks.append(1))
    assert (found.method, found.total, found.answerable, found.unanswerable) == ("plan", 5, 3, 2)
    assert (found.answered_right, found.declined_right, found.correct) == (2, 2, 4)
    assert found.accuracy == pytest.approx(0.8)
    assert found.execution_accuracy == pytest.approx(2 / 3)
    assert (found.refusal_accuracy, found.valid_rate) == (1.0, 1.0)
    assert found.kinds == {"lookup": (2, 3), "small-talk": (1, 1), "unanswerable": (1, 1)}
    assert [failure.id for failure in found.failures] == ["5"]
    assert found.failures[0].gold_sql == QUEEN
    assert found.failures[0].sql != QUEEN
    assert len(ticks) == len(found.seconds) == 5
    assert found.median_seconds > 0


@pytest.mark.anyio
async def test_nothing_to_count(engine: MusicEngine) -> None:
    found = await evaluate([], engine, None, Method.PLAN)
    assert (found.accuracy, found.execution_accuracy, found.median_seconds) == (1.0, 1.0, 0.0)
    assert Evaluation("plan").finish().refusal_accuracy == 1.0


@pytest.mark.anyio
async def test_answering_what_can_t_be_answered_is_wrong(engine: MusicEngine) -> None:
    found = await evaluate([GoldQuestion("1", "songs by Queen", None, "hostile")], engine, None, Method.PLAN)
    assert (found.declined_right, found.refusal_accuracy, found.accuracy) == (0, 0.0, 0.0)
    found = await evaluate([GoldQuestion("1", "hello", QUEEN)], engine, None, Method.PLAN)
    assert (found.answered_right, found.execution_accuracy) == (0, 0.0)
    assert found.failures[0].sql is None


@pytest.mark.anyio
async def test_a_follow_up_goes_on_from_the_question_it_names(engine: MusicEngine) -> None:
    sixties = DISCO.replace("'Disco'", "'Jazz'") + " AND year BETWEEN 1960 AND 1969"
    questions = [
        GoldQuestion("1", "jazz songs", DISCO.replace("'Disco'", "'Jazz'")),
        GoldQuestion("2", "songs by Queen", QUEEN),
        GoldQuestion("3", "only from the sixties", sixties, after="1"),
    ]
    assert (await evaluate(questions, engine, None, Method.PLAN)).failures == []
    lost = [GoldQuestion("3", "only the ones from the sixties", sixties, after="nowhere")]
    assert (await evaluate(lost, engine, None, Method.PLAN)).total == 1


@pytest.mark.anyio
async def test_gold_that_doesn_t_run_is_named(engine: MusicEngine) -> None:
    wrong = [GoldQuestion("wrong-7", "songs by Queen", "SELECT nothing FROM nowhere")]
    with pytest.raises(InvalidInputError, match="wrong-7"):
        await evaluate(wrong, engine, None, Method.PLAN)


@pytest.mark.anyio
async def test_long_results_are_compared_in_full(engine: MusicEngine) -> None:
    gold = "SELECT a.id FROM songs a, song_artists b WHERE b.song_id < 4"
    shorter = "SELECT a.id FROM songs a, song_artists b WHERE b.song_id < 3"
    perfect = Scripted({"every pair": gold})
    assert (await evaluate([GoldQuestion("1", "every pair", gold)], engine, perfect, Method.FREE)).accuracy == 1
    assert (await evaluate([GoldQuestion("1", "every pair", shorter)], engine, perfect, Method.FREE)).accuracy == 0


@pytest.mark.anyio
async def test_the_model_alone(engine: MusicEngine) -> None:
    """Without guard's second try, without drafts: what it writes is run, or is wrong."""
    questions = [GoldQuestion("1", "songs by Queen", QUEEN), GoldQuestion("2", "disco", DISCO)]
    model = Scripted({"Queen": QUEEN, "disco": "DROP TABLE songs"})
    found = await evaluate(questions, engine, model, Method.DIRECT)
    assert (found.answered_right, found.written, found.ran) == (1, 2, 1)
    assert found.valid_rate == 0.5
    assert len(model.asked) == 2
    failing = await evaluate(questions[:1], engine, Scripted({"Queen": "error"}), Method.DIRECT)
    assert failing.answered_right == 0
    assert "out of memory" in failing.failures[0].why


@pytest.mark.anyio
@pytest.mark.parametrize("method", [Method.FIRST, Method.CHANCE])
async def test_drafts_without_a_model_are_the_same_each_time(method: Method, engine: MusicEngine) -> None:
    questions = [
        GoldQuestion(str(number), text, QUEEN) for number, text in enumerate(("queen", "love", "songs by rahman"))
    ]
    one = await evaluate(questions, engine, None, method)
    other = await evaluate(questions, engine, None, method)
    assert [failure.sql for failure in one.failures] == [failure.sql for failure in other.failures]
    assert one.correct == other.correct
