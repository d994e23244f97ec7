"""Permissions: whatever the rules, a denial wins, nothing is allowed without one, and others' rules don't count."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from familychat.errors import NotAllowedError
from familychat.family.permissions import MAX_RESOURCE, check_resource, require_admin
from familychat.household import Household
from familychat.models import FOR_EVERYONE, Band, Effect, Role, Subject, User
from familychat.store.grants import GrantStore
from familychat.store.groups import GroupStore

WHO = st.sampled_from(["child", "guest", None, "group:children", "group:adults", "group:friends"])
RESOURCE = st.sampled_from(["task:music", "task:general", "task:*", "model:music", "model:*"])
RULES = st.dictionaries(st.tuples(WHO, RESOURCE), st.sampled_from(Effect), max_size=12)


@pytest.fixture
def grants(household: Household) -> GrantStore:
    household.database.execute("DELETE FROM grants")
    return GrantStore(household.database)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=RULES)
def test_the_rules_mean_what_they_say(
    household: Household, grants: GrantStore, rules: dict[tuple[str | None, str], Effect]
) -> None:
    people = household.accounts.people
    users = {
        name: people.by_username(name) or people.add(name, name.title(), Role.ADMIN, "2026")
        for name in ("child", "guest")
    }
    people.set_band(users["child"].id, Band.CHILD)
    groups = GroupStore(household.database)
    if groups.by_name("friends") is None:
        groups.add("friends", "2026")
    friends = groups.by_name("friends")
    assert friends is not None
    groups.join(friends.id, users["guest"].id)
    household.database.execute("DELETE FROM grants")
    for (who, resource), effect in rules.items():
        group = groups.by_name(who.removeprefix("group:")) if who and who.startswith("group:") else None
        subject = Subject(group_id=group.id) if group else Subject(users[who].id) if who else FOR_EVERYONE
        grants.put(subject, resource, effect, "2026")
    member_of = {"child": ("group:children",), "guest": ("group:adults", "group:friends")}
    for name, user in users.items():
        for resource in ("task:music", "task:general", "model:music", "model:maker/tiny:8b"):
            wide = resource.partition(":")[0] + ":*"
            said = {rules.get((who, what)) for who in (name, None, *member_of[name]) for what in (resource, wide)}
            assert household.permissions.may_use(user, resource) is (Effect.ALLOW in said and Effect.DENY not in said)


def test_a_refusal_says_what_and_how(household: Household, grants: GrantStore) -> None:
    child = household.accounts.people.add("child", "Child", Role.MEMBER, "2026")
    with pytest.raises(NotAllowedError, match="may not use the task music") as caught:
        household.permissions.require(child, "task:music")
    assert caught.value.hint.endswith("familychat admin grant child task:music")
    grants.put(FOR_EVERYONE, "task:music", Effect.ALLOW, "2026")
    household.permissions.require(child, "task:music")


def test_switched_off_goes_before_any_rule(household: Household, owner: User, grants: GrantStore) -> None:
    household.accounts.people.add("child", "Child", Role.ADMIN, "2026")
    grants.put(FOR_EVERYONE, "task:*", Effect.ALLOW, "2026")
    household.accounts.disable(owner, "child")
    child = household.accounts.get(owner, "child")
    with pytest.raises(NotAllowedError, match="switched off"):
        household.permissions.require(child, "task:general")
    with pytest.raises(NotAllowedError, match="Only an admin"):
        require_admin(child)


@pytest.mark.parametrize("resource", ["task:music", "model:*", "model:maker/tiny:8b", "model:two words", "task:音楽"])
def test_resources_stay_as_they_are(resource: str) -> None:
    assert check_resource(resource) == resource


def test_the_longest_resource() -> None:
    longest = "model:" + "x" * (MAX_RESOURCE - len("model:"))
    assert check_resource(longest) == longest
