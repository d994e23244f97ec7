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
    drawn = re.findall(r"(\w+Error) +(\d+) +(\d+)", module.__doc__ or "")
    real = [(one.__name__, str(one.exit_code), str(one.http_status)) for one in classes()]
    assert sorted(drawn) == sorted(real)


def test_exit_codes_do_not_clash_with_the_shells() -> None:
    assert all(0 < one.exit_code < 70 for one in classes())
    assert all(400 <= one.http_status < 600 for one in classes())


def test_an_error_reads_as_one_line() -> None:
    assert str(FamilychatError("It broke.", "Mend it.")) == "It broke. Mend it."
    assert str(FamilychatError("It broke.")) == "It broke."
