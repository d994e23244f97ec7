"""Cutting what is still being written: nothing is lost, and a piece is whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from familychat.family.safety.kindness import language_of
from familychat.family.safety.sentences import LONGEST, Sentences

TEXT = st.text(st.sampled_from("ab .!?…\n。।\"'*-1"), max_size=200)


def cut(*pieces: str) -> tuple[list[str], str]:
    sentences = Sentences()
    whole = [sentence for piece in pieces for sentence in sentences.feed(piece)]
    return whole, sentences.rest()


@given(text=TEXT, size=st.integers(1, 9))
def test_the_pieces_are_the_text_however_it_comes(text: str, size: int) -> None:
    whole, rest = cut(*(text[start : start + size] for start in range(0, len(text), size)))
    assert "".join(whole) + rest == text
    assert (whole, rest) == cut(text)


@pytest.mark.parametrize(
    ("text", "whole", "rest"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? "], "Four"),
        ("„Ja.“ Gut", ["„Ja.“ "], "Gut"),
        ('He said "No." Then', ['He said "No." '], "Then"),
        ("3.14 and a.b.c", [], "3.14 and a.b.c"),
        ("一つ。二つ", ["一つ。"], "二つ"),
        ("नमस्ते। आप", ["नमस्ते।"], " आप"),
        ("- eggs\n- milk\n", ["- eggs\n", "- milk\n"], ""),
        ("```\nx = 1\n```", ["```\n", "x = 1\n"], "```"),
        ("end.", [], "end."),
    ],
)
def test_where_a_sentence_ends(text: str, whole: list[str], rest: str) -> None:
    assert cut(text) == (whole, rest)


def test_a_sentence_without_end_is_cut_between_words() -> None:
    whole, rest = cut("word " * LONGEST)
    assert all(len(piece) <= LONGEST and piece.endswith(" ") for piece in whole)
    assert "".join(whole) + rest == "word " * LONGEST
    whole, rest = cut("x" * 4000)
    assert [len(piece) for piece in whole] == [LONGEST, LONGEST]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I make a kite?", "en"),
        ("Wie baue ich einen Drachen?", "de"),
        ("¿Cómo puedo hacer una cometa?", "es"),
        ("Comment est-ce que je fais un cerf-volant ?", "fr"),
        ("पतंग कैसे बनाऊँ?", "hi"),
        ("patang kaise banana hai", "hi"),
        ("12345", "en"),
        ("", "en"),
    ],
)
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert language_of(text) == language
    assert language_of("Suizid", "de") == "de"
