"""Promise 16, where several act at once: the last admin stays, and files are private from their first moment on."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from familychat.errors import FamilychatError
from familychat.household import Household
from familychat.llm import practice_model
from familychat.llm.base import Progress
from familychat.models import Role, User
from familychat.settings import Settings
from familychat.store.snapshots import restore, take_snapshot

CHANGES = ("disable", "demote", "remove")


@contextmanager
def open_home(data_dir: Path) -> Iterator[Household]:
    home = Household(Settings(data_dir=data_dir))
    try:
        yield home
    finally:
        home.close()


@pytest.mark.parametrize(("mine", "theirs"), list(itertools.combinations_with_replacement(CHANGES, 2)))
def test_two_admins_who_end_each_other_at_once_leave_one(data_dir: Path, mine: str, theirs: str) -> None:
    with open_home(data_dir) as one, open_home(data_dir) as two:
        owner = one.accounts.people.all()[0]
        other = one.accounts.people.add("other", "Other", Role.ADMIN, "2026")
        together = Barrier(2)

        def end(home: Household, what: str, by: User, name: str) -> bool:
            together.wait()
            try:
                getattr(home.accounts, what)(by, name)
            except FamilychatError:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(end, one, mine, owner, "other")
            second = pool.submit(end, two, theirs, other, owner.username)
            assert [first.result(), second.result()].count(True) == 1
        assert one.accounts.people.count_active_admins() == 1


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_private_whatever_the_umask(data_dir: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with open_home(data_dir) as home:
            path = home.database.path
            taken = take_snapshot(path)
            modes = {found: found.stat().st_mode & 0o777 for found in data_dir.rglob("*")}
        restore(path, taken)
        modes |= {found: found.stat().st_mode & 0o777 for found in [data_dir, *data_dir.rglob("*")]}
    finally:
        os.umask(before)
    wrong = {found.name: oct(mode) for found, mode in modes.items() if mode != (0o700 if found.is_dir() else 0o600)}
    assert wrong == {}
    assert {"running", "snapshots", "familychat.db", "familychat.lock"} <= {found.name for found in modes}


def test_the_folder_of_models_is_private_while_one_is_being_fetched(data_dir: Path) -> None:
    seen: dict[str, int] = {}

    def download(folder: Path) -> Iterator[Progress]:
        seen.update({str(found): found.stat().st_mode & 0o777 for found in (data_dir, folder.parent, folder)})
        seen.update({str(found): found.stat().st_mode & 0o777 for found in folder.parent.glob("*.lock")})
        yield Progress("Fetching it", 0, 1)

    before = os.umask(0)
    try:
        with pytest.raises(FamilychatError, match="isn't the practice model"):
            list(practice_model.fetch(data_dir, download))
    finally:
        os.umask(before)
    assert sorted(seen.values()) == [0o600, 0o700, 0o700, 0o700]
    assert [found.name for found in (data_dir / "models").iterdir() if found.suffix != ".lock"] == []
