"""Opening a household: its first admin, what dead processes left, and what a failed opening leaves."""

from __future__ import annotations

import getpass
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from familychat.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, SignInError
from familychat.household import Household
from familychat.models import Conversation, Role, Status, User
from familychat.settings import Settings, load_settings
from familychat.store.conversations import ConversationStore
from familychat.store.leases import live_processes
from familychat.store.messages import MessageStore
from familychat.testing import ManualClock


def begin_answer(household: Household, owner: User, writer: str) -> Conversation:
    """A conversation in which ``writer`` is in the middle of an answer."""
    messages = MessageStore(household.database)
    conversation = ConversationStore(household.database).add(owner.id, "2026", title="t", task="general")
    asked = messages.add_question(conversation, "?", None, "2026")
    messages.checkpoint(messages.add_answer(conversation, asked.id, writer, "2026").id, "so far", "")
    return conversation


def last_status(household: Household, owner: User, conversation: Conversation) -> tuple[Status, str]:
    message = household.conversations.messages(owner, conversation)[-1]
    return message.status, message.content


def test_first_use_makes_an_admin_for_this_terminal_only(household: Household, owner: User) -> None:
    assert household.first_admin == owner
    assert (owner.role, owner.active, owner.os_account) == (Role.ADMIN, True, getpass.getuser())
    assert not owner.has_password
    with pytest.raises(SignInError):
        household.sign_in.sign_in(owner.username, "", kind="web")


def test_a_second_opening_makes_nobody(household: Household, owner: User, data_dir: Path) -> None:
    household.accounts.rename(owner, owner.username, "parent")
    again = Household(Settings(data_dir=data_dir))
    assert again.first_admin is None
    assert [user.username for user in again.accounts.people.all()] == ["parent"]
    again.close()


def test_an_admin_sets_a_setting_and_all_can_read_that(household: Household, owner: User, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    member = household.accounts.add(owner, "member", "quiet little river")
    for user, key, raw in [(member, "trash_days", "7"), (owner, "trash_days", "soon"), (owner, "colour", "red")]:
        with pytest.raises((NotAllowedError, InvalidInputError, NotFoundError)):
            household.set_setting(user, path, key, raw)
    assert not path.exists()
    household.set_setting(owner, path, "trash_days", "7")
    household.set_setting(owner, path, "server.api_key", "not to be seen")
    household.set_setting(owner, path, "trash_days", None)
    settings = load_settings(environ={}, config_path=path)
    assert (settings.trash_days, settings.server_api_key) == (30, "not to be seen")
    read = [(one.action, one.target, one.details) for one in household.accounts.audit_about(member, 3)]
    assert read == [
        ("setting.unset", "trash_days", ""),
        ("setting.set", "server.api_key", ""),
        ("setting.set", "trash_days", "7"),
    ]


def test_the_default_model_is_another_at_once(household: Household, owner: User, tmp_path: Path) -> None:
    household.set_setting(owner, tmp_path / "config.toml", "model", "large")
    assert household.settings.model == "large"
    household.set_setting(owner, tmp_path / "config.toml", "model", None)
    assert household.settings.model is None


def test_opened_for_the_first_time_by_several_at_once(data_dir: Path) -> None:
    def first_admin(_: int) -> User | None:
        home = Household(Settings(data_dir=data_dir))
        found = home.first_admin
        home.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(first_admin, range(4)))
    assert len([user for user in made if user]) == 1


def test_answers_of_dead_processes_become_partial_and_of_live_ones_do_not(
    household: Household, owner: User, data_dir: Path
) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom familychat.store.leases import Lease\n"
        "lease = Lease(Path(sys.argv[1]))\nprint(lease.id, flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        alive = process.stdout.readline().strip()
        theirs = begin_answer(household, owner, alive)
        left = begin_answer(household, owner, "a lease of long ago")
        again = Household(Settings(data_dir=data_dir))
        assert again.recovered == 1
        again.close()
        assert last_status(household, owner, theirs) == (Status.STREAMING, "so far")
        assert last_status(household, owner, left) == (Status.PARTIAL, "so far")
        process.kill()
        process.wait()
        assert household.recovery.recover() == 1
    assert last_status(household, owner, theirs) == (Status.PARTIAL, "so far")
    assert household.recovery.recover() == 0


def test_what_a_dead_process_left_can_be_worked_with_at_once(household: Household, owner: User) -> None:
    """Not only after the next start: versions and deleting look for themselves."""
    left = begin_answer(household, owner, "a lease of long ago")
    answer = household.conversations.messages(owner, left)[-1]
    household.conversations.delete_message(owner, left, answer.id)
    (lease,) = (household.settings.data_dir / "running").glob("*.lock")
    mine = begin_answer(household, owner, lease.stem)
    answer = household.conversations.messages(owner, mine)[-1]
    with pytest.raises(ConflictError, match="still being written"):
        household.conversations.delete_message(owner, mine, answer.id)


def test_a_closed_household_looks_gone(data_dir: Path) -> None:
    home = Household(Settings(data_dir=data_dir))
    assert len(live_processes(data_dir)) == 1
    home.close()
    assert live_processes(data_dir) == set()


def test_an_opening_that_fails_lets_go_of_everything(data_dir: Path) -> None:
    def broken() -> datetime:
        raise RuntimeError("no clock")

    with pytest.raises(RuntimeError, match="no clock") as caught:
        Household(Settings(data_dir=data_dir), clock=broken)
    assert caught.value.__traceback__ is not None  # what failed is still referred to, as in a long-running program
    assert live_processes(data_dir) == set(), "a restore would be refused for no reason"


def test_own_conversations_only(household: Household, owner: User) -> None:
    guest = household.accounts.people.add("guest", "Guest", Role.ADMIN, "2026")
    conversation = begin_answer(household, owner, "x")
    for attempt in (
        lambda: household.conversations.get(guest, conversation.id),
        lambda: household.conversations.find(guest, conversation.id),
        lambda: household.conversations.messages(guest, conversation),
        lambda: household.conversations.rename(guest, conversation, "mine"),
    ):
        with pytest.raises(NotFoundError):
            attempt()
    household.conversations.delete(guest, conversation)
    assert household.conversations.newest(owner) != []
    household.conversations.restore(guest, conversation)
    assert household.conversations.newest(guest) == []


def test_deleting_uses_the_clock_of_the_household(household: Household, owner: User, clock: ManualClock) -> None:
    conversation = begin_answer(household, owner, "x")
    clock.move(days=1)
    household.conversations.delete(owner, conversation)
    assert household.conversations.trash(owner)[0].deleted_at == "2026-02-01T18:00:00.000Z"
