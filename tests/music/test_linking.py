"""Names in questions find what they mean in the library, however they are typed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from familychat_music.importing import import_library
from familychat_music.index import build_index
from familychat_music.linking import Link, Linker
from familychat_music.schema import Role
from familychat_music.text import base_text, fold, link_key, tokens, words


def typed(text: str) -> list[str]:
    return [word for word, _, _ in tokens(text)]


def best(linker: Linker, text: str, role: Role) -> Link | None:
    return next((link for link in linker.links(typed(text)) if link.column.role is role), None)


ARTISTS = {
    "A.R. Rahman": ("AR Rahman", "a. r. rahman", "a.r.rahman", "A R RAHMAN", "a r rehman", "rahman", "A.R. Rahman's"),
    "AC/DC": ("AC/DC", "acdc", "ac dc", "AC-DC", "ac/dc's"),
    "ABBA": ("ABBA", "abba", "Abba's", "ABBAs"),
    "Beyoncé": ("Beyoncé", "beyonce", "BEYONCÉ", "Beyonce\u0301", "beyoncé\u2019s", "beyonse"),
    "Björk": ("Björk", "bjork", "BJÖRK"),
    "Motörhead": ("motorhead", "Motörhead", "motorhed"),
    "Édith Piaf": ("edith piaf", "Piaf", "EDITH PIAF", "edith piaff"),
    "The Beatles": ("the beatles", "beatles", "Beatles'", "the beetles", "beatels"),
    "Lata Mangeshkar": ("lata", "lata mangeskar", "Lata Mangeshkar's"),
    "Elvis Presley": ("elvis", "elvis presly", "Presley"),
    "Michael Jackson": ("micheal jackson", "michael jakson", "MICHAEL JACKSON"),
    "Queen": ("queen", "QUEEN", "Queen's"),
    "Simon & Garfunkel": ("simon and garfunkel", "Simon & Garfunkel", "garfunkel", "simon and garfunkle"),
    "Nusrat Fateh Ali Khan": ("nusrat", "nusrat fatah ali kahn", "Nusrat Fateh Ali Khan"),
}


@pytest.mark.parametrize(("artist", "text"), [(artist, text) for artist, texts in ARTISTS.items() for text in texts])
def test_an_artist_is_found_however_it_is_typed(artist: str, text: str, linker: Linker) -> None:
    link = best(linker, text, Role.ARTIST)
    assert link is not None
    assert link.values == (artist,)
    assert (link.start, link.end) == (0, len(typed(text)))


TITLES = {
    "Bohemian Rhapsody": ("bohemian rhapsody", "bohemian rapsody", "bohemain rhapsody", "BOHEMIAN RHAPSODY"),
    "El Cóndor Pasa (If I Could)": ("el condor pasa", "El Cóndor Pasa", "el condor passa"),
    "All Too Well (10 Minute Version)": ("all too well", "All Too Well (10 Minute Version)"),
    "Stairway to Heaven": ("stairway to heaven", "stairway to heven"),
    "Smells Like Teen Spirit": ("smells like teen spirit", "smels like teen spirit"),
}


@pytest.mark.parametrize(("title", "text"), [(title, text) for title, texts in TITLES.items() for text in texts])
def test_a_title_is_found_however_it_is_typed(title: str, text: str, linker: Linker) -> None:
    link = best(linker, text, Role.TITLE)
    assert link is not None
    assert title in link.values


def test_a_name_is_found_inside_a_question(linker: Linker) -> None:
    link = best(linker, "please show me every song by the rolling stones tonight", Role.ARTIST)
    assert link is not None
    assert (link.values, link.start, link.end) == (("The Rolling Stones",), 6, 9)


def test_the_name_as_it_is_scores_best(linker: Linker) -> None:
    scores = []
    for text in ("Elvis Presley", "elvis presly", "presley"):
        link = best(linker, text, Role.ARTIST)
        assert link is not None
        assert 0 < link.score <= 1
        scores.append(link.score)
    assert scores[0] == 1
    assert scores[0] > scores[1]
    assert scores[0] > scores[2]
    found = linker.links(typed("queen"))
    assert [(-link.length * link.score, -link.score) for link in found] == sorted(
        (-link.length * link.score, -link.score) for link in found
    )


def test_a_name_tells_how_often_it_is_used(linker: Linker) -> None:
    with_uses = best(linker, "lata mangeshkar", Role.ARTIST)
    assert with_uses is not None
    known = dict(linker.values_of(with_uses.column, 1000))
    assert with_uses.uses == known["Lata Mangeshkar"] > 1


@pytest.mark.parametrize(
    "text",
    ["", "xqzzyv wkrpjq", "12345678", "qqqqqqqq", "!!! ???", "\U0001f3b5 \U0001f3b6", "zzzzz", "' \" ;", "a" * 500,
     "*(", '"', "\x00", "%", "\ud7ff"],
)  # fmt: skip
def test_nonsense_names_nothing(text: str, linker: Linker) -> None:
    assert linker.links(typed(text)) == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_linking(linker: Linker, text: str) -> None:
    for link in linker.links(typed(text)):
        assert 0 <= link.start < link.end <= len(typed(text))
        assert link.values
        assert 0 < link.score <= 1


@pytest.mark.parametrize(
    "text", ["* OR NEAR(queen", 'AND OR NOT "queen', "queen* ^ {a}: -queen", "NEAR(queen abba, 2)"]
)
def test_signs_of_the_word_index_are_only_words(text: str, linker: Linker) -> None:
    link = best(linker, text, Role.ARTIST)
    assert link is not None
    assert link.values in {("Queen",), ("ABBA",)}


def test_little_words_name_nothing_by_themselves(linker: Linker) -> None:
    for text in ("you", "me", "love"):
        for link in linker.links(typed(text), skip={0}):
            assert link.whole, "only what is called just so"


def test_right_words_are_not_corrected(linker: Linker) -> None:
    misspelt = typed("quen")
    assert any(link.values == ("Queen",) for link in linker.links(misspelt))
    assert linker.links(misspelt, right={0}) == []


@pytest.fixture
def awkward(tmp_path: Path) -> Linker:
    """A library of names that are written awkwardly."""
    rows = [
        ("Heroes - 2017 Remaster", "David Bowie", "Heroes"),
        ("Hey Jude - Remastered 2015", "The Beatles", "1 (Remastered)"),
        ("Old Town Road (feat. Billy Ray Cyrus) [Remix]", "Lil Nas X", "7"),
        ("So What", "P!nk", "Funhouse"),
        ("Tik Tok", "Ke$ha", "Animal"),
        ("Thrift Shop feat. Wanz", "Macklemore & Ryan Lewis", "The Heist"),
        ("Paradise City", "Guns N' Roses", "Appetite for Destruction"),
        ("Sk8er Boi", "Avril Lavigne", "Let Go"),
        ("Señorita", "Mötley Crüe", "Düsseldorf"),
        ("लग जा गले", "लता मंगेशकर", "वो कौन थी"),
    ]
    source = tmp_path / "songs.csv"
    lines = ["Title,Artist,Album", *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    source.write_text("\n".join(lines), encoding="utf-8")
    import_library(source, tmp_path / "library.db")
    build_index(tmp_path / "library.db", tmp_path / "library.index")
    return Linker(tmp_path / "library.index")


@pytest.mark.parametrize(
    ("text", "role", "value"),
    [
        ("heroes", Role.TITLE, "Heroes - 2017 Remaster"),
        ("hey jude", Role.TITLE, "Hey Jude - Remastered 2015"),
        ("hey jude remastered", Role.TITLE, "Hey Jude - Remastered 2015"),
        ("old town road", Role.TITLE, "Old Town Road (feat. Billy Ray Cyrus) [Remix]"),
        ("thrift shop", Role.TITLE, "Thrift Shop feat. Wanz"),
        ("pink", Role.ARTIST, "P!nk"),
        ("kesha", Role.ARTIST, "Ke$ha"),
        ("macklemore and ryan lewis", Role.ARTIST, "Macklemore & Ryan Lewis"),
        ("guns and roses", Role.ARTIST, "Guns N' Roses"),
        ("guns n roses", Role.ARTIST, "Guns N' Roses"),
        ("senorita", Role.TITLE, "Señorita"),
        ("motley crue", Role.ARTIST, "Mötley Crüe"),
        ("लता मंगेशकर", Role.ARTIST, "लता मंगेशकर"),
        ("लग जा गले", Role.TITLE, "लग जा गले"),
        ("the heist", Role.ALBUM, "The Heist"),
        ("heist", Role.ALBUM, "The Heist"),
    ],
)
def test_awkward_names(text: str, role: Role, value: str, awkward: Linker) -> None:
    with closing(awkward):
        link = best(awkward, text, role)
    assert link is not None
    assert link.values == (value,)


def test_the_index_can_be_built_anew_over_itself(sample: Path, tmp_path: Path) -> None:
    index = tmp_path / "again.index"
    first = build_index(sample, index)
    assert build_index(sample, index) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.index"]
    with closing(Linker(index)) as linker:
        assert linker.schema == first
        assert best(linker, "queen", Role.ARTIST) is not None


def test_an_index_that_fails_leaves_the_old_one(tmp_path: Path, sample: Path) -> None:
    index = tmp_path / "kept.index"
    build_index(sample, index)
    before = index.read_bytes()
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(sqlite3.DatabaseError):
        build_index(broken, index)
    assert index.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"kept.index", "broken.db"}


def test_the_library_is_only_read(sample: Path, tmp_path: Path) -> None:
    before = sample.read_bytes()
    build_index(sample, tmp_path / "x.index")
    assert sample.read_bytes() == before


# -- words made comparable


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A. R. Rahman", "AR Rahman"),
        ("a.r. rahman", "A R RAHMAN"),
        ("AC/DC", "acdc"),
        ("Beyoncé", "BEYONCE"),
        ("Beyonce\u0301", "Beyoncé"),
        ("Rock & Roll", "rock and roll"),
        ("Rock 'n' Roll", "Rock and Roll"),
        ("Sigur Rós", "sigur ros"),
        ("P!nk", "pink"),
        ("Ke$ha", "kesha"),
        ("Ænima", "aenima"),
        ("Straße", "STRASSE"),
        ("Symphony № 5", "symphony no 5"),
    ],
)
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert link_key(one) == link_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Queen", "Queens"), ("Blue", "Blur"), ("1999", "1989"), ("गीत", "गति"), ("Ann", "Anna")]
)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert link_key(one) != link_key(other)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("The Wall (Remastered) - Live", "Wall"),
        ("Hey Jude - Remastered 2015", "Hey Jude"),
        ("Señorita [Remix]", "Señorita"),
        ("Thrift Shop feat. Wanz", "Thrift Shop"),
        ("(I Can't Get No) Satisfaction", "(I Can't Get No) Satisfaction"),
        ("Left", "Left"),
        ("The The", "The"),
        ("Die Toten Hosen", "Toten Hosen"),
        ("Thea", "Thea"),
        ("", ""),
    ],
)
def test_base_text(text: str, base: str) -> None:
    assert base_text(text) == base


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=30))
def test_folding_is_done_once_for_all(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert link_key(link_key(text)) == link_key(text)
    assert not any(character.isspace() for character in link_key(text))
    assert all(words(text))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_tokens_are_pieces_of_the_text(text: str) -> None:
    found = tokens(text)
    assert all(text[start:end] == word for word, start, end in found)
    assert [start for _, start, _ in found] == sorted(start for _, start, _ in found)
