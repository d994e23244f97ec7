"""Writing task files and plugins."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from familychat.tasks.registry import GROUP

WriteTask = Callable[..., Path]
WritePlugin = Callable[..., EntryPoint]


@pytest.fixture
def folder(data_dir: Path) -> Path:
    path = data_dir / "tasks"
    path.mkdir(parents=True, mode=0o700)
    return path


@pytest.fixture
def write_task(folder: Path) -> WriteTask:
    """Writes a task's file: ``write_task("cooking", title="Kitchen", file="other")``."""

    def write(name: str, *, title: str = "Cooking", file: str | None = None, more: str = "") -> Path:
        path = folder / f"{file or name}.toml"
        path.write_text(
            f'name = "{name}"\ntitle = "{title}"\ndescription = "What to cook"\nsystem_prompt = "Cook well."\n{more}\n'
        )
        return path

    return write


@pytest.fixture
def write_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WritePlugin:
    """Writes a module with a class ``Task`` (or any code), and gives the entry point for it."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def write(name: str, module: str, *, code: str | None = None, body: str = "") -> EntryPoint:
        plugin = (
            f"class Task:\n    name = {name!r}\n    title = 'A plugin'\n    description = 'Brought along'\n{body}\n"
            "    async def run(self, turn):\n        yield None\n"
        )
        (folder / f"{module}.py").write_text(code or plugin)
        return EntryPoint(name, f"{module}:Task", GROUP)

    return write
