"""Which library a question in a chat is for."""

from __future__ import annotations

import pytest

from familychat_music.task import addressed_library


@pytest.mark.parametrize(
    ("text", "library", "question"),
    [
        ("@Family songs by ABBA", "Family", "songs by ABBA"),
        ("@family old: songs by ABBA", "Family old", "songs by ABBA"),
        ("songs @Family", None, "songs @Family"),
        ("@Nobody songs", None, "@Nobody songs"),
        ("@Family", "Family", "@Family"),
    ],
)
def test_a_question_may_begin_with_its_library(text: str, library: str | None, question: str) -> None:
    assert addressed_library(text, ["Family", "Family old"]) == (library, question)
