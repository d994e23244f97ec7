"""What a task's TOML file may say, and how it is told what is wrong with it."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from familychat.errors import InvalidInputError
from familychat.models import Parameters
from familychat.tasks.base import TaskDefaults
from familychat.tasks.definitions import KEYS, MAX_FILE_BYTES, TaskDefinition, parse, with_changes

WHOLE = """
# Grandma's own
name = "cooking"
title = "Cooking"
description = "What to cook"
system_prompt = '''
You help to cook.
Ask what there is.'''
opening = "What is in the kitchen?"
suggestions = ["Eggs and rice", "Something warm"]
model = "maker/small"
temperature = 1
top_p = 0.9
max_tokens = 500
"""
NEEDED = {"name": "n", "title": "T", "description": "D", "system_prompt": "P"}


def toml(**values: object) -> str:
    return with_changes("", {**NEEDED, **values}, "The test")


def test_everything_that_a_file_can_say() -> None:
    assert parse(WHOLE, "cooking.toml") == TaskDefinition(
        name="cooking",
        title="Cooking",
        description="What to cook",
        system_prompt="You help to cook.\nAsk what there is.",
        opening="What is in the kitchen?",
        suggestions=("Eggs and rice", "Something warm"),
        defaults=TaskDefaults("maker/small", Parameters(1.0, 0.9, 500)),
    )
    assert set(tomllib.loads(WHOLE)) == set(KEYS)


def test_what_is_needed_is_enough_and_a_byte_order_mark_is_fine() -> None:
    least = parse(b"\xef\xbb\xbf" + toml().encode(), "least.toml")
    assert least == TaskDefinition("n", "T", "D", "P")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (toml() + "promt = 'x'", "there is no key promt"),
        (toml() + "[parameters]\ntemperature = 1", "there is no key parameters"),
        (toml(title=None), "the key title is missing"),
        ("", "the key name is missing"),
        ("name = ", "it isn't valid TOML: Invalid value"),
        ("a = " + "[" * 30_000, "it isn't valid TOML"),
        ("max_tokens = " + "9" * 5_000, "it isn't valid TOML: a value is too big"),
        (b"name = '\xff'", "it isn't UTF-8 text"),
        (b"\x00\x01binary", "it isn't valid TOML"),
        ("#" * (MAX_FILE_BYTES + 1), "it is over 64,000 bytes long"),
        ("title = '\udc80'", "it isn't UTF-8 text"),
        (toml(name="Two Words"), "name must be a word of at most 40 lowercase letters, digits and dashes"),
        (toml(name="../up"), "name must be a word"),
        (toml(name="-x"), "name must be a word"),
        (toml(name="é"), "name must be a word"),
        (toml(name="n" * 41), "name must be a word"),
        (toml(name=7), "name must be a word"),
        (toml(title=7), "title must be one line of ordinary text"),
        (toml(title=" "), "title is empty"),
        (toml(title="t" * 61), "title has 61 characters, and 60 is the most"),
        (toml(title="two\nlines"), "title must be one line"),
        (toml(description="line\u2028end"), "description must be one line"),
        (toml(system_prompt="p" * 12_001), "system_prompt has 12,001 characters"),
        (toml(opening="\x1b[2J"), "opening must be ordinary text"),
        (toml(suggestions="one"), "suggestions must be a list"),
        (toml(suggestions=["good", 2]), "suggestions can't be so: number 2 must be one line"),
        (toml(suggestions=["x"] * 9), "suggestions has 9 entries, and 8 is the most"),
        (toml(temperature="hot"), "temperature must be a number from 0 to 2"),
        (toml(temperature=True), "temperature must be a number from 0 to 2"),
        (toml(temperature=2.1), "temperature must be a number from 0 to 2"),
        (toml() + "temperature = nan", "temperature must be a number from 0 to 2"),
        (toml(top_p=0), "top_p must be a number above 0, at most 1"),
        (toml(max_tokens=0), "max_tokens must be a whole number"),
        (toml(max_tokens=10.0), "max_tokens must be a whole number"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(text: str | bytes, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(text, "wrong.toml")
    assert caught.value.message.startswith(f"wrong.toml can't be a task: {words}")
    assert caught.value.hint


def test_changes_keep_comments_and_what_they_dont_touch() -> None:
    changed = with_changes(WHOLE, {"title": "Kitchen", "opening": None, "system_prompt": "One\r\ntwo"}, "cooking.toml")
    assert "# Grandma's own" in changed
    definition = parse(changed, "cooking.toml")
    assert (definition.title, definition.opening, definition.system_prompt) == ("Kitchen", "", "One\ntwo")
    assert definition.suggestions == ("Eggs and rice", "Something warm")
    with pytest.raises(InvalidInputError, match=r"x\.toml can't be a task: it isn't valid TOML"):
        with_changes("name = ", {"title": "T"}, "x.toml")


LINES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=60).filter(str.strip)


@given(title=LINES, prompt=st.lists(LINES, min_size=1, max_size=4), suggestions=st.lists(LINES, max_size=8))
def test_what_is_written_is_read_again(title: str, prompt: list[str], suggestions: list[str]) -> None:
    text = toml(title=title, system_prompt="\n".join(prompt), suggestions=suggestions)
    definition = parse(text, "The test")
    assert definition.title == title.strip()
    assert definition.system_prompt == "\n".join(prompt).strip()
    assert definition.suggestions == tuple(one.strip() for one in suggestions)


@pytest.mark.parametrize("name", ["homework", "story"])
def test_the_shipped_files_are_tasks_with_an_opening_and_four_suggestions(name: str) -> None:
    file = resources.files("familychat.tasks").joinpath("shipped", f"{name}.toml")
    definition = parse(file.read_bytes(), name)
    assert definition.name == name
    assert definition.opening
    assert len(definition.suggestions) == 4
