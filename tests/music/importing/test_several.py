"""Cells with several artists or genres."""

from __future__ import annotations

from typing import Any

import pytest


def artists(imported: Any, csv_file: Any, *cells: str, header: str = "Artist", table: str = "song_artists") -> Any:
    """The values of each song's cell, and the report's table names."""
    done = imported(csv_file(("Title", header), *[(f"Song {at}", cell) for at, cell in enumerate(cells)]))
    tables = [one.name for one in done.report.tables]
    if table not in tables:
        return None
    found: dict[int, list[str]] = {}
    for song, value in done.rows(f"SELECT * FROM {table} ORDER BY song_id, rowid"):
        found.setdefault(song, []).append(value)
    assert done.rows("SELECT count(*) FROM songs") == [(len(cells),)]
    return [found.get(song, []) for song in range(1, len(cells) + 1)]


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("Queen; David Bowie", ["Queen", "David Bowie"]),
        ("Queen|David Bowie", ["Queen", "David Bowie"]),
        ("Queen / David Bowie", ["Queen", "David Bowie"]),
        ("Adele feat. Bono", ["Adele", "Bono"]),
        ("Adele ft. Bono", ["Adele", "Bono"]),
        ("Adele (feat. Bono)", ["Adele", "Bono"]),
        ("Adele Featuring Bono; Cher", ["Adele", "Bono", "Cher"]),
        ("Adele; adele", ["Adele"]),
        ("M|O|O|N", ["M|O|O|N"]),
    ],
)
def test_certain_separators(imported: Any, csv_file: Any, cell: str, values: list[str]) -> None:
    found = artists(imported, csv_file, cell, "Solo", "Xavier; Yann", "Yann; Zoe")
    assert found == [values, ["Solo"], ["Xavier", "Yann"], ["Yann", "Zoe"]]


@pytest.mark.parametrize(
    "name",
    ["Earth, Wind & Fire", "Tyler, The Creator", "Simon & Garfunkel", "AC/DC", "Albert Hammond, Jr.", "Tones and I",
     "Crosby, Stills & Nash", "Florence and the Machine", "Bob Marley and the Wailers", "Axwell /\\ Ingrosso"],
)  # fmt: skip
def test_names_with_commas_stay_whole(imported: Any, csv_file: Any, name: str) -> None:
    others = ["A One; B Two", "A One; C Three", "Tyler Perry", "Florence", "Simon", "Bob Marley", "Albert Hammond"]
    found = artists(imported, csv_file, name, name, *others)
    assert found[:2] == [[name], [name]]


def test_what_other_cells_know_is_taken_apart(imported: Any, csv_file: Any) -> None:
    cells = ["Queen & David Bowie", "Queen", "David Bowie", "Pavarotti, Bono and Queen", "Bono", "Sting and Bono"]
    found = artists(imported, csv_file, *cells)
    assert found[0] == ["Queen", "David Bowie"]
    assert found[3] == ["Pavarotti", "Bono", "Queen"]
    assert found[5] == ["Sting and Bono"]


def test_genres_composers_and_album_artists_too(imported: Any, csv_file: Any) -> None:
    genres = artists(
        imported, csv_file, "Rock, Pop", "Pop", "Rock", "R&B", "Pop/Rock", "", header="Genre", table="song_genres"
    )
    assert genres == [["Rock", "Pop"], ["Pop"], ["Rock"], ["R&B"], ["Pop", "Rock"], []]
    composers = artists(
        imported,
        csv_file,
        "Lennon, McCartney",
        "Lennon/McCartney",
        "Harrison",
        header="Composer",
        table="song_composers",
    )
    assert composers == [["Lennon", "McCartney"], ["Lennon", "McCartney"], ["Harrison"]]


def test_one_such_cell_makes_no_table(imported: Any, csv_file: Any) -> None:
    assert artists(imported, csv_file, "Queen; Bowie", "Adele", "Cher") is None


def test_the_table_is_tied_to_the_songs_and_indexed(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(("Title", "Artist"), ("a", "Queen; Bowie"), ("b", "Adele; Cher"), ("c", "Adele")))
    assert done.rows("SELECT sql FROM sqlite_schema WHERE name = 'song_artists'") == [
        ("CREATE TABLE song_artists (song_id INTEGER REFERENCES songs(id), artist TEXT COLLATE NOCASE)",)
    ]
    indexes = done.rows("SELECT name FROM sqlite_schema WHERE tbl_name = 'song_artists' AND type = 'index' ORDER BY 1")
    assert indexes == [("song_artists_artist",), ("song_artists_song_id",)]
    assert done.column("artist") == ["Queen; Bowie", "Adele; Cher", "Adele"]
    assert done.rows("SELECT count(*) FROM song_artists WHERE artist = 'ADELE'") == [(2,)]
    child = done.report.tables[1]
    assert (child.name, child.rows, [column.name for column in child.columns]) == (
        "song_artists", 5, ["song_id", "artist"],
    )  # fmt: skip
