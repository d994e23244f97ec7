"""The catalogues: every text that a page may show is in them, and each language has all of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LANGUAGES = ("de", "en", "es", "fr", "hi")
SAYING = """
raise NotFoundError("There is no list." if empty else "There is no such list.", hint or "Look at the others.")
Text("%(count)s lists", count=count)
counted(count, "list")
Counted(count, "A list was left out.", "%(count)s lists were left out.")
raise KeyError("Nobody reads this.")
"""
FOUND = [
    "There is no list.",
    "There is no such list.",
    "Look at the others.",
    "%(count)s lists",
    ("%(count)s list", "%(count)s lists"),
    ("A list was left out.", "%(count)s lists were left out."),
]


@pytest.fixture(scope="module")
def catalogues() -> ModuleType:
    """contrib/catalogues.py."""
    spec = importlib.util.spec_from_file_location("catalogues", ROOT / "contrib" / "catalogues.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["catalogues"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(catalogues: ModuleType) -> dict[str, Any]:
    return {language.code: language for language in catalogues.languages()}


def test_texts_are_found(catalogues: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "saying.py"
    path.write_text(SAYING, "utf-8")
    with path.open("rb") as file:
        assert [text for _line, _kind, text, _comments in catalogues.texts_of(file, None, None, {})] == FOUND


@pytest.mark.parametrize(
    "saying",
    [
        'raise NotFoundError(f"There is no {kind}.")',
        'raise NotFoundError("There is no list.", "Look at " + others)',
        'raise NotFoundError("There is no list." if empty else f"There is no {name}.")',
        'Text(f"{count} lists")',
        'Finding(hint or f"Ask {name}.")',
    ],
)
def test_what_is_put_together_is_found(catalogues: ModuleType, tmp_path: Path, saying: str) -> None:
    path = tmp_path / "saying.py"
    path.write_text(f"pass\n{saying}\n", "utf-8")
    assert list(catalogues.put_together(path)) == [2]


def test_nothing_is_put_together(catalogues: ModuleType) -> None:
    assert catalogues.all_put_together() == [], "write it as a familychat.wording.Text"


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_has_every_text(made: dict[str, Any], code: str) -> None:
    assert made[code].left == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_its_files_are_current(made: dict[str, Any], code: str) -> None:
    assert made[code].outdated() == [], "run python contrib/catalogues.py"
