"""The error tree: every class is drawn with its numbers, and front ends can rely on them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import familychat.errors as module
from familychat.errors import FamilychatError


def classes(base: type[FamilychatError] = FamilychatError) -> Iterator[type[FamilychatError]]:
    yield base
    for child in base.__subclasses__():
        if child.__module__ == module.__name__:
            yield from classes(child)


def test_the_drawing_is_the_tree() -> None:
    drawn = re.findall(r"(\w+) +(\d+) +(\d+)$", module.__doc__ or "", re.MULTILINE)
    real = [(one.__name__, str(one.exit_code), str(one.http_status)) for one in classes()]
    assert sorted(drawn) == sorted(real)


def test_exit_codes_do_not_clash_with_the_shells() -> None:
    assert all(0 < one.exit_code < 70 for one in classes())
    assert all(400 <= one.http_status < 600 for one in classes())


def test_an_error_reads_as_one_line() -> None:
    assert str(FamilychatError("It broke.", "Mend it.")) == "It broke. Mend it."
    assert str(FamilychatError("It broke.")) == "It broke."


def test_the_drawing_shows_who_belongs_to_whom() -> None:
    parents: list[str] = []
    for depth, name in re.findall(r"^ {4}((?:[│├└ ][─ ]{0,3})*)(\w+)  ", module.__doc__ or "", re.MULTILINE):
        level = len(depth) // 4
        base = getattr(module, name).__base__.__name__
        assert base == (parents[level - 1] if level else "Exception"), name
        parents[level:] = [name]


def test_every_class_says_what_it_means() -> None:
    assert all(one.__doc__ and one.__doc__.strip().endswith(".") for one in classes())
