"""Groups, grants, quotas and quiet hours as admins make them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from familychat.errors import ConflictError, FamilychatError, InvalidInputError, NotAllowedError, NotFoundError
from familychat.family.hours import parse_days
from familychat.household import Household
from familychat.models import Band, Effect, LimitKind, Role, User
from familychat.testing import ManualClock

MESSAGES = LimitKind.MESSAGES


@pytest.fixture
def child(household: Household, owner: User) -> User:
    household.accounts.people.add("mia", "Mia", Role.MEMBER, "2026")
    household.accounts.set_band(owner, "mia", Band.CHILD)
    return household.accounts.get(owner, "mia")


def members(home: Household, owner: User) -> dict[str, list[str]]:
    return {group.name: names for group, names in home.rules.groups(owner)}


def rules_of(home: Household, owner: User) -> list[tuple[object, ...]]:
    """Everything that the rules say, to see whether something changed."""
    return [
        *((who, grant.resource, grant.effect, grant.until) for who, grant in home.rules.grants(owner)),
        *((who, quota.kind, quota.amount) for who, quota in home.rules.quotas(owner)),
        *((who, span.weekday, span.begins, span.ends) for who, span in home.rules.hours(owner)),
        *members(home, owner).items(),
    ]


def test_an_age_decides_the_group(household: Household, owner: User, child: User) -> None:
    assert members(household, owner) == {
        "children": ["mia"], "teens": [], "adults": [owner.username], "guests": []
    }  # fmt: skip
    household.accounts.set_band(owner, "mia", Band.TEEN)
    assert members(household, owner)["teens"] == ["mia"]
    assert household.accounts.get(owner, "mia").band is Band.TEEN


def test_groups_of_ones_own(household: Household, owner: User, child: User) -> None:
    rules = household.rules
    rules.add_group(owner, "Cousins")
    rules.join(owner, "cousins", "mia")
    rules.grant(owner, "group:COUSINS", "task:music", Effect.ALLOW)
    assert household.permissions.may_use(child, "task:music")
    rules.leave(owner, "Cousins", "mia")
    assert not household.permissions.may_use(child, "task:music")
    rules.join(owner, "Cousins", "mia")
    rules.set_quota(owner, "group:Cousins", MESSAGES, 1)
    rules.remove_group(owner, "Cousins")
    assert not household.permissions.may_use(child, "task:music")
    assert rules.quotas(owner) == [], "its rules went with it"
    assert household.accounts.get(owner, "mia").active


def test_a_rule_with_an_end(household: Household, owner: User, child: User, clock: ManualClock) -> None:
    household.rules.grant(owner, "mia", "task:music", Effect.ALLOW, until=clock() + timedelta(days=2))
    assert household.permissions.may_use(child, "task:music")
    clock.move(days=2)
    assert not household.permissions.may_use(child, "task:music")
    assert [grant.until for who, grant in household.rules.grants(owner) if who == "mia"] == ["2026-02-02T18:00:00.000Z"]
    household.rules.grant(owner, "mia", "task:music", Effect.ALLOW)
    assert household.permissions.may_use(child, "task:music"), "a rule without an end replaces it"


WRONG: dict[str, tuple[Callable[[Household, User, ManualClock], object], type[FamilychatError], str]] = {
    "unknown task": (
        lambda home, by, _: home.rules.grant(by, "mia", "task:cooking", Effect.ALLOW), NotFoundError, "no task cooking",
    ),
    "unknown person": (
        lambda home, by, _: home.rules.grant(by, "nobody", "task:music", Effect.ALLOW), NotFoundError, "called nobody",
    ),
    "unknown group": (
        lambda home, by, _: home.rules.grant(by, "group:pets", "task:music", Effect.ALLOW), NotFoundError, "group pets",
    ),
    "no resource": (
        lambda home, by, _: home.rules.grant(by, "mia", "music", Effect.ALLOW), InvalidInputError, "can be granted",
    ),
    "an end that is past": (
        lambda home, by, clock: home.rules.grant(by, "mia", "task:music", Effect.ALLOW, until=clock()),
        InvalidInputError, "past already",
    ),
    "no such rule": (lambda home, by, _: home.rules.revoke(by, "mia", "task:music"), NotFoundError, "no rule"),
    "a group's name twice": (lambda home, by, _: home.rules.add_group(by, "GUESTS"), ConflictError, "already"),
    "a group without a name": (lambda home, by, _: home.rules.add_group(by, "  "), InvalidInputError, "group's name"),
    "an age band's group": (lambda home, by, _: home.rules.remove_group(by, "teens"), ConflictError, "age band"),
    "joining an age band": (lambda home, by, _: home.rules.join(by, "adults", "mia"), ConflictError, "age band"),
    "leaving where one isn't": (lambda home, by, _: home.rules.leave(by, "guests", "mia"), NotFoundError, "isn't in"),
    "less than nothing": (
        lambda home, by, _: home.rules.set_quota(by, "mia", MESSAGES, -1), InvalidInputError, "can't be -1",
    ),
    "no quota to remove": (lambda home, by, _: home.rules.remove_quota(by, "mia", MESSAGES), NotFoundError, "no quota"),
    "no quota to extend": (lambda home, by, _: home.rules.extend(by, "mia", MESSAGES, 5), ConflictError, "no quota"),
    "an overlap over midnight": (
        lambda home, by, _: home.rules.add_hours(by, "everyone", parse_days("tue"), "06:00", "08:00"),
        ConflictError, "overlaps with Monday 22:00-07:00",
    ),
    "an overlap in itself": (
        lambda home, by, _: home.rules.add_hours(by, "mia", [0, 0], "06:00", "08:00"), ConflictError, "overlaps",
    ),
    "no quiet hours": (lambda home, by, _: home.rules.remove_hours(by, "mia"), NotFoundError, "no such quiet hours"),
    "no quiet time near": (
        lambda home, by, _: home.rules.open_for(by, "mia", timedelta(minutes=5)), ConflictError, "no quiet time",
    ),
    "too much time": (
        lambda home, by, _: home.rules.open_for(by, "mia", timedelta(days=2)), InvalidInputError, "isn't a time",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_cant_be_changes_nothing(
    household: Household, owner: User, child: User, clock: ManualClock, what: str
) -> None:
    household.rules.add_hours(owner, "everyone", parse_days("mon"), "22:00", "07:00")
    before = rules_of(household, owner), household.accounts.audit(owner, 99)
    attempt, error, words = WRONG[what]
    with pytest.raises(error, match=words):
        attempt(household, owner, clock)
    assert (rules_of(household, owner), household.accounts.audit(owner, 99)) == before


def test_only_admins_make_rules(household: Household, owner: User, child: User) -> None:
    rules = household.rules
    before = rules_of(household, owner)
    attempts: list[Callable[[], object]] = [
        lambda: rules.groups(child),
        lambda: rules.group(child, "teens"),
        lambda: rules.add_group(child, "Cousins"),
        lambda: rules.remove_group(child, "guests"),
        lambda: rules.join(child, "guests", "mia"),
        lambda: rules.leave(child, "guests", "mia"),
        lambda: rules.grant(child, "everyone", "task:music", Effect.ALLOW),
        lambda: rules.grant(child, "mia", "task:music", Effect.ALLOW),
        lambda: rules.grant(child, "group:children", "task:music", Effect.ALLOW),
        lambda: rules.revoke(child, "everyone", "task:general"),
        lambda: rules.grants(child),
        lambda: rules.why(child, "mia", "task:general"),
        lambda: rules.set_quota(child, "everyone", MESSAGES, None),
        lambda: rules.remove_quota(child, "everyone", MESSAGES),
        lambda: rules.quotas(child),
        lambda: rules.add_hours(child, "everyone", [0], "21:00", "22:00"),
        lambda: rules.free_hours(child, "everyone"),
        lambda: rules.remove_hours(child, "everyone"),
        lambda: rules.hours(child),
        lambda: rules.extend(child, "mia", MESSAGES, 5),
        lambda: rules.open_for(child, "mia", timedelta(minutes=5)),
        lambda: household.accounts.set_band(child, "mia", Band.ADULT),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowedError, match="Only an admin"):
            attempt()
    assert rules_of(household, owner) == before


def test_whom_a_rule_concerns_can_read_of_it(household: Household, owner: User, child: User) -> None:
    household.rules.set_quota(owner, "mia", MESSAGES, 5)
    household.rules.add_hours(owner, "group:children", [0], "21:00", "07:00")
    household.rules.set_quota(owner, owner.username, MESSAGES, 50)
    said = [(entry.action, entry.target, entry.details) for entry in household.accounts.audit_about(child, 99)]
    assert ("quota.set", "mia", "5 messages") in said
    assert ("hours.add", "group:children", "Monday 21:00-07:00") in said
    assert not any(target == owner.username for _, target, _ in said), "what only concerns others isn't theirs to read"


def test_none_of_ones_own_and_any_again(household: Household, owner: User, child: User) -> None:
    household.rules.free_hours(owner, "mia")
    assert [span.begins for _, span in household.rules.hours(owner)] == [None]
    household.rules.add_hours(owner, "mia", [0], "21:00", "07:00")
    assert [span.begins for _, span in household.rules.hours(owner)] == ["21:00"], "none and some can't both be"
    household.rules.free_hours(owner, "mia")
    assert [span.begins for _, span in household.rules.hours(owner)] == [None]
