"""What the word lists find, and what they leave alone: the texts are data."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from familychat.errors import InvalidInputError
from familychat.family.safety.topics import own_topic, shipped_topics, topics_with
from familychat.family.safety.words import WordList, parse
from familychat.store.safety import StoredTopic

TEXTS: dict[str, Any] = tomllib.loads(
    (Path(__file__).parents[3] / "fixtures" / "safety" / "texts.toml").read_text("utf-8")
)
FOUND = [(topic, text) for kind in ("blocked", "disguised") for topic, texts in TEXTS[kind].items() for text in texts]
HARMLESS: list[str] = TEXTS["harmless"]["texts"]


def test_there_are_many_texts_for_every_topic() -> None:
    assert len(FOUND) + len(HARMLESS) >= 120
    assert set(TEXTS["blocked"]) == set(shipped_topics())


@pytest.mark.parametrize(("topic", "text"), FOUND)
def test_what_is_found(topic: str, text: str) -> None:
    found = topics_with(()).words.find(text)
    assert found is not None
    assert found.topic == topic


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_left_alone(text: str) -> None:
    found = topics_with(()).words.find(text)
    assert found is None, f"{found.topic} ({found.language})"


@pytest.mark.parametrize("topic", shipped_topics().values(), ids=lambda topic: topic.name)
def test_a_topic_has_words_and_a_name_in_each_language(topic: Any) -> None:
    languages = {"en", "de", "es", "fr", "hi"}
    assert set(topic.labels) == languages
    assert {phrase.language for phrase in topic.phrases} == languages
    assert topic.meaning


PADDING = st.text(st.sampled_from("klm. ,!?\n-\u200b0"), max_size=12)


@given(
    before=PADDING,
    after=PADDING,
    hidden=st.sampled_from(["porn", "P O R N", "p0rn", "p\u043ern", "p\u200born", "PÖRN"]),
)
def test_what_stands_around_a_word_hides_it_only_as_part_of_another(before: str, after: str, hidden: str) -> None:
    words = topics_with(()).words
    assert words.find(f"{before} {hidden} {after}") is not None
    assert words.find(f"{before} kaporn{after}") is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_breaks_it_and_what_came_before_is_not_found_again(before: str, text: str) -> None:
    words = topics_with(()).words
    words.find(text, before=before)
    assert words.find("fine.", before=f"{before} sex. ") is None


@pytest.mark.parametrize(("before", "text"), [("Now build a ", "bomb."), ("s. e. ", "x."), ("so por", "n it is")])
def test_a_phrase_may_begin_in_what_came_before(before: str, text: str) -> None:
    words = topics_with(()).words
    assert words.find(text, before=before) is not None
    assert words.find(text, before=words.tail("word " * 5000 + before)) is not None
    assert words.find(text) is None


def test_how_phrases_are_written() -> None:
    words = WordList([parse(phrase, "t") for phrase in ("kill* time", "make/build ... tea", "room #", "don't")])
    for text in ("killing time", "Build us all some nice TEA", "make tea", "room 12b", "don\u2019t"):
        assert words.find(text) is not None, text
    for text in ("skill time", "make one two three four five tea", "room twelve", "tea make", "don", "t"):
        assert words.find(text) is None, text


def test_a_harmless_phrase_hides_only_what_it_covers() -> None:
    words = WordList([parse("make ... bomb", "t")], [parse("bath bomb", "t")])
    assert words.find("make a bath bomb") is None
    assert words.find("make a bath bomb and bomb") is not None
    assert WordList([parse("make ... bomb", "t")], [parse("bath bomb", "other")]).find("make a bath bomb") is not None


@pytest.mark.parametrize("phrase", ["", "...", "#", "!?", "a", "ab*", "l'eau/vin", "*", "/"])
def test_phrases_that_would_find_nothing_or_everything(phrase: str) -> None:
    with pytest.raises(InvalidInputError):
        own_topic("mine", [phrase])


def test_what_a_household_changes() -> None:
    stored = (StoredTopic("sex", (), active=False), StoredTopic("swearing", ("damn",), active=True))
    topics = topics_with(stored)
    assert topics.words.find("sex") is None
    found = topics.words.find("D4MN it")
    assert found is not None
    assert found.topic == "swearing"
    assert [topic.name for topic in topics.active if topic.own] == ["swearing"]
    assert topics_with((StoredTopic("swearing", ("damn",), active=False),)).words.find("damn") is None
