"""Telling inline thoughts from answers, however the text is cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from familychat.events import Delta, Reasoning
from familychat.llm.thinking import ThinkSplitter


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkSplitter()
    parts = [part for piece in pieces for part in splitter.feed(piece)] + list(splitter.finish())
    thought = "".join(part.text for part in parts if isinstance(part, Reasoning))
    return thought, "".join(part.text for part in parts if isinstance(part, Delta))


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>hm</think>\n\nYes", "hm", "Yes"),
        ("\n<think>hm\n</think>Yes", "hm\n", "Yes"),
        ("No thoughts", "", "No thoughts"),
        ("I use <think> tags", "", "I use <think> tags"),
        ("<think>never closed", "never closed", ""),
        ("<think></think>Yes", "", "Yes"),
        ("<thin air", "", "<thin air"),
        ("<think>a</think>b</think>c", "a", "b</think>c"),
        ("", "", ""),
        ("  spaced", "", "  spaced"),
    ],
)
def test_examples(text: str, thought: str, answer: str) -> None:
    assert split([text]) == (thought, answer)
    assert split(list(text)) == (thought, answer)


@given(st.text(alphabet="<think/> ab\n"), st.text(alphabet="<think/> ab\n"), st.lists(st.integers(0, 60)))
def test_any_cut_gives_the_same(thought: str, answer: str, cuts: list[int]) -> None:
    text = f"<think>{thought}</think>{answer}"
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    assert split(pieces) == split([text])
