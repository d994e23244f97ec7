"""The household's own rules: only admins change them, each change is audited, and each holds at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from familychat.errors import ConflictError, FamilychatError, InvalidInputError, NotAllowedError, NotFoundError
from familychat.family.safety.filter import title_is_fine
from familychat.family.safety.prompts import band_prompt, shipped_prompt
from familychat.family.safety.rules import LONGEST_PROMPT, Safety
from familychat.household import Household
from familychat.models import Band, User
from familychat.store.audit import ABOUT_EVERYONE, AuditStore
from familychat.store.safety import SafetyEvent, SafetyStore
from familychat.testing import ManualClock

PASSWORD = "quiet little river"


@pytest.fixture
def safety(household: Household, clock: ManualClock) -> Safety:
    return Safety(household.database, clock)


@pytest.fixture
def child(household: Household, owner: User) -> User:
    return household.accounts.add(owner, "kim", PASSWORD)


def test_how_it_is_at_first(safety: Safety, owner: User) -> None:
    assert [(one.band, one.filtered, one.own_prompt) for one in safety.bands(owner)] == [
        (Band.CHILD, True, False),
        (Band.TEEN, False, False),
        (Band.ADULT, False, False),
    ]
    assert [bool(one.prompt) for one in safety.bands(owner)] == [True, True, False]
    assert not safety.checks_by_model(owner)
    assert all(topic.active and not topic.own for topic in safety.topics(owner))


def test_changes_hold_and_are_audited(safety: Safety, owner: User, household: Household) -> None:
    safety.set_prompt(owner, Band.CHILD, "  Be brief.\n")
    assert band_prompt(household.database, Band.CHILD) == "Be brief."
    safety.set_prompt(owner, Band.CHILD, None)
    assert band_prompt(household.database, Band.CHILD) == shipped_prompt(Band.CHILD)
    safety.require(owner, Band.TEEN)
    safety.lift(owner, Band.CHILD)
    safety.check_by_model(owner, wanted=True)
    safety.add_topic(owner, "Swearing", ["damn", "bloody  hell"])
    safety.switch_topic(owner, "swearing", active=False)
    safety.switch_topic(owner, "SEX", active=False)
    safety.switch_topic(owner, "sex", active=True)
    assert [one.filtered for one in safety.bands(owner)] == [False, True, False]
    assert safety.checks_by_model(owner)
    known = {topic.name: topic for topic in safety.topics(owner)}
    assert (known["Swearing"].own, known["Swearing"].active, len(known["Swearing"].phrases)) == (True, False, 2)
    assert known["sex"].active
    assert len(known["sex"].phrases) > 2, "switching a shipped topic keeps its words"
    safety.remove_topic(owner, "swearing")
    assert "Swearing" not in {topic.name for topic in safety.topics(owner)}
    entries = AuditStore(household.database).newest(20)
    actions = [(entry.action, entry.target) for entry in reversed(entries) if entry.action.startswith("safety.")]
    assert actions == [
        ("safety.prompt", "child"),
        ("safety.prompt", "child"),
        ("safety.require", "teen"),
        ("safety.lift", "child"),
        ("safety.check", "model"),
        ("safety.topic.add", "Swearing"),
        ("safety.topic.off", "Swearing"),
        ("safety.topic.off", "sex"),
        ("safety.topic.on", "sex"),
        ("safety.topic.remove", "Swearing"),
    ]
    assert {entry.about_id for entry in entries if entry.action.startswith("safety.")} == {ABOUT_EVERYONE}


CHANGES: dict[str, Callable[[Safety, User], object]] = {
    "bands": lambda safety, by: safety.bands(by),
    "prompt": lambda safety, by: safety.set_prompt(by, Band.CHILD, "x"),
    "require": lambda safety, by: safety.require(by, Band.TEEN),
    "lift": lambda safety, by: safety.lift(by, Band.CHILD),
    "check": lambda safety, by: safety.check_by_model(by, wanted=True),
    "checks": lambda safety, by: safety.checks_by_model(by),
    "topics": lambda safety, by: safety.topics(by),
    "add": lambda safety, by: safety.add_topic(by, "x", ["damn"]),
    "remove": lambda safety, by: safety.remove_topic(by, "sex"),
    "switch": lambda safety, by: safety.switch_topic(by, "sex", active=False),
    "events": lambda safety, by: safety.events(by, "kim"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_only_admins(
    safety: Safety, child: User, household: Household, change: Callable[[Safety, User], object]
) -> None:
    before = (len(AuditStore(household.database).newest(50)), SafetyStore(household.database).topics())
    with pytest.raises(NotAllowedError):
        change(safety, child)
    assert (len(AuditStore(household.database).newest(50)), SafetyStore(household.database).topics()) == before


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda s, o: s.set_prompt(o, Band.CHILD, " "), InvalidInputError),
        (lambda s, o: s.set_prompt(o, Band.CHILD, "x" * (LONGEST_PROMPT + 1)), InvalidInputError),
        (lambda s, o: s.add_topic(o, "", ["damn"]), InvalidInputError),
        (lambda s, o: s.add_topic(o, "mine", []), InvalidInputError),
        (lambda s, o: s.add_topic(o, "mine", ["x" * 101]), InvalidInputError),
        (lambda s, o: s.add_topic(o, "mine", ["damn", "?"]), InvalidInputError),
        (lambda s, o: s.add_topic(o, "SEX", ["damn"]), ConflictError),
        (lambda s, o: s.remove_topic(o, "sex"), ConflictError),
        (lambda s, o: s.remove_topic(o, "nonsense"), NotFoundError),
        (lambda s, o: s.switch_topic(o, "nonsense", active=False), NotFoundError),
        (lambda s, o: s.events(o, "nobody"), NotFoundError),
        (lambda s, o: s.events(o, "kim"), NotAllowedError),
    ],
)
def test_what_is_refused_changes_nothing(
    safety: Safety,
    owner: User,
    child: User,
    household: Household,
    change: Callable[[Safety, User], object],
    error: type[FamilychatError],
) -> None:
    before = len(AuditStore(household.database).newest(50))
    with pytest.raises(error):
        change(safety, owner)
    assert len(AuditStore(household.database).newest(50)) == before
    assert SafetyStore(household.database).topics() == ()


def test_events_are_shown_from_the_beginning_of_supervision_on(
    safety: Safety, owner: User, child: User, household: Household
) -> None:
    store = SafetyStore(household.database)
    event = SafetyEvent("2026-01-01T10:00:00.000Z", "drugs", "question", "words", None)
    assert not store.note(child.id, event), "nobody supervises them"
    household.database.execute("INSERT INTO supervision VALUES (?, 'summary', '2026-01-01')", [child.id])
    assert store.note(child.id, event)
    household.database.execute("UPDATE supervision SET since = '2026-02-01'")
    later = SafetyEvent("2026-02-01T10:00:00.000Z", "sex", "answer", "model", "abc")
    assert store.note(child.id, later)
    assert safety.events(owner, "KIM") == [later]
    look = AuditStore(household.database).newest(1)[0]
    assert (look.action, look.actor, look.target, look.about_id) == (
        "supervision.look",
        owner.username,
        "kim",
        child.id,
    )


def test_titles(owner: User, household: Household) -> None:
    assert title_is_fine(household.database, owner, "All about sex")
    household.database.execute("UPDATE users SET band = 'child' WHERE id = ?", [owner.id])
    child = household.accounts.people.all()[0]
    assert not title_is_fine(household.database, child, "All about sex")
    assert title_is_fine(household.database, child, "All about Essex")
