"""What all tests share: an own data folder, the practice model, and the command line as a real process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from familychat.llm import practice_model
from familychat_cli.testing import CommandLine


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def practice_model_file(request: pytest.FixtureRequest) -> Path:
    """The real practice model, fetched once and kept in pytest's cache folder."""
    folder = Path(request.config.cache.mkdir("practice-model"))
    for _ in practice_model.fetch(folder):
        pass
    return practice_model.model_path(folder)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def with_model(data_dir: Path, practice_model_file: Path) -> Path:
    """A data folder in which the practice model has been fetched already."""
    path = practice_model.model_path(data_dir)
    data_dir.mkdir(mode=0o700)
    path.parent.mkdir(mode=0o700)
    try:
        os.link(practice_model_file, path)
    except OSError:  # another file system
        shutil.copyfile(practice_model_file, path)
    return data_dir


@pytest.fixture
def cli(tmp_path: Path, data_dir: Path) -> CommandLine:
    """The command line on an empty data folder, with the built-in engine whatever else runs on this computer."""
    home = tmp_path / "home"
    home.mkdir()
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "COVERAGE_FILE") if name in os.environ}
    return CommandLine(
        {
            **keep,
            "HOME": str(home),
            "FAMILYCHAT_DATA_DIR": str(data_dir),
            "FAMILYCHAT_CONFIG": str(tmp_path / "config.toml"),
            "FAMILYCHAT_SERVER_KIND": "embedded",
            "FAMILYCHAT_TITLES": "words",  # always the same ones; tests of the model's titles ask for them
            "PYTHONWARNINGS": "error",
        },
        tmp_path,
    )


AddPerson = Callable[..., None]


@pytest.fixture
def add_person(cli: CommandLine) -> AddPerson:
    """Adds a person by the command line: ``add_person("child", "a long password")``."""

    def add(name: str, password: str, *flags: str) -> None:
        result = cli("admin", "users", "add", name, "--password-stdin", *flags, stdin=password + "\n")
        assert result.code == 0, result.err

    return add
