"""For the tests of both walls: statements kept as data, and a small library to run them on."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

from familychat.errors import QueryError
from familychat_music.rows import Rows

P = ParamSpec("P")
_REPEATED = re.compile(r"⟦(.*?)\*(\d+)⟧", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Case:
    """A statement; ``kind`` is empty for honest ones."""

    name: str
    kind: str
    sql: str

    def __str__(self) -> str:
        return self.name


def read_cases(path: Path) -> list[Case]:
    """The statements of a file: each begins with the line ``-- its name: its kind``; ``⟦x*9⟧`` stands for nine x."""
    text = path.read_bytes().decode("utf-8")
    cases = []
    for block in re.split(r"^-- ", text, flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        name, _, kind = title.partition(": ")
        sql = _REPEATED.sub(lambda found: found[1] * int(found[2]), body.removesuffix("\n"))
        cases.append(Case(name, kind, sql))
    return cases


def build_library(path: Path, script: Path, *changes: str) -> Path:
    """A library made by an SQL script, then changed by further statements."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script.read_text("utf-8"))
        for change in changes:
            connection.executescript(change)
        connection.commit()
    return path


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of the folder with a hash of its content: equal as long as nothing was written."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def outcome(run: Callable[P, Rows], *args: P.args, **kwargs: P.kwargs) -> Rows | tuple[str, str]:
    """What a question gives: its rows, or its error's class and text."""
    try:
        return run(*args, **kwargs)
    except QueryError as error:
        return type(error).__name__, str(error)
