"""The audit log: what is in it, who may read which part, and what is asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from familychat import backups
from familychat.errors import FamilychatError, NotAllowedError, SignInError
from familychat.family import ownership
from familychat.family.passwords import hash_password
from familychat.household import Household
from familychat.models import Role, User
from familychat.store.audit import ABOUT_EVERYONE, AuditChoice, AuditStore, coming_from
from familychat.testing import ManualClock

PASSWORD = "quiet little river"
STORED = hash_password(PASSWORD)


@pytest.fixture
def child(household: Household) -> User:
    return household.accounts.people.add("child", "Child", Role.MEMBER, "2026-01-02", password_hash=STORED)


@pytest.fixture
def store(household: Household) -> AuditStore:
    return AuditStore(household.database)


def told(entries: list[object]) -> list[str]:
    return [entry.action for entry in entries]  # type: ignore[attr-defined]


def test_an_entry_says_who_when_from_where_and_about_whom(store: AuditStore, household: Household, child: User) -> None:
    store.add("2026-02-01", "owner", "user.look", "child", "one chat", address="192.0.2.7", about_id=child.id)
    [entry] = household.accounts.audit_about(child, 9)
    assert (entry.at, entry.actor, entry.address, entry.target, entry.about_id) == (
        "2026-02-01", "owner", "192.0.2.7", "child", child.id,
    )  # fmt: skip


def test_from_where_is_the_terminal_unless_a_front_end_says(store: AuditStore, household: Household) -> None:
    household.accounts.add(household.accounts.people.all()[0], "guest", PASSWORD)
    token = coming_from.set("2001:db8::7")
    try:
        household.accounts.disable(household.accounts.people.all()[0], "guest")
    finally:
        coming_from.reset(token)
    assert [entry.address for entry in store.newest(2)] == ["2001:db8::7", "terminal"]


def test_everybody_reads_what_concerns_them_and_nothing_else(
    household: Household, owner: User, child: User, store: AuditStore
) -> None:
    household.accounts.add(owner, "other", PASSWORD)
    household.accounts.disable(owner, "other")
    household.accounts.promote(owner, "child")
    household.accounts.demote(owner, "child")
    household.accounts.rename(owner, "child", "teen")
    store.add("2026-01-01", "computer", "backup.create", "too early", about_id=ABOUT_EVERYONE)
    store.add("2026-03-01", "computer", "backup.create", "later", about_id=ABOUT_EVERYONE)
    mine = household.accounts.audit_about(child, 50)
    assert told(mine) == ["backup.create", "user.rename", "user.demote", "user.promote"]  # type: ignore[arg-type]
    assert mine[0].target == "later", "what concerned all before they came isn't theirs"
    with pytest.raises(NotAllowedError):
        household.accounts.audit(child, 50)


def test_a_new_person_of_an_old_name_reads_nothing_of_the_old_one(
    household: Household, owner: User, child: User, clock: ManualClock
) -> None:
    household.accounts.promote(owner, "child")
    household.accounts.demote(owner, "child")
    household.accounts.remove(owner, "child")
    again = household.accounts.add(owner, "child", PASSWORD)
    assert told(household.accounts.audit_about(again, 50)) == ["user.add"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (AuditChoice(), ["c", "b", "a"]),
        (AuditChoice(actor="MUM"), ["c", "a"]),
        (AuditChoice(action="grant"), ["b", "a"]),
        (AuditChoice(action="grant."), ["b", "a"]),
        (AuditChoice(action="rant"), []),
        (AuditChoice(action="%"), []),
        (AuditChoice(since="2026-01-02T00:00:00.000Z"), ["c", "b"]),
        (AuditChoice(until="2026-01-02T00:00:00.000Z"), ["a"]),
        (AuditChoice(target="Child"), ["c", "b", "a"]),
        (AuditChoice(target="songs"), ["c"]),
        (AuditChoice(actor="mum", target="child", action="grant"), ["a"]),
    ],
)
def test_asking_the_log(
    household: Household, owner: User, child: User, store: AuditStore, chosen: AuditChoice, found: list[str]
) -> None:
    store.add("2026-01-01T10:00:00.000Z", "mum", "grant.allow", "child", "a")
    store.add("2026-01-02T00:00:00.000Z", "dad", "grant.deny", "children", "b", about_id=child.id)
    store.add("2026-01-03T10:00:00.000Z", "Mum", "music.remove", "songs", "c", about_id=child.id)
    entries = household.accounts.audit(owner, 50, chosen)
    assert [entry.details for entry in entries if entry.details in {"a", "b", "c"}] == found


def test_a_name_that_nobody_has_is_not_kept(household: Household, owner: User, child: User) -> None:
    """Somebody may have typed their password in the wrong place."""
    for name in ("child", "my secret password"):
        with pytest.raises(SignInError):
            household.sign_in.sign_in(name, "wrong one", kind="web", address="192.0.2.7")
    log = household.accounts.audit(owner, 2)
    assert [(one.actor, one.target, one.address) for one in log] == [
        ("somebody", "an unknown name", "192.0.2.7"),
        ("somebody", "child", "192.0.2.7"),
    ]
    assert told(household.accounts.audit_about(child, 9)) == ["sign-in.failed"]  # type: ignore[arg-type]


def test_signing_in_and_out_are_both_recorded_once(household: Household, child: User) -> None:
    _, token = household.sign_in.sign_in("child", PASSWORD, kind="terminal")
    household.sign_in.sign_out(token)
    household.sign_in.sign_out(token)
    assert told(household.accounts.audit_about(child, 9)) == ["sign-out", "sign-in"]  # type: ignore[arg-type]


def test_a_backup_and_its_return_concern_everybody(
    household: Household, child: User, data_dir: Path, tmp_path: Path
) -> None:
    made = backups.create(data_dir, tmp_path / "config.toml", tmp_path / "stick")
    assert made.recorded
    [entry] = household.accounts.audit_about(child, 9)
    assert (entry.action, entry.target, entry.details) == ("backup.create", str(made.path), "not encrypted")
    household.close()
    assert backups.restore(data_dir, tmp_path / "config.toml", made.path).recorded
    again = Household(household.settings)
    log = again.accounts.audit_about(child, 9)
    again.close()
    assert told(log) == ["backup.restore"], "the log is the backup's, which is older than its own entry"  # type: ignore[arg-type]


class TestResetting:
    """A new password by the computer account that owns the data folder."""

    def test_it_needs_no_sign_in_and_ends_what_was(self, household: Household, child: User) -> None:
        _, token = household.sign_in.sign_in("child", PASSWORD, kind="web")
        for _ in range(2):
            with pytest.raises(SignInError):
                household.sign_in.sign_in("child", "wrong one", kind="web")
        ownership.reset_password(household.database, "CHILD", "another long one")
        assert household.sign_in.user_of(token) is None
        household.sign_in.sign_in("child", "another long one", kind="web")
        log = household.accounts.audit_about(child, 9)
        [reset] = [one for one in log if one.action == "password.reset"]
        assert reset.actor == household.accounts.people.all()[0].os_account
        assert reset.address == "terminal"

    def test_nobody_else_may(self, household: Household, child: User) -> None:
        other = household.database.path.stat().st_uid + 1
        with pytest.raises(NotAllowedError, match="owns the data folder"):
            ownership.reset_password(household.database, "child", "another long one", account=other)
        household.sign_in.sign_in("child", PASSWORD, kind="web")

    @pytest.mark.parametrize(("name", "password"), [("nobody", "another long one"), ("child", "short")])
    def test_what_will_not_do_changes_nothing(
        self, household: Household, child: User, name: str, password: str
    ) -> None:
        with pytest.raises(FamilychatError):
            ownership.reset_password(household.database, name, password)
        household.sign_in.sign_in("child", PASSWORD, kind="web")
