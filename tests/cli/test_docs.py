"""The documentation can't drift from the code."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]


def reference() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "contrib" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[str, str] = module.pages()
    return pages


def test_the_reference_is_what_the_code_says() -> None:
    for name, text in reference().items():
        assert (ROOT / "docs" / "reference" / name).read_text("utf-8") == text, "run python contrib/reference.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_links_in_the_pages_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    known = re.findall(r"^## (familychat.*)$", reference()["commands.md"], re.MULTILINE)
    for line in re.findall(r"^    (?:\.venv/bin/)?(familychat .*)$", text, re.MULTILINE):
        words = line.split("  ")[0].split()
        assert any(words[: len(command.split())] == command.split() for command in known if command != "familychat"), (
            line
        )
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target


def test_the_quick_start_is_exactly_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"^    (python3 -m venv .*)$", text, re.MULTILINE)
    assert commands == [
        "python3 -m venv .venv && .venv/bin/pip install -q '.[embedded]' && .venv/bin/familychat chat",
        "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest",
    ]


def test_the_version_is_the_same_everywhere() -> None:
    import familychat

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == familychat.__version__
    assert f"## {familychat.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
