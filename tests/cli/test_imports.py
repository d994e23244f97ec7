"""What starting up may pull in."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "httpx",
    "sqlglot",
    "litestar",
    "uvicorn",
    "jinja2",
    "xllamacpp",
    "sqlite_utils",
    "prompt_toolkit",
    "bcrypt",
    "asyncio",
    "markdown_it",
    "rapidfuzz",
    "python_calamine",
    "openpyxl",
    "mutagen",
)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--help"], "Your household's own chat"),
        (["serve", "--help"], "Serve the family's page"),
        (["music", "--help"], "Your music lists, and questions about them."),
        (["music", "ask", "--help"], "Ask about your music in everyday words."),
        (["music", "import", "--help"], "Bring in a music list"),
        (["tasks", "--help"], "What a model can be used for."),
        (["privacy", "--help"], "Show every address that can be contacted"),
        (["limits", "--help"], "Show your own limits"),
        (["audit", "--help"], "Show your sign-ins"),
        (["usage", "--help"], "Show how much you used."),
        (["sessions", "--help"], "Where you are signed in."),
        (["admin", "audit", "--help"], "Show who signed in and what admins changed"),
        (["admin", "usage", "--help"], "Show how much the household used."),
        (["admin", "sessions", "--help"], "Where people are signed in"),
        (["admin", "hours", "--help"], "Quiet hours, such as bedtime."),
    ],
)
def test_help_imports_nothing_heavy(args: list[str], words: str) -> None:
    script = (
        "import sys\n"
        "from familychat_cli.main import app\n"
        f"try:\n    app({args!r})\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # rich's help renderer may need markdown_it itself; the others are ours to keep out.
    loaded = done.stdout.rpartition("LOADED ")[2].strip()
    assert loaded in {"[]", "['markdown_it']"}
    assert words in done.stdout


def test_the_library_imports_neither_command_line_nor_web() -> None:
    script = (
        "import importlib, pkgutil, sys, familychat\n"
        "for module in pkgutil.walk_packages(familychat.__path__, 'familychat.'):\n"
        "    importlib.import_module(module.name)\n"
        "print([n for n in sys.modules if n.startswith(('familychat_cli', 'familychat_web', 'familychat_music'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
