"""Fitting a conversation into what a model can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from familychat.context import estimate_tokens, fit, turns_of
from familychat.errors import QuestionTooLongError
from familychat.models import Author, Message, Status, Usage


def message(author: Author, content: str, status: Status = Status.COMPLETE) -> Message:
    return Message("m", "c", None, author, content, "", status, None, Usage(), None, "")


def history_of(*turns: tuple[str, str]) -> list[Message]:
    return [
        message(author, text)
        for turn in turns
        for author, text in zip((Author.USER, Author.ASSISTANT), turn, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "tokens"),  # counted with SmolLM2's own tokenizer, by what its server reports for a prompt
    [("word " * 1000, 1001), ("The quick brown fox jumps over the lazy dog. " * 50, 501)],
)
def test_estimates_are_on_the_safe_side(text: str, tokens: int) -> None:
    assert tokens <= estimate_tokens(text) <= 2 * tokens


@given(st.text())
def test_any_text_has_an_estimate(text: str) -> None:
    assert 1 <= estimate_tokens(text) <= 4 * len(text) + 1


def test_a_turn_without_an_answer_is_left_out() -> None:
    history = [
        *history_of(("1?", "one")),
        message(Author.USER, "2?"),
        message(Author.ASSISTANT, "", Status.FAILED),
        message(Author.USER, "3?"),
        message(Author.ASSISTANT, "thr", Status.STOPPED),
    ]
    assert [[m.content for m in turn] for turn in turns_of(history)] == [["1?", "one"], ["3?", "thr"]]


@given(
    st.lists(st.tuples(st.text(max_size=300), st.text(min_size=1, max_size=300)), max_size=12), st.integers(400, 3000)
)
def test_what_is_kept_fits_is_newest_and_whole(turns: list[tuple[str, str]], context_length: int) -> None:
    history = history_of(*turns)
    fitted = fit("Be kind", history, "Question?", context_length=context_length, max_tokens=None, model="m")
    assert (fitted.messages[0].role, fitted.messages[-1].content) == ("system", "Question?")
    kept = [m.content for m in fitted.messages[1:-1]]
    possible = [m.content for turn in turns_of(history) for m in turn]
    assert kept == possible[len(possible) - len(kept) :]
    assert len(kept) == 2 * (len(turns_of(history)) - fitted.left_out)
    size = sum(estimate_tokens(m.content) + 8 for m in fitted.messages)
    assert size <= context_length - context_length // 4


def test_room_for_the_answer_follows_max_tokens() -> None:
    fit("", [], "word " * 600, context_length=1000, max_tokens=50, model="m")
    with pytest.raises(QuestionTooLongError, match="can read 750 at once"):
        fit("", [], "word " * 600, context_length=1000, max_tokens=None, model="m")
