"""Single cells: numbers, dates, lengths."""

from __future__ import annotations

import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from familychat_music.importing.dates import Order, date_of, year_of
from familychat_music.importing.durations import seconds_of
from familychat_music.importing.figures import OddValueError, number_of, rating_of, size_of


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), (" 12 ", 12), ("-3", -3), ("1.50", 1.5), ("1,234", 1234), ("12,34,567", 1234567), ("1 234", 1234),
     ("1'234.5", 1234.5), ("1e3", 1000), ("87%", 87), ("\u22125", -5), ("", None), ("N/A", None), (7.0, 7),
     (math.inf, None), (True, 1)],
)  # fmt: skip
def test_numbers(text: str, number: float | None) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["twelve", "1,2,3", "12,5", "1.2.3", "0x10", "9" * 30, "9" * 100, "1_000 x"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(OddValueError):
        number_of(text)


@pytest.mark.parametrize(("text", "number"), [("12,5", 12.5), ("1.234,5", 1234.5), ("1.234", 1234), ("7", 7)])
def test_decimal_commas(text: str, number: float) -> None:
    assert number_of(text, decimal_comma=True) == number


@pytest.mark.parametrize(
    ("text", "iso"),
    [("2019", "2019"), (2019, "2019"), (2019.0, "2019"), ("2019-06", "2019-06"), ("2019-06-14", "2019-06-14"),
     ("2019-06-14T10:00:00Z", "2019-06-14"), ("2019/6/4", "2019-06-04"), ("14.06.2019", "2019-06-14"),
     ("14-06-19", "2019-06-14"), ("14-06-83", "1983-06-14"), ("05/1999", "1999-05"), ("20190614", "2019-06-14"),
     ("May 1983", "1983-05"), ("14 June 2019", "2019-06-14"), ("June 14, 2019", "2019-06-14"),
     ("14-May-83", "1983-05-14"),
     ("14. März 2019", "2019-03-14"), ("3 de mayo de 1999", "1999-05-03"), ("1er août 2001", "2001-08-01"),
     ("14 मई 2019", "2019-05-14"), ("1999-00-00", "1999"), ("1999-05-00", "1999-05"), ("", None), ("-", None),
     (datetime.datetime.fromisoformat("2019-06-14T03:00"), "2019-06-14"), (datetime.date(2019, 6, 14), "2019-06-14")],
)  # fmt: skip
def test_dates(text: str, iso: str | None) -> None:
    assert date_of(text) == iso


@pytest.mark.parametrize(
    "text", ["soon", "2019-02-30", "31.11.2019", "99", "3019-01-01", "May", "1 2", "May June 1999", True]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(OddValueError):
        date_of(text)


@given(st.dates(datetime.date(1000, 1, 1), datetime.date(2100, 12, 31)), st.sampled_from(list(Order)))
def test_any_day_is_read_back(day: datetime.date, order: Order) -> None:
    form = "%d/%m/%Y" if order is Order.DAY_FIRST else "%m/%d/%Y"
    assert date_of(day.strftime(form).replace(f"/{day.year}", f"/{day.year:04}"), order) == day.isoformat()
    assert date_of(day.isoformat()) == day.isoformat()


@pytest.mark.parametrize(
    ("cell", "year"),
    [("1999", 1999), ("c. 1999", 1999), ("1999?", 1999), ("(P) 1999", 1999), ("14-06-1999", 1999), ("", None)],
)
def test_years(cell: str, year: int | None) -> None:
    assert year_of(cell) == year


@pytest.mark.parametrize("cell", ["1999/2001", "99", "the nineties", "12345"])
def test_what_is_no_year(cell: str) -> None:
    with pytest.raises(OddValueError):
        year_of(cell)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("3:45", 225), ("03:45", 225), ("1:02:03", 3723), ("3:45.5", 225.5), ("3m 45s", 225), ("3 min 45 sec", 225),
     ("3'45\"", 225), ("PT3M45S", 225), ("1h 2m", 3720), ("225 s", 225), ("225000 ms", 225), ("225", 225),
     (225.4, 225.4),
     (225.0, 225), ("194.7539999999", 194.754), (datetime.time(0, 3, 45), 225), (datetime.timedelta(minutes=4), 240),
     ("", None), ("n/a", None)],
)  # fmt: skip
def test_lengths(cell: str, seconds: float | None) -> None:
    assert seconds_of(cell) == seconds


@pytest.mark.parametrize("cell", ["long", "3:75", "-5", "1:99", "3:45:", ":", "1:2:3:4", datetime.date(2019, 1, 1)])
def test_what_is_no_length(cell: str) -> None:
    with pytest.raises(OddValueError):
        seconds_of(cell)


@given(st.integers(0, 86399))
def test_any_length_is_read_back(seconds: int) -> None:
    hours, rest = divmod(seconds, 3600)
    text = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
    assert seconds_of(text) == seconds


@given(st.text(max_size=80))
def test_any_text_is_taken_or_odd(text: str) -> None:
    for parse in (number_of, rating_of, size_of, date_of, year_of, seconds_of):
        try:
            value = parse(text)
        except OddValueError:
            continue
        assert value is None or isinstance(value, (int, float, str))
        assert not isinstance(value, int) or abs(value) < 2**63
