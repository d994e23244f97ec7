"""Lists as people really keep them: titles above, totals below, gaps, two header rows."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from familychat_music.schema import Role

HEAD = ("Title", "Artist", "Year")
HELLO = ("Hello", "Adele", 2015)
JOGA = ("Joga", "Bjork", 1997)


def test_titles_and_blank_lines_above_are_left_out(imported: Any, xlsx_file: Any) -> None:
    done = imported(xlsx_file(("My music 2019",), (), ("as of", "today"), (), HEAD, HELLO))
    assert done.rows() == [(1, *HELLO)]
    assert done.report.notes == ("2 rows above the headings were left out.",)


@pytest.mark.parametrize(
    "tail",
    [
        (("Total", None, 4012),),
        (("Total: 2 songs",),),
        ((), ("Summe", None, 2)),
        ((None, None, 4012),),
        ((), (), ("Exported by MyTunes",)),
        (("कुल", None, 2),),
    ],
)
def test_totals_and_remarks_below_are_left_out(imported: Any, xlsx_file: Any, tail: tuple[Any, ...]) -> None:
    done = imported(xlsx_file(HEAD, HELLO, JOGA, *tail))
    assert done.rows() == [(1, *HELLO), (2, *JOGA)]
    assert any("totals or remarks" in note for note in done.report.notes)


@pytest.mark.parametrize("song", [("Total", "Belinda", 2006), ("Total Eclipse of the Heart", "Bonnie Tyler", 1983)])
def test_a_song_with_such_a_name_stays(imported: Any, csv_file: Any, song: tuple[Any, ...]) -> None:
    assert imported(csv_file(HEAD, HELLO, song)).rows() == [(1, *HELLO), (2, *song)]


def test_empty_rows_are_skipped_and_counted(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(HEAD, HELLO, (), ("", " ", ""), JOGA))
    assert done.column("title") == ["Hello", "Joga"]
    assert done.report.notes == ("2 empty rows were skipped.",)


def test_headings_that_come_again_are_left_out(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(HEAD, HELLO, HEAD, JOGA))
    assert done.column("title") == ["Hello", "Joga"]
    assert done.report.notes == ("1 row was left out: the headings again.",)


def test_short_rows_are_filled_up_and_long_ones_keep_their_cells(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(HEAD, ("Hello",), (*JOGA, "extra", ""), (*HELLO, "", "")))
    assert done.rows() == [(1, "Hello", None, None, None), (2, *JOGA, "extra"), (3, *HELLO, None)]


def test_cells_beyond_the_last_column_are_counted(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(HEAD, *[HELLO] * 2500, (*JOGA, "extra")))
    assert done.rows()[-1] == (2501, *JOGA)
    assert done.report.notes == ("1 row has more cells than there are columns; the extra cells were left out.",)


def test_late_cells_in_a_column_without_a_heading_are_counted(imported: Any, csv_file: Any) -> None:
    rows = [("Hello", "", "Adele")] * 2500 + [("Joga", "extra", "Bjork")]
    done = imported(csv_file(("Title", "", "Artist"), *rows))
    assert done.rows()[-1] == (2501, "Joga", "Bjork")
    assert done.report.notes == ("1 cell in columns without a heading was left out.",)


def test_blank_and_double_headers(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(("Title", "Artist", "", "Tag", "Tag", "id"), ("Hello", "Adele", "x", "a", "b", "c")))
    assert done.names == ["title", "artist", "column_3", "Tag", "Tag 2", "id 2"]
    assert done.report.tables[0].columns[2].source == "Column 3"


def test_two_header_rows_with_merged_cells(imported: Any, xlsx_file: Any) -> None:
    def merge(book: Any) -> None:
        book.active.merge_cells("A1:B1")
        book.active.merge_cells("C1:D1")

    rows = (("Song", None, "Release", None), ("Title", "Artist", "Year", "Label"), ("Hello", "Adele", 2015, "XL"))
    done = imported(xlsx_file(*rows, change=merge))
    assert done.names == ["title", "artist", "year", "label"]
    assert done.rows() == [(1, "Hello", "Adele", 2015, "XL")]


def test_a_row_above_the_headings_completes_them(imported: Any, xlsx_file: Any) -> None:
    rows = (
        ("Song", None, "Shelf", "Release"),
        ("Title", "Artist", None, "Date"),
        ("Hello", "Adele", "A3", "2015-11-20"),
    )
    done = imported(xlsx_file(*rows))
    assert done.names == ["title", "artist", "Shelf", "release_date", "year"]


def test_headers_merged_downwards(imported: Any, xlsx_file: Any) -> None:
    def merge(book: Any) -> None:
        book.active.merge_cells("A1:A2")
        book.active.merge_cells("B1:B2")
        book.active.merge_cells("C1:D1")

    rows = (("Title", "Artist", "Released", None), (None, None, "Year", "Country"), ("Hello", "Adele", 2015, "UK"))
    done = imported(xlsx_file(*rows, change=merge))
    assert done.names == ["title", "artist", "year", "country"]
    assert done.rows() == [(1, "Hello", "Adele", 2015, "UK")]


def test_a_sheet_without_headers(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(*[(f"Song {at}", "Adele", 2000 + at, f"3:{at + 10}") for at in range(5)]))
    assert done.names == ["column_1", "column_2", "year", "duration_seconds"]
    assert [column.source for column in done.report.tables[0].columns][2:] == ["Column 3", "Column 4"]
    assert done.rows()[0] == (1, "Song 0", "Adele", 2000, 190)


def test_a_list_that_begins_in_the_middle_of_a_sheet(imported: Any, xlsx_file: Any) -> None:
    done = imported(xlsx_file((), (), (None, None, *HEAD, None), (None, None, *HELLO, "x")))
    assert done.rows() == [(1, *HELLO, "x")]
    assert done.names[3] == "column_6"


def test_dates_times_and_formulas_of_a_workbook(imported: Any, xlsx_file: Any) -> None:
    head = ("Title", "Date Added", "Length", "Last Played", "Sum")
    row = (
        "Hello",
        datetime.date(2020, 1, 31),
        datetime.time(0, 4, 55),
        datetime.datetime.fromisoformat("2021-02-03T04:05"),
        "=1+1",
    )
    other = ("Joga", datetime.date(2020, 2, 1), datetime.timedelta(minutes=5, seconds=5), None, "=1+1")
    done = imported(xlsx_file(head, row, other))
    assert done.rows()[0][1:5] == ("Hello", "2020-01-31", 295, "2021-02-03")
    assert done.rows()[1][1:5] == ("Joga", "2020-02-01", 305, None)
    assert "2 formulas had no saved value" in done.report.notes[0]


def test_minutes_that_a_spreadsheet_took_for_hours(imported: Any, xlsx_file: Any) -> None:
    done = imported(xlsx_file(("Title", "Length"), ("a", datetime.time(3, 45)), ("b", datetime.time(4, 10))))
    assert done.column("duration_seconds") == [225, 250]


def test_dates_that_count_from_1904(imported: Any, xlsx_file: Any) -> None:
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    def epoch(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904
        book.active["B2"] = datetime.date(1999, 5, 17)

    done = imported(xlsx_file(("Title", "Released"), ("a", None), change=epoch))
    assert done.column("release_date") == ["1999-05-17"]


def test_numbers_in_text_columns_look_as_in_the_sheet(imported: Any, xlsx_file: Any) -> None:
    done = imported(xlsx_file(("Title", "Album"), (1999, 25), ("7 Rings", 1989.0), (True, 2.5)))
    assert done.column("title") == ["1999", "7 Rings", "yes"]
    assert done.column("album") == ["25", "1989", "2.5"]


def test_the_better_match_gets_the_role(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(("Name", "Song Title", "Artist"), ("x1", "Hello", "Adele")))
    assert done.names == ["Name", "title", "artist"]


def test_odd_cells_are_named_with_their_rows(imported: Any, csv_file: Any) -> None:
    years = [2000 + at for at in range(10)]
    rows = [("Song", "Adele", year) for year in years] + [("Song", "Adele", "long ago"), ("Song", "Adele", "n/a")]
    done = imported(csv_file(HEAD, *rows))
    assert done.column("year") == [*years, None, None]
    assert done.report.odd_count == 1
    (odd,) = done.report.odd
    assert (odd.row, odd.column, odd.value) == (12, "Year", "long ago")


def test_at_most_a_hundred_odd_cells_are_named(imported: Any, csv_file: Any) -> None:
    rows = [("a", "b", 2000)] * 2000 + [("a", "b", "odd")] * 150
    done = imported(csv_file(HEAD, *rows))
    assert (done.report.odd_count, len(done.report.odd)) == (150, 100)


@pytest.mark.parametrize("late", [150, 5000])
def test_a_column_that_the_beginning_misrepresents_becomes_text(imported: Any, csv_file: Any, late: int) -> None:
    rows = [("a", 7)] * 2100 + [("a", "seven")] * (late + 600)
    done = imported(csv_file(("Title", "Lucky"), *rows))
    assert done.column("Lucky")[0] == "7"
    assert done.column("Lucky")[-1] == "seven"
    assert done.report.odd_count == 0


def test_a_role_that_the_beginning_misrepresents_is_given_up(imported: Any, csv_file: Any) -> None:
    rows = [("a", "1999-01-01")] * 2100 + [("a", "when I was young")] * 3000
    done = imported(csv_file(("Title", "Release Date"), *rows))
    assert done.names == ["title", "Release Date"]
    assert done.rows()[-1] == (5100, "a", "when I was young")


@pytest.mark.parametrize(
    ("dates", "taken"),
    [
        (["04/05/2019", "14/06/2019"], ["2019-05-04", "2019-06-14"]),
        (["04/05/2019", "06/14/2019"], ["2019-04-05", "2019-06-14"]),
        (["04.05.2019", "05.04.2019"], ["2019-05-04", "2019-04-05"]),
    ],
)
def test_the_whole_column_tells_the_order_of_dates(
    imported: Any, csv_file: Any, dates: list[str], taken: list[str]
) -> None:
    done = imported(csv_file(("Title", "Released"), *[("a", date) for date in dates]))
    assert done.column("release_date") == taken


def test_the_order_of_dates_may_show_late(imported: Any, csv_file: Any) -> None:
    rows = [("a", "04/05/2019")] * 3000 + [("b", "06/14/2019")]
    done = imported(csv_file(("Title", "Released"), *rows))
    assert set(done.column("release_date")) == {"2019-04-05", "2019-06-14"}
    assert done.report.tables[0].columns[1].converted.endswith("with the month first")


def test_years_are_taken_from_dates_and_kept_if_there_are_any(imported: Any, csv_file: Any) -> None:
    with_year = imported(csv_file(("Title", "Year", "Release Date"), ("a", 1999, "2001-05-06")))
    assert with_year.names == ["title", "year", "release_date"]
    assert with_year.column("year") == [1999]
    without = imported(csv_file(("Title", "Album Release"), ("a", "14-06-2019"), ("b", "1999-05"), ("c", "May 1983")))
    assert without.rows() == [
        (1, "a", "2019-06-14", 2019),
        (2, "b", "1999-05", 1999),
        (3, "c", "1983-05", 1983),
    ]
    assert without.report.tables[0].columns[2].role is Role.YEAR


def test_a_year_column_full_of_dates_is_a_release_date(imported: Any, csv_file: Any) -> None:
    done = imported(csv_file(("Title", "Year"), ("a", "14-06-2019"), ("b", "2001-02-03"), ("c", 1999)))
    assert done.column("release_date") == ["2019-06-14", "2001-02-03", "1999"]
    assert done.column("year") == [2019, 2001, 1999]


def test_a_short_list_with_a_late_surprise_starts_again_too(imported: Any, csv_file: Any) -> None:
    rows = [("a", "")] * 1990 + [("a", 7)] * 10 + [("a", "seven")] * 30
    done = imported(csv_file(("Title", "Lucky"), *rows))
    assert done.column("Lucky")[-1] == "seven"
    assert done.report.odd_count == 0


def test_mostly_years_in_a_release_column_are_years(imported: Any, csv_file: Any) -> None:
    assert imported(csv_file(("Title", "Released"), ("a", 1999), ("b", 2001))).names == ["title", "year"]


@pytest.mark.parametrize(
    ("header", "lengths", "seconds"),
    [
        ("Length", ["3:45", "1:02:03", "0:59"], [225, 3723, 59]),
        ("Duration", ["3m 45s", "4m", "59s"], [225, 240, 59]),
        ("Duration", [225, 225.4, 180], [225, 225.4, 180]),
        ("duration_sec", ["194.7539999999", "162.6", "60"], [194.754, 162.6, 60]),
        ("duration_ms", [225000, 180500, 60000], [225, 180.5, 60]),
        ("Duration", [225000, 180500, 240250], [225, 180.5, 240.25]),
        ("Milliseconds", [225000, 180500, 240250], [225, 180.5, 240.25]),
        ("Length (min)", ["3.5", "4", "2.25"], [210, 240, 135]),
        ("Dauer", ["3,5", "4,25", "2,75"], [210, 255, 165]),
        ("Length (mm:ss)", ["3:45", "", "4:00"], [225, None, 240]),
        ("अवधि", ["3:45", "n/a", "4:00"], [225, None, 240]),
    ],
)
def test_lengths_become_seconds(
    imported: Any, csv_file: Any, header: str, lengths: list[object], seconds: list[object]
) -> None:
    done = imported(csv_file(("Title", header), *[("a", length) for length in lengths]))
    assert done.column("duration_seconds") == seconds
    assert done.report.odd_count == 0


@pytest.mark.parametrize(
    ("header", "cells", "name", "values"),
    [
        ("Plays", ["1,234", "12", ""], "play_count", [1234, 12, None]),
        ("Plays", ["1.234.567", "1.234,5", "12"], "play_count", [1234567, 1234.5, 12]),
        ("Popularity", ["87%", "5 %", "-"], "popularity", [87, 5, None]),
        ("My Rating", ["★★★★", "★★☆☆☆", "★★★½"], "rating", [4, 2, 3.5]),
        ("Rating", ["4/5", "3/5", "5/5"], "rating", [4, 3, 5]),
        ("Track No", ["1/12", "2/12", "03"], "track", [1, 2, 3]),
        ("Bitrate", ["320 kbps", "128 kbps", "256"], "bitrate", [320, 128, 256]),
        ("Size", ["5.4 MB", "900 KB", "12"], "file_size", [5400000, 900000, 12]),
        ("Weight", ["1,5", "2,25", "3"], "Weight", [1.5, 2.25, 3]),
        ("Barcode", ["0123", "0456", "0789"], "Barcode", ["0123", "0456", "0789"]),
        ("Answer", ["42", "forty", "43"], "Answer", ["42", "forty", "43"]),
    ],
)
def test_numbers_as_people_write_them(
    imported: Any, csv_file: Any, header: str, cells: list[str], name: str, values: list[object]
) -> None:
    done = imported(csv_file(("Title", header), *[("a", cell) for cell in cells]))
    assert done.column(name) == values


def test_huge_and_infinite_numbers_are_odd_not_fatal(imported: Any, csv_file: Any) -> None:
    rows = [("a", at) for at in range(20)] + [("a", "9" * 30), ("a", "1e999"), ("a", "nan")]
    done = imported(csv_file(("Title", "Plays"), *rows))
    assert done.column("play_count")[:20] == list(range(20))
    assert done.column("play_count")[20:] == [None, None, None]
