"""Answers in words say nothing that isn't in the rows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import familychat_music.phrases
from familychat_music.answer import MOST_NAMED, answer_text, show_duration, show_value
from familychat_music.phrases import phrases
from familychat_music.plan import Aggregate, Measure, Part, Plan, Ref
from familychat_music.rows import Rows, Value
from familychat_music.schema import Role

ENGLISH = phrases("en")
LANGUAGES = sorted(path.stem for path in Path(familychat_music.phrases.__file__).parent.glob("*.toml"))

TITLE, ARTIST = Ref("songs", "title", Role.TITLE), Ref("songs", "artist", Role.ARTIST)
YEAR, GENRE = Ref("songs", "year", Role.YEAR), Ref("songs", "genre", Role.GENRE)
LENGTH, RATING = Ref("songs", "duration_seconds", Role.DURATION), Ref("songs", "rating", Role.RATING)
SONGS = Measure(Aggregate.COUNT, None, "songs")


def said(rows: list[tuple[Value, ...]], *select: Ref | Measure, truncated: bool = False, language: str = "en") -> str:
    columns = tuple(item.column if isinstance(item, Ref) else "count" for item in select)
    return answer_text(Rows(columns, tuple(rows), truncated), Plan("songs", select), phrases(language))


def test_nothing() -> None:
    assert said([], TITLE) == "I found nothing that fits."
    assert answer_text(Rows((), ()), None, ENGLISH) == "I found nothing that fits."


def test_one() -> None:
    assert said([("Jóga",)], TITLE) == "Jóga."
    assert said([("A.R.",)], ARTIST) == "A.R."
    assert said([("Help!",)], TITLE) == "Help!"
    assert said([(1975,)], YEAR) == "1975."
    assert said([("Jóga", "Björk")], TITLE, ARTIST) == "Jóga by Björk."


def test_counts() -> None:
    assert said([(0,)], SONGS) == "None: there are no songs that fit."
    assert said([(1,)], SONGS) == "1 song."
    assert said([(12345,)], SONGS) == "12,345 songs."
    assert said([(2,)], Measure(Aggregate.COUNT, GENRE, "songs")) == "2 genres."
    assert said([(1,)], Measure(Aggregate.COUNT, Ref("songs", "x"), "songs")) == "1 song."


def test_a_few() -> None:
    assert said([("A",), ("B",)], TITLE) == "2 songs: A and B."
    assert said([("A",), ("B",), ("C",)], TITLE) == "3 songs: A, B and C."
    assert said([("A", "X"), ("B", None)], TITLE, ARTIST) == "2 songs: A by X and B."
    assert said([("Pop", 3), ("Rock", 1234)], GENRE, SONGS) == "2 genres: Pop (3) and Rock (1,234)."
    assert said([("A", "X", 215), ("B", "Y", 61)], TITLE, ARTIST, LENGTH) == "2 songs: A by X (3:35) and B by Y (1:01)."
    assert said([(1970, 3), (1980, 4)], YEAR.of(Part.DECADE), SONGS).startswith("2 decades: 1970")


def test_many() -> None:
    rows: list[tuple[Value, ...]] = [(f"Song {number}",) for number in range(213)]
    text = said(rows, TITLE)
    assert text.startswith("Here are 10 of 213 songs: Song 0, ")
    assert text.endswith("Song 8 and Song 9.")
    assert "Song 10" not in text
    cut = said(rows, TITLE, truncated=True)
    assert cut.startswith("Here are 10 of more than 213 songs: Song 0, ")
    exactly = said(rows[:MOST_NAMED], TITLE)
    assert exactly.startswith("10 songs: ")
    assert "Song 9." in exactly
    thousands = said([(f"Song {number}",) for number in range(1000)], TITLE, truncated=True)
    assert "more than 1,000 songs" in thousands


def test_what_isn_t_known() -> None:
    assert said([(None,)], YEAR) == "The list doesn't say."
    assert said([(None,)], Measure(Aggregate.SUM, LENGTH, "songs")) == "I found nothing that fits."
    assert said([(None,)], Measure(Aggregate.AVERAGE, RATING, "songs")) == "I found nothing that fits."
    for rows in ([(None, 3), ("Pop", 4)], [("Pop", None), (None, 4)], [(None, None)]):
        text = said(list(rows), GENRE, SONGS)
        assert "None" not in text
        assert text.strip()
    assert "()" not in said([(None, 3), ("Pop", 4)], GENRE, SONGS)
    assert not re.search(r": *[,.(]|, *[,.(]| and *[,.(]", said([(None, 3), ("Pop", 4), (None, 5)], GENRE, SONGS))
    assert not re.search(r": *[,.(]|, *[,.(]| and *[,.(]", said([("A",), (None,)], TITLE))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (5, "0:05"), (59.6, "1:00"), (225, "3:45"), (3599, "59:59"), (3599.7, "1 h 0 min"),
     (3600, "1 h 0 min"), (7265, "2 h 1 min"), (86399, "23 h 59 min"), (86400, "1 days 0 h"), (200000, "2 days 7 h")],
)  # fmt: skip
def test_durations(seconds: float, shown: str) -> None:
    assert show_duration(seconds, ENGLISH) == shown


def test_durations_in_milliseconds() -> None:
    rows = Rows(("Milliseconds",), ((507000,),))
    length = Ref("Track", "Milliseconds", Role.DURATION, scale=0.001)
    plan = Plan("Track", (length,))
    assert answer_text(rows, plan, ENGLISH, scale=0.001) == "8:27."
    total = Plan("Track", (Measure(Aggregate.SUM, length, "Track"),))
    assert answer_text(rows, total, ENGLISH, scale=0.001) == "8:27 altogether."


def test_sums_and_averages() -> None:
    assert said([(7265,)], Measure(Aggregate.SUM, LENGTH, "songs")) == "2 h 1 min altogether."
    assert said([(3.6521,)], Measure(Aggregate.AVERAGE, RATING, "songs")) == "3.7 on average."
    assert said([(245.5,)], Measure(Aggregate.AVERAGE, LENGTH, "songs")) == "4:06 on average."


@pytest.mark.parametrize(
    ("value", "role", "shown"),
    [(None, Role.TITLE, ""), (1975, Role.YEAR, "1975"), (1975, None, "1975"), (4.0, Role.RATING, "4"),
     (1234567, Role.PLAY_COUNT, "1,234,567"), (0.05, None, "0.1"), ("1975", Role.TITLE, "1975"),
     (2024, Role.DATE_ADDED, "2024"), ("3:45", Role.DURATION, "3:45")],
)  # fmt: skip
def test_values(value: Value, role: Role | None, shown: str) -> None:
    assert show_value(value, role, ENGLISH) == shown


def test_rows_without_a_plan_are_read_by_their_columns() -> None:
    rows = Rows(("title", "duration_seconds"), (("A", 215), ("B", 61)))
    assert answer_text(rows, None, ENGLISH) == "2 songs: A (3:35) and B (1:01)."
    assert answer_text(Rows(("COUNT(*)",), ((3,),)), None, ENGLISH) == "3."
    assert answer_text(Rows(("x",), (("A",), ("B",))), None, ENGLISH) == "2 results: A and B."


def test_german() -> None:
    assert said([], TITLE, language="de") != said([], TITLE)
    text = said([(f"Lied {number}",) for number in range(213)], TITLE, language="de")
    assert "213" in text
    assert "Lied 9" in text
    assert " and " not in text
    assert "Here are" not in text
    count = said([(3,)], SONGS, language="de")
    assert "3" in count
    assert "song" not in count


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase(language: str) -> None:
    fields = re.compile(r"{(\w+)}")
    own = phrases(language)
    for heading, entries in ENGLISH.sections.items():
        assert set(own.sections[heading]) == set(entries)
        for name, english in entries.items():
            other = own.sections[heading][name]
            assert type(other) is type(english)
            if isinstance(english, str):
                assert set(fields.findall(str(other))) <= set(fields.findall(english)), name
            else:
                assert len(other) == 2


def test_a_language_without_phrases_is_answered_in_english() -> None:
    assert phrases("xx") == ENGLISH


# -- what is said is in the rows

names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
cells = st.one_of(names, st.integers(0, 10**6), st.none())
ITEMS: tuple[Ref | Measure, ...] = (TITLE, ARTIST, GENRE, YEAR, RATING, SONGS)
selects = st.lists(st.sampled_from(ITEMS), min_size=1, max_size=3)


@st.composite
def results(draw: st.DrawFn) -> tuple[Rows, Plan | None]:
    select = draw(selects)
    columns = tuple(item.column if isinstance(item, Ref) else "COUNT(*)" for item in select)
    drawn = [st.none() | (st.integers(0, 3000) if isinstance(item, Measure) else cells) for item in select]
    if len(select) == 1 and isinstance(select[0], Measure):
        drawn = [st.integers(0, 3000)]
    rows = draw(st.lists(st.tuples(*drawn), max_size=30))
    plan = Plan("songs", tuple(select)) if draw(st.booleans()) else None
    return Rows(columns, tuple(rows), draw(st.booleans())), plan


def pieces(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.replace(",", "")))


OWN_WORDS = {language: pieces(" ".join(
    word for heading in ("answers", "nouns") for value in phrases(language).sections[heading].values()
    for word in ([value] if isinstance(value, str) else value)
)) for language in LANGUAGES}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(results(), st.sampled_from(LANGUAGES))
def test_every_name_and_number_is_in_the_rows(found: tuple[Rows, Plan | None], language: str) -> None:
    rows, plan = found
    text = answer_text(rows, plan, phrases(language))
    held = {piece for row in rows.rows for value in row if value is not None for piece in pieces(str(value))}
    counts = {str(len(rows.rows)), str(min(len(rows.rows), MOST_NAMED))}
    assert pieces(text) <= held | counts | OWN_WORDS[language]
    assert "None" not in text.replace("None: ", "") or "None" in held
    assert "{" not in text


@settings(max_examples=200, deadline=None)
@given(results())
def test_every_row_that_is_named_is_named_in_order(found: tuple[Rows, Plan | None]) -> None:
    rows, plan = found
    text = answer_text(rows, plan, ENGLISH)
    place = 0
    for row in rows.rows[:MOST_NAMED] if len(rows.rows) > 1 else ():
        if isinstance(row[0], str):
            place = text.index(row[0], place) + len(row[0])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20) | st.none()), max_size=15))
def test_no_text_breaks_an_answer(rows: list[tuple[Value, ...]]) -> None:
    assert said(rows, TITLE, ARTIST).strip()
    assert said([row[:1] for row in rows], TITLE).strip()


@settings(max_examples=300, deadline=None)
@given(st.floats(0, 1e9), st.sampled_from([1.0, 0.001]))
def test_a_duration_is_right_to_what_it_shows(seconds: float, scale: float) -> None:
    shown = show_value(seconds / scale, Role.DURATION, ENGLISH, scale)
    numbers = [int(number) for number in re.findall(r"\d+", shown)]
    if "days" in shown:
        assert abs(numbers[0] * 86400 + numbers[1] * 3600 - seconds) <= 3601
    elif "h" in shown:
        assert abs(numbers[0] * 3600 + numbers[1] * 60 - seconds) <= 61
    else:
        assert abs(numbers[0] * 60 + numbers[1] - seconds) <= 0.51
