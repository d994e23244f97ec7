"""Style sheets and scripts: kept for good under a name that changes with them, and small."""

from __future__ import annotations

from pathlib import Path

import pytest

from familychat_web.assets import FOLDER, Assets
from familychat_web.testing import Browser

OF_ALL = {".js": 60_000, ".css": 40_000}
"""What the page may weigh, in bytes."""


def test_a_page_names_its_files_so_that_they_can_be_kept(stranger: Browser) -> None:
    style, script = (Assets().url(name) for name in ("style.css", "app.js"))
    text = stranger.get("/sign-in").text
    assert f'href="{style}"' in text
    assert f'src="{script}"' in text
    kept = stranger.get(style)
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-type"] == "text/css; charset=utf-8"
    assert stranger.get(script).headers["content-type"] == "text/javascript; charset=utf-8"


def test_under_an_old_name_it_is_checked_again(stranger: Browser) -> None:
    old = stranger.get("/static/0000/style.css")
    assert (old.status_code, old.headers["cache-control"]) == (200, "public, no-cache")
    again = stranger.client.get("/static/0000/style.css", headers={"if-none-match": old.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "nothing.css", "", "."])
def test_nothing_else_is_served(stranger: Browser, path: str) -> None:
    assert stranger.get(f"/static/0000/{path}").status_code == 404


def test_the_version_follows_from_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    (tmp_path / "notes.txt").write_text("not for browsers")
    first = Assets(tmp_path)
    (tmp_path / "a.css").write_text("b")
    assert Assets(tmp_path).version != first.version
    assert first.get("notes.txt") is None


@pytest.mark.parametrize("suffix", OF_ALL)
def test_it_stays_small(suffix: str) -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob(f"*{suffix}")) <= OF_ALL[suffix]


def test_the_dark_colours_are_the_same_whether_chosen_or_the_devices() -> None:
    """A style sheet can't share them: they stand there twice."""
    css = (FOLDER / "style.css").read_text("utf-8")
    chosen = css[css.index('[data-theme="dark"] {') : css.index("@media (prefers-color-scheme: dark)")]
    devices = css[css.index('[data-theme="system"] {') : css.index(':root[data-theme="contrast"]')]
    assert chosen.split() == devices.replace('"system"', '"dark"').removesuffix("}\n\n").split()
