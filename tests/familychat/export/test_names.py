"""Titles as file names, on every system."""

from __future__ import annotations

import os
import sys
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from familychat.export.names import LONGEST_NAME, UNNAMED, file_names, safe_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Pasta", "Pasta"),
        ("How long? <b> *x*", "How long b x"),
        ("a/b\\c:../../x", "a-b-c-..-..-x"),
        ("../../etc/passwd", "etc-passwd"),
        ("/etc/passwd", "etc-passwd"),
        ("C:\\Windows", "C--Windows"),
        (".hidden", "hidden"),
        ("-rf ~", "rf"),
        ("ends with a dot. ", "ends with a dot"),
        ("two\nlines\tand\x00more\x7f", "two lines and more"),
        ("exe\u202efdp", "exefdp"),
        ("CON", "CON_"),
        ("nul.txt", "nul.txt_"),
        ("Lpt1", "Lpt1_"),
        ("Conrad", "Conrad"),
        ("", UNNAMED),
        ("...", UNNAMED),
        ("\ud800", UNNAMED),
        ("Cafe\u0301", "Caf\u00e9"),
        ("🍎 👩‍🍳 Äpfel", "🍎 👩‍🍳 Äpfel"),
        ("x" * 300, "x" * LONGEST_NAME),
        ("🍎" * 300, "🍎" * (LONGEST_NAME // 4)),
        ("x" + "ä" * 300, "x" + "ä" * 59),
    ],
)
def test_names(title: str, name: str) -> None:
    assert safe_name(title) == name


def test_the_same_title_twice() -> None:
    titles = ["Pasta", "pasta", "Pasta (2)", "PASTA", "Cafe\u0301", "CAF\u00c9", "", "..."]
    assert file_names(titles, ".md") == [
        "Pasta.md", "pasta (2).md", "Pasta (2) (2).md", "PASTA (3).md", "Café.md", "CAFÉ (2).md",
        f"{UNNAMED}.md", f"{UNNAMED} (2).md",
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=200) | st.sampled_from(["a", "A", "../a", "con", "a" * 500, "🍎" * 200]), max_size=8))
def test_whatever_the_titles_every_file_can_be_made(titles: list[str]) -> None:
    names = file_names(titles, ".json")
    assert len({unicodedata.normalize("NFC", name.casefold()) for name in names}) == len(titles)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            assert Path(name).name == name
            assert not name.startswith((".", "-"))
            (Path(folder) / name).touch(exist_ok=False)
        assert sorted(os.listdir(folder)) == sorted(names)  # noqa: PTH208


def test_a_system_that_knows_few_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsencode", lambda name: name.encode("ascii"))
    assert safe_name("Äpfel 🍎 und Birnen") == "pfel und Birnen"
    assert sys.getfilesystemencoding() == "utf-8", "these tests are for a usual computer"
