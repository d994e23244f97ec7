"""Fixtures for the library's own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import User
from familychat.settings import Settings
from familychat.testing import FakeOpenAI, ManualClock

OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]


@pytest.fixture
def open_home(data_dir: Path) -> OpenHome:
    """Opens a household that talks to a fake: ``async with open_home(fake) as (home, owner)``."""

    @asynccontextmanager
    async def opened(
        fake: FakeOpenAI | None = None, kind: str = "openai", **values: object
    ) -> AsyncIterator[tuple[Household, User]]:
        settings = Settings(data_dir=data_dir, server_kind=kind, server_url="http://fake", **values)  # type: ignore[arg-type]
        servers = ServerChoice(settings, (fake or FakeOpenAI()).transport())
        home = Household(settings, servers=servers)
        try:
            yield home, home.accounts.people.all()[0]
        finally:
            await home.aclose()

    return opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def household(data_dir: Path, clock: ManualClock) -> Iterator[Household]:
    """An open household with its first admin and no model server."""
    opened = Household(Settings(data_dir=data_dir), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def owner(household: Household) -> User:
    return household.accounts.people.all()[0]
