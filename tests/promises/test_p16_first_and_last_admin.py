"""Promise 16: no default password; the last admin stays; data files are 0600 in a 0700 folder."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import pytest

from familychat.errors import ConflictError
from familychat.household import Household
from familychat.models import Role, User
from familychat.settings import Settings
from familychat.store.snapshots import take_snapshot
from familychat_cli.testing import CommandLine

PASSWORD = "quiet little river"
CHANGES = ("disable", "demote", "remove")

Change = Callable[[User, str], None]


def change(home: Household, what: str) -> Change:
    found: Change = getattr(home.accounts, what)
    return found


@pytest.mark.parametrize("what", CHANGES)
def test_the_last_active_admin_stays(data_dir: Path, what: str) -> None:
    home = Household(Settings(data_dir=data_dir))
    owner = home.accounts.people.all()[0]
    home.accounts.add(owner, "child", PASSWORD)
    other = home.accounts.add(owner, "other", PASSWORD, role=Role.ADMIN)
    home.accounts.disable(owner, "other")  # an admin who is switched off doesn't count
    with pytest.raises(ConflictError, match="the last active admin"):
        change(home, what)(owner, owner.username)
    home.accounts.enable(owner, "other")
    change(home, what)(other, owner.username)
    assert home.accounts.people.count_active_admins() == 1
    with pytest.raises(ConflictError):
        change(home, what)(other, "other")
    home.close()


def test_nobody_removes_themself(data_dir: Path) -> None:
    home = Household(Settings(data_dir=data_dir))
    owner = home.accounts.people.all()[0]
    home.accounts.add(owner, "other", PASSWORD, role=Role.ADMIN)
    with pytest.raises(ConflictError, match="can't remove yourself"):
        home.accounts.remove(owner, owner.username)
    assert len(home.accounts.people.all()) == 2
    home.close()


@pytest.mark.parametrize("password", ["", "admin", "password", "familychat", "changeme"])
def test_no_default_password(cli: CommandLine, password: str) -> None:
    assert cli("whoami").code == 0
    assert cli("login", getpass.getuser(), "--password-stdin", stdin=password + "\n").code == 4


def test_everything_in_the_data_folder_is_private(data_dir: Path, cli: CommandLine) -> None:
    cli("admin", "users", "add", "child", "--password-stdin", stdin=PASSWORD + "\n")
    cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n")
    home = Household(Settings(data_dir=data_dir))
    take_snapshot(home.database.path)
    modes = {path.relative_to(data_dir): path.stat().st_mode & 0o777 for path in [data_dir, *data_dir.rglob("*")]}
    home.close()
    assert len(modes) >= 7
    wrong = {str(path): oct(mode) for path, mode in modes.items() if mode not in {0o600, 0o700}}
    assert wrong == {}
