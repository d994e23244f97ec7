"""What the tests of the music engine share: two imported libraries, and a household that has the first."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import User
from familychat.settings import Settings
from familychat.testing import FakeOpenAI
from familychat_music.engine import MusicEngine
from familychat_music.importing import import_library
from familychat_music.index import build_index
from familychat_music.libraries import Libraries
from familychat_music.linking import Linker
from familychat_music.rows import Rows
from familychat_music.runner import Runner

ROOT = Path(__file__).parents[2]
SHEET = ROOT / "contrib" / "sample-library" / "family-music.xlsx"
SHOP = ROOT / "tests" / "fixtures" / "music" / "shop.sql"

Look = Callable[[str], Rows]
OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]


@pytest.fixture(scope="session")
def sheet() -> Path:
    """The workbook that the sample library is made of."""
    return SHEET


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample library; its index lies beside it."""
    return _library(SHEET, tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of related tables; its index lies beside it."""
    folder = tmp_path_factory.mktemp("shop")
    with contextlib.closing(sqlite3.connect(folder / "shop.sqlite")) as connection:
        connection.executescript(SHOP.read_text(encoding="utf-8"))
    return _library(folder / "shop.sqlite", folder)


def _library(source: Path, folder: Path) -> Path:
    library = folder / "library.db"
    import_library(source, library)
    build_index(library, library.with_suffix(".index"))
    return library


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    with Runner() as opened:
        yield opened


@pytest.fixture(scope="session")
def linker(sample: Path) -> Iterator[Linker]:
    with contextlib.closing(Linker(sample.with_suffix(".index"))) as opened:
        yield opened


@pytest.fixture(scope="session")
def engine(sample: Path, runner: Runner) -> Iterator[MusicEngine]:
    """Asks the sample library."""
    with contextlib.closing(MusicEngine(sample, sample.with_suffix(".index"), runner)) as opened:
        yield opened


@pytest.fixture(scope="session")
def shop_engine(shop: Path, runner: Runner) -> Iterator[MusicEngine]:
    """Asks the library of related tables."""
    with contextlib.closing(MusicEngine(shop, shop.with_suffix(".index"), runner)) as opened:
        yield opened


@pytest.fixture(scope="session")
def look(sample: Path) -> Look:
    """Runs SQL on the sample library, without any of the engine."""
    return _look(sample)


@pytest.fixture(scope="session")
def shop_look(shop: Path) -> Look:
    return _look(shop)


def _look(library: Path) -> Look:
    def run(sql: str) -> Rows:
        with contextlib.closing(sqlite3.connect(f"{library.as_uri()}?mode=ro", uri=True)) as connection:
            cursor = connection.execute(sql)
            return Rows(tuple(column[0] for column in cursor.description), tuple(cursor.fetchall()))

    return run


@pytest.fixture
def open_home(data_dir: Path) -> OpenHome:
    """Opens a household that talks to a fake: ``async with open_home(fake) as (home, owner)``. With ``music`` it
    has the sample library, and its owner may ask it."""

    @asynccontextmanager
    async def opened(fake: FakeOpenAI | None = None, *, music: bool = True) -> AsyncIterator[tuple[Household, User]]:
        settings = Settings(data_dir=data_dir, server_kind="openai", server_url="http://fake")
        home = Household(settings, servers=ServerChoice(settings, (fake or FakeOpenAI()).transport()))
        try:
            owner = home.accounts.people.all()[0]
            if music:
                Libraries(home.database).bring_in(owner, SHEET)
            yield home, owner
        finally:
            await home.aclose()

    return opened
