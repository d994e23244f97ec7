"""Texts remember what they were put together from, and are plain English wherever nobody asks."""

from __future__ import annotations

import copy
import json
import pickle
import sqlite3
import subprocess
import sys
from dataclasses import asdict, dataclass

import pytest

from familychat.errors import NotFoundError
from familychat.wording import Counted, Text, counted

NESTED = Text("%(questions)s left for %(who)s.", questions=counted(1200, "question"), who=Text("everyone"))
TURNS = ("The oldest turn doesn't fit into %(model)s.", "The oldest %(count)s turns don't fit into %(model)s.")
TEXTS = [
    Text("Nothing was changed."),
    Text("100 % sure"),
    Text("%(share)s %% of %(name)s", share=5, name="100 %(odd)s"),
    NESTED,
    counted(1, "question"),
    Counted(2, *TURNS, model="qwen"),
]
ENGLISH = [
    "Nothing was changed.",
    "100 % sure",
    "5 % of 100 %(odd)s",
    "1,200 questions left for everyone.",
    "1 question",
    "The oldest 2 turns don't fit into qwen.",
]


@dataclass(frozen=True)
class Kept:
    text: str


@pytest.mark.parametrize(("text", "english"), list(zip(TEXTS, ENGLISH, strict=True)))
def test_a_text_is_its_english_words_everywhere(text: Text, english: str) -> None:
    assert text == english
    assert hash(text) == hash(english)
    assert f"{text}" == english
    assert str(NotFoundError(text)) == english
    assert json.loads(json.dumps(text)) == english
    assert sqlite3.connect(":memory:").execute("SELECT ?", [text]).fetchone() == (english,)


@pytest.mark.parametrize("text", TEXTS)
def test_copies_know_as_much(text: Text) -> None:
    for made in (copy.deepcopy(text), pickle.loads(pickle.dumps(text)), asdict(Kept(text))["text"]):
        assert type(made) is type(text)
        assert (made, made.template, made.values) == (text, text.template, text.values)
        if isinstance(text, Counted) and isinstance(made, Counted):
            assert (made.number, made.plural) == (text.number, text.plural)


def test_a_text_knows_its_template_and_values() -> None:
    assert NESTED.template == "%(questions)s left for %(who)s."
    assert isinstance(NESTED.values["questions"], Counted)
    assert Text("All of it.").values == {}


@pytest.mark.parametrize(
    ("number", "english"), [(0, "0 seconds"), (1, "1 second"), (2, "2 seconds"), (1200, "1,200 seconds")]
)
def test_a_number_with_its_noun(number: int, english: str) -> None:
    made = counted(number, "second")
    assert made == english
    assert (made.number, made.template, made.plural) == (number, "%(count)s second", "%(count)s seconds")


def test_texts_bring_nothing_heavy_along() -> None:
    listed = "import sys, familychat.wording; print(*(set(sys.modules) & {'jinja2', 'gettext', 'babel', 'msgspec'}))"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
