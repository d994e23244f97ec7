"""Every kind of file gives the same library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from familychat.errors import ImportRefusedError
from familychat_music.schema import Kind, Role

LIST = (
    ("Song Title", "Artist", "Album", "Year", "Length", "My Thoughts"),
    ("Hello", "Adele", "25", 2015, "4:55", "sad"),
    ("Jóga", "Björk", "Homogenic", 1997, "5:05", "=cmd()"),
    ("तेरे बिना", "A. R. Rahman", "Guru", 2007, "5:09", "=1+1"),
)
NAMES = ["title", "artist", "album", "year", "duration_seconds", "My Thoughts"]
TAKEN = [
    (1, "Hello", "Adele", "25", 2015, 295, "sad"),
    (2, "Jóga", "Björk", "Homogenic", 1997, 305, "=cmd()"),
    (3, "तेरे बिना", "A. R. Rahman", "Guru", 2007, 309, "=1+1"),
]


def quoted_formulas(book: Any) -> None:
    for row in book.active.iter_rows():
        for cell in row:
            cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type


def check(done: Any, kind: str) -> None:
    assert done.report.source_kind == kind
    assert done.names == NAMES
    assert done.rows() == TAKEN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_takes_text_with_any_delimiter_and_encoding(
    imported: Any, csv_file: Any, delimiter: str, encoding: str
) -> None:
    done = imported(csv_file(*LIST, delimiter=delimiter, encoding=encoding))
    check(done, "tsv" if delimiter == "\t" else "csv")


def test_takes_windows_1252(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(*LIST[:3], encoding="cp1252"))
    assert done.rows() == TAKEN[:2]


def test_a_few_damaged_characters_do_not_change_the_encoding(imported: Any, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_bytes(b"Title,Artist\n" + b"J\xc3\xb3ga,Bj\xc3\xb6rk\n" * 40 + b"Bad\xff,Bj\xc3\xb6rk\n")
    done = imported(path)
    assert done.column("title")[39:] == ["Jóga", "Bad\ufffd"]
    assert "damaged" in done.report.notes[0]


def test_obeys_the_separator_line_of_excel(imported: Any, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_text("sep=;\r\nTitle;Artist\r\nWell, well, well;Adele\r\n", encoding="utf-8")
    assert imported(path).rows() == [(1, "Well, well, well", "Adele")]


def test_takes_quoted_cells_with_line_breaks(imported: Any, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_text('Title,Comment\n"A ""big"", song","two\nlines"\n', encoding="utf-8")
    assert imported(path).rows() == [(1, 'A "big", song', "two\nlines")]


def test_takes_a_list_of_titles_alone(imported: Any, tmp_path: Path) -> None:
    path = tmp_path / "songs.txt"
    path.write_text("Title\nHello\nJoga\n", encoding="utf-8")
    assert imported(path).column("title") == ["Hello", "Joga"]


def test_takes_xlsx(imported: Any, xlsx_file: Any) -> None:
    done = imported(xlsx_file(*LIST, change=quoted_formulas))
    check(done, "xlsx")
    assert done.report.sheet == "Sheet"


def test_takes_ods(imported: Any, ods_file: Any) -> None:
    check(imported(ods_file(*LIST)), "ods")


def test_takes_xls(imported: Any, xls_file: Any, tmp_path: Path) -> None:
    path = tmp_path / "songs.xls"
    path.write_bytes(xls_file(LIST))
    check(imported(path), "xls")


def test_the_name_of_a_file_does_not_matter(imported: Any, csv_file: Any, xlsx_file: Any) -> None:
    check(imported(csv_file(*LIST, name="list.xlsx")), "csv")
    check(imported(xlsx_file(*LIST, name="list.csv", change=quoted_formulas)), "xlsx")


def test_the_library_is_declared_as_promised(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(("Title", "Artist", "Released", "BPM", "Score X"), ("a", "b", "1999-05-01", 120, 1.5)))
    ((sql,),) = done.rows("SELECT sql FROM sqlite_schema WHERE name = 'songs'")
    assert sql == (
        'CREATE TABLE songs (id INTEGER PRIMARY KEY, "title" TEXT COLLATE NOCASE, "artist" TEXT COLLATE NOCASE,'
        ' "release_date" TEXT, "year" INTEGER, "bpm" INTEGER, "Score X" REAL)'
    )
    indexes = done.rows("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name")
    assert indexes == [("songs_artist",), ("songs_title",), ("songs_year",)]


def test_the_report_says_what_became_of_each_column(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(("Title", "Released", "Mood Tag"), ("a", "14-06-2019", "happy"), ("b", "", "")))
    (table,) = done.report.tables
    seen = [(column.source, column.name, column.kind, column.role, column.filled) for column in table.columns]
    assert (table.name, table.rows) == ("songs", 2)
    assert seen == [
        ("Title", "title", Kind.TEXT, Role.TITLE, 2),
        ("Released", "release_date", Kind.DATE, Role.RELEASE_DATE, 1),
        ("Released", "year", Kind.NUMBER, Role.YEAR, 1),
        ("Mood Tag", "Mood Tag", Kind.TEXT, None, 1),
    ]
    assert table.columns[1].converted == "dates became YYYY-MM-DD, read with the day first"


def test_chooses_the_sheet_that_looks_like_music(imported: Any, xlsx_file: Any) -> None:
    def more(book: Any) -> None:
        book.create_sheet("Budget").append(["Rent", 1000])
        songs = book.create_sheet("Songs")
        songs.append(["Title", "Artist", "Album"])
        songs.append(["Hello", "Adele", "25"])

    path = xlsx_file(("About", "this file"), ("made", "today"), change=more)
    done = imported(path)
    assert (done.report.sheet, done.rows()) == ("Songs", [(1, "Hello", "Adele", "25")])
    assert imported(path, sheet="Sheet").report.sheet == "Sheet"
    with pytest.raises(ImportRefusedError, match=r'no worksheet "Music".* Sheet, Budget, Songs'):
        imported(path, sheet="Music")


def test_a_hidden_sheet_is_not_chosen(imported: Any, xlsx_file: Any) -> None:
    def hide(book: Any) -> None:
        book.create_sheet("Old").append(["Title", "Artist", "Album", "Genre"])
        book["Old"].append(["x", "y", "z", "q"])
        book["Old"].sheet_state = "hidden"

    done = imported(xlsx_file(("Title", "Artist"), ("Hello", "Adele"), change=hide))
    assert done.report.sheet == "Sheet"


@pytest.mark.parametrize(
    ("mapping", "names"),
    [
        ({}, ["title", "artist", "Wer"]),
        ({"Wer": "composer"}, ["title", "artist", "composer"]),
        ({"wer": "artist"}, ["title", "Sänger", "artist"]),
        ({"Sänger": "ignore"}, ["title", "Wer"]),
    ],
)
def test_a_mapping_wins(imported: Any, csv_file: Any, mapping: dict[str, str], names: list[str]) -> None:
    done = imported(csv_file(("Titel", "Sänger", "Wer"), ("Hello", "Adele", "Paul")), mapping=mapping)
    assert done.names == names


def test_columns_without_headers_can_be_mapped_too(imported: Any, csv_file: Any) -> None:
    source = csv_file(("Hello", "Adele", "2015"), ("Creep", "Radiohead", "1992"))
    plain = imported(source).report.tables[0].columns
    assert [(column.source, column.example) for column in plain if column.source != "Column 3"] == [
        ("Column 1", "Hello"),
        ("Column 2", "Adele"),
    ]
    done = imported(source, mapping={"Column 1": "title", "Column 2": "artist", "Column 3": "ignore"})
    assert done.names == ["title", "artist"]
    assert done.column("artist") == ["Adele", "Radiohead"]


def test_headers_that_come_twice_are_mapped_together(imported: Any, csv_file: Any) -> None:
    source = csv_file(("Titel", "Wer", "Wer"), ("Hello", "Adele", "Paul"))
    assert imported(source, mapping={"Wer": "ignore"}).names == ["title"]
    assert imported(source, mapping={"Wer": "artist"}).names == ["title", "artist", "Wer"]


@pytest.mark.parametrize(
    ("mapping", "match"),
    [
        ({"Sanger": "artist"}, 'no column "Sanger".*Titel, Wer'),
        ({"Wer": "singer"}, '"singer" is nothing.*title, artist'),
        ({"Wer": "title", "Titel": "title"}, "Two columns"),
    ],
)
def test_a_wrong_mapping_is_refused(imported: Any, csv_file: Any, mapping: dict[str, str], match: str) -> None:
    with pytest.raises(ImportRefusedError, match=match) as caught:
        imported(csv_file(("Titel", "Wer"), ("Hello", "Adele")), mapping=mapping)
    assert "The library stays as it was." in caught.value.message
