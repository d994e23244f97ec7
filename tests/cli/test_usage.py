"""``familychat usage`` and ``familychat admin usage``, with their charts."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from familychat.clock import utc_now
from familychat.family.hours import household_zone, local_day
from familychat_cli import charts
from familychat_cli.testing import CommandLine

AddPerson = Callable[..., None]
PASSWORD = "quiet little river"


@pytest.fixture
def used(cli: CommandLine, add_person: AddPerson, data_dir: Path) -> CommandLine:
    """Today the owner has asked thrice, and a child once."""
    add_person("child", PASSWORD)
    today = local_day(utc_now(), household_zone(None))
    with sqlite3.connect(data_dir / "familychat.db") as connection:
        for name, turns in (("child", 1), (None, 3)):
            connection.execute(
                "INSERT INTO usage SELECT id, ?, 'general', 'maker/tiny', ?, 10, 20 FROM users "
                "WHERE (username = 'child') = (? IS NOT NULL)",
                [today, turns, name],
            )
    return cli


def test_an_admin_sees_counts(used: CommandLine) -> None:
    by_person = used("admin", "usage", "--by", "person", "--json").json()
    assert [one["turns"] for one in by_person] == [3, 1]
    assert by_person[1] == {"person": "child", "turns": 1, "prompt_tokens": 10, "completion_tokens": 20}
    assert len(used("admin", "usage", "--days", "7", "--json").json()) == 7
    assert len(used("admin", "usage", "--days", "7").out.splitlines()) == 2, "the days before the first are left out"
    lines = used("admin", "usage", "--by", "person").out.splitlines()
    assert lines[0].split() == ["Person", "Turns", "Tokens", "read", "Written"]
    assert [line.count("#") for line in lines[1:]] == [40, 13]
    assert used("admin", "usage", "--days", "7", "--since", "2026-01-01").code == 2


def test_everybody_sees_their_own(used: CommandLine) -> None:
    assert used("login", "child", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    assert used("usage", "--by", "task", "--json").json() == [
        {"task": "general", "turns": 1, "prompt_tokens": 10, "completion_tokens": 20}
    ]
    assert used("admin", "usage").code == 4
    assert used("usage", "--until", "2020-01-01").out.strip() == "Nothing was used in that time."


@pytest.mark.parametrize(
    ("share", "plain", "drawn"),
    [
        (0, False, ""),
        (1, False, "████████"),
        (0.5, False, "████"),
        (0.56, False, "████▍"),
        (0.0001, False, "▏"),
        (1, True, "########"),
        (0.0001, True, "#"),
        (0, True, ""),
    ],
)
def test_a_bar(share: float, plain: bool, drawn: str) -> None:
    assert charts.bar(share, 8, plain=plain) == drawn


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_a_chart_fits_the_terminal(width: int) -> None:
    file = io.StringIO()
    terminal = Console(file=file, width=width, force_terminal=True, color_system=None, legacy_windows=False)
    bars = [charts.Bar("2026-01-30", 12, ["12", "1,234"]), charts.Bar("日本語", 3, ["3", "5"])]
    charts.chart("Day", ["Turns", "Read"], bars, console=terminal)
    lines = file.getvalue().splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert ("█" in file.getvalue()) is (width >= 40)
