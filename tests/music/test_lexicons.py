"""Every language's words and answers: complete, well formed, and told apart from the others."""

from __future__ import annotations

import string
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from familychat_music.lexicon import folded_words, language_of, languages, lexicon
from familychat_music.phrases import phrases
from familychat_music.plan import Comparison
from familychat_music.schema import Role
from familychat_music.text import tokens

LANGUAGES = ("en", "de", "es", "fr", "hi")
OTHERS = LANGUAGES[1:]

# Other languages than English put these after their number.
AFTER_NUMBER = {">", "<", ">=", "<="}

QUESTIONS = {
    "en": [
        "How many songs do we have by Queen?",
        "show me all Beatles songs",
        "Who sings Life on Mars?",
        "which songs are longer than 5 minutes",
        "What is the oldest song in the list?",
        "songs from the nineties",
        "Which album is Mamma Mia on?",
        "how many songs are there per genre?",
        "songs that start with the letter Z",
        "and what about the eighties?",
    ],
    "de": [
        "Wie viele Lieder haben wir von Queen?",
        "zeig mir alle Lieder von den Beatles",
        "Wer singt Bohemian Rhapsody?",
        "welche Lieder sind länger als 5 Minuten",
        "Was ist das älteste Lied in der Liste?",
        "Lieder aus den Neunzigern",
        "Auf welchem Album ist Mamma Mia?",
        "wie viele lieder gibt es pro genre",
        "Lieder, die mit Z anfangen",
        "und aus den 80ern?",
        "Welcher Kuenstler hat die meisten Lieder?",
    ],
    "es": [
        "¿Cuántas canciones tenemos de Queen?",
        "muéstrame todas las canciones de los Beatles",
        "¿Quién canta Bohemian Rhapsody?",
        "que canciones duran mas de 5 minutos",
        "¿Cuál es la canción más antigua de la lista?",
        "canciones de los años noventa",
        "¿En qué álbum está Mamma Mia?",
        "¿Cuántas canciones hay por género?",
        "canciones que empiezan por Z",
        "¿y de los 80?",
    ],
    "fr": [
        "Combien de chansons avons-nous de Queen ?",
        "montre-moi toutes les chansons des Beatles",
        "Qui chante Life on Mars ?",
        "quelles chansons durent plus de 5 minutes",
        "Quelle est la plus vieille chanson de la liste ?",
        "chansons des années quatre-vingt-dix",
        "Sur quel album est Mamma Mia ?",
        "Combien de chansons par genre ?",
        "Qu\u2019est-ce qu\u2019on a comme chansons de Noël ?",
        "et des années 80 ?",
    ],
    "hi": [
        "हमारे पास Queen के कितने गाने हैं?",
        "लता मंगेशकर के सारे गाने दिखाओ",
        "Life on Mars किसने गाया है?",
        "5 मिनट से ज़्यादा लंबे गाने",
        "नब्बे के दशक के गाने",
        "queen ke kitne gaane hain",
        "lata mangeshkar ke saare gaane dikhao",
        "Hello kaun gata hai",
        "5 minute se zyada ke gaane",
        "sabse purana gaana kaunsa hai",
        "Mamma Mia kis album mein hai?",
        "90 ke dashak ke hindi gaane sunao",
    ],
}


def table(package: str, language: str) -> dict[str, Any]:
    return tomllib.loads(files(package).joinpath(f"{language}.toml").read_text(encoding="utf-8"))


def lexicon_table(language: str) -> dict[str, Any]:
    return table("familychat_music.lexicon", language)


def phrases_table(language: str) -> dict[str, Any]:
    return table("familychat_music.phrases", language)


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_all_languages_are_there() -> None:
    assert languages()[0] == "en"
    assert set(languages()) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lexicon_loads(language: str) -> None:
    known = lexicon(language)
    assert lexicon_table(language)["language"] == known.language == language
    assert len(known.phrases) >= 300
    assert len(known.little_words) >= 100


@pytest.mark.parametrize("language", OTHERS)
def test_the_lexicon_says_what_english_says(language: str) -> None:
    """Headings and entries are read by the code: one that it doesn't know would be a phrase without effect."""
    english, other = lexicon_table("en"), lexicon_table(language)
    assert set(other) <= set(english)
    for heading in set(other) - {"language"}:
        allowed = set(english[heading]) | (AFTER_NUMBER if heading == "after_number" else set())
        assert set(other[heading]) <= allowed, heading


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_follows_a_number_compares(language: str) -> None:
    assert set(lexicon_table(language)["after_number"]) <= {comparison.value for comparison in Comparison}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("heading", ["cue", "hint"])
def test_cues_and_hints_are_roles(language: str, heading: str) -> None:
    assert set(lexicon_table(language)[heading]) <= set(Role)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_is_empty(language: str) -> None:
    for heading, entries in lexicon_table(language).items():
        if heading == "language":
            continue
        for entry, variants in entries.items():
            assert variants, (heading, entry)
            assert [variant for variant in variants if not "".join(folded_words(variant))] == [], (heading, entry)


@pytest.mark.parametrize("language", OTHERS)
def test_no_phrase_is_a_single_letter(language: str) -> None:
    """Single letters are what titles begin with, and little words."""
    for heading, entries in lexicon_table(language).items():
        if heading not in {"language", "stop"}:
            for entry, variants in entries.items():
                assert [v for v in variants if len("".join(folded_words(v))) == 1] == [], (heading, entry)


@pytest.mark.parametrize("language", OTHERS)
def test_little_words_are_written_as_they_are_compared(language: str) -> None:
    """Words are compared without apostrophes, one at a time: "qu'il" would never match, "quil" does."""
    assert [word for word in lexicon(language).little_words if len(folded_words(word)) != 1 or "'" in word] == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_entry_holds_a_phrase_twice(language: str) -> None:
    for heading, entries in lexicon_table(language).items():
        if heading not in {"language", "stop"}:
            for entry, variants in entries.items():
                folded = [folded_words(variant) for variant in variants]
                assert sorted({key for key in folded if folded.count(key) > 1}) == [], (heading, entry)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_phrases_load(language: str) -> None:
    words = phrases(language)
    assert words.language == language
    assert words.noun("title", 1) != ""
    assert words.say("answers", "count", number=2, noun=words.noun("title", 2)).startswith("2 ")


@pytest.mark.parametrize("language", OTHERS)
def test_the_phrases_say_what_english_says(language: str) -> None:
    english, other = phrases_table("en"), phrases_table(language)
    assert {name: set(section) for name, section in other.items()} == {
        name: set(section) for name, section in english.items()
    }
    for role, noun in other["nouns"].items():
        assert len(noun) == 2, role
        assert all(form.strip() for form in noun), role
    for name in set(english) - {"nouns"}:
        for key, text in english[name].items():
            assert other[name][key].strip(), (name, key)
            assert fields(other[name][key]) == fields(text), (name, key)


@pytest.mark.parametrize(("language", "question"), [(name, one) for name, many in QUESTIONS.items() for one in many])
def test_everyday_questions_are_told_apart(language: str, question: str) -> None:
    assert language_of(word for word, _, _ in tokens(question)) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_suggested_questions_are_in_their_language(language: str) -> None:
    """What familychat suggests, it must understand in the language it suggested it in."""
    values = {"artist": "Zaz", "genre": "Jazz", "decade": 2010, "title": "Skyfall"}
    for name, text in phrases_table(language)["suggestions"].items():
        words = [word for word, _, _ in tokens(text.format(**values))]
        assert language_of(words) == language, name
