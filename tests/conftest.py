"""What all tests share: an own data folder, the practice model, and the command line as a real process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from familychat.llm import practice_model
from familychat_cli.testing import CommandLine

PutModel = Callable[[Path], None]


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


@pytest.fixture(scope="session")
def put_model(practice_model_file: Path) -> PutModel:
    """Puts the practice model into a new data folder, as if it had been fetched already."""

    def put(data_dir: Path) -> None:
        path = practice_model.model_path(data_dir)
        data_dir.mkdir(mode=0o700)
        path.parent.mkdir(mode=0o700)
        try:
            os.link(practice_model_file, path)
        except OSError:  # another file system
            shutil.copyfile(practice_model_file, path)

    return put


@pytest.fixture
def with_model(data_dir: Path, put_model: PutModel) -> Path:
    """A data folder in which the practice model has been fetched already."""
    put_model(data_dir)
    return data_dir


@pytest.fixture(scope="session")
def command_line() -> Callable[[Path], CommandLine]:
    """The command line for a data folder ``data`` in this folder, with the built-in engine whatever else runs here."""

    def made(folder: Path) -> CommandLine:
        home = folder / "home"
        home.mkdir()
        kept = ("PATH", "LANG", "PYTHONPATH", "COVERAGE_FILE")
        return CommandLine(
            {
                **{name: os.environ[name] for name in kept if name in os.environ},
                "HOME": str(home),
                "FAMILYCHAT_DATA_DIR": str(folder / "data"),
                "FAMILYCHAT_CONFIG": str(folder / "config.toml"),
                "FAMILYCHAT_SERVER_KIND": "embedded",
                "FAMILYCHAT_TITLES": "words",  # always the same ones; tests of the model's titles ask for them
                "PYTHONWARNINGS": "error",
            },
            folder,
        )

    return made


@pytest.fixture
def cli(tmp_path: Path, command_line: Callable[[Path], CommandLine]) -> CommandLine:
    """The command line on an empty data folder."""
    return command_line(tmp_path)


AddPerson = Callable[..., None]


@pytest.fixture
def add_person(cli: CommandLine) -> AddPerson:
    """Adds a person by the command line: ``add_person("child", "a long password")``."""

    def add(name: str, password: str, *flags: str) -> None:
        result = cli("admin", "users", "add", name, "--password-stdin", *flags, stdin=password + "\n")
        assert result.code == 0, result.err

    return add
