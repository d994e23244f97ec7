"""Who may ask something, as a table: tests/fixtures/permissions.csv has a person, their rules, and what is decided.

Rules are for the person (own), their age band's group, and everyone. ``allow*`` is for all tasks, ``allow!`` has ended,
``allow~`` ends tomorrow, ``other`` is about another task. It is Wednesday, 21:30, in Berlin.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from familychat.errors import NotAllowedError, QuietHoursError, QuotaReachedError
from familychat.family.rules import HouseRules
from familychat.household import Household
from familychat.models import Band, Effect, LimitKind, Role, Usage, User
from familychat.settings import Settings
from familychat.store.grants import GrantStore
from familychat.store.usage import UsageStore
from familychat.testing import ManualClock

TABLE = Path(__file__).parents[2] / "fixtures" / "permissions.csv"
NOW = datetime(2026, 3, 4, 20, 30, tzinfo=UTC)
DAY = "2026-03-04"
CASES = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))
GROUPS = {"child": "children", "teen": "teens", "adult": "adults"}
WORDS = {
    "account": "Your account is switched off",
    "task": "task general is switched off",
    "grant": "may not use the task",
}

MESSAGES, TOKENS = LimitKind.MESSAGES, LimitKind.TOKENS
Set = Callable[[HouseRules, User, str, str], None]


def both(rules: HouseRules, by: User, *quotas: tuple[str, int | None]) -> None:
    for who, amount in quotas:
        rules.set_quota(by, who, MESSAGES, amount)


def extended(rules: HouseRules, by: User, who: str) -> None:
    rules.set_quota(by, who, MESSAGES, 3)
    assert rules.extend(by, who, MESSAGES, 1) == 1


def freed(rules: HouseRules, by: User, who: str, group: str) -> None:
    rules.add_hours(by, group, WEDNESDAY, "21:00", "23:00")
    rules.free_hours(by, who)


def two_spans(rules: HouseRules, by: User, who: str, group: str) -> None:
    rules.add_hours(by, group, WEDNESDAY, "21:00", "23:00")
    rules.add_hours(by, who, WEDNESDAY, "22:00", "23:00")


def opened(rules: HouseRules, by: User, who: str) -> None:
    rules.add_hours(by, who, WEDNESDAY, "21:00", "23:00")
    assert rules.open_for(by, who, timedelta(minutes=10)) == NOW + timedelta(minutes=10)


# Three questions and 30 tokens are used.
QUOTAS: dict[str, Set] = {
    "none": lambda rules, by, who, group: None,
    "left": lambda rules, by, who, group: rules.set_quota(by, who, MESSAGES, 4),
    "used": lambda rules, by, who, group: rules.set_quota(by, who, MESSAGES, 3),
    "own-left": lambda rules, by, who, group: both(rules, by, (who, 9), (group, 1)),
    "own-none": lambda rules, by, who, group: both(rules, by, (who, None), (group, 1)),
    "group-used": lambda rules, by, who, group: both(rules, by, (group, 2), ("everyone", 100)),
    "everyone-used": lambda rules, by, who, group: rules.set_quota(by, "everyone", MESSAGES, 1),
    "tokens-used": lambda rules, by, who, group: rules.set_quota(by, group, TOKENS, 30),
    "zero": lambda rules, by, who, group: rules.set_quota(by, who, MESSAGES, 0),
    "extended": lambda rules, by, who, group: extended(rules, by, who),
}
WEDNESDAY, THURSDAY, TUESDAY = [2], [3], [1]
HOURS: dict[str, Set] = {
    "none": lambda rules, by, who, group: None,
    "quiet": lambda rules, by, who, group: rules.add_hours(by, who, WEDNESDAY, "21:00", "07:00"),
    "over": lambda rules, by, who, group: rules.add_hours(by, who, WEDNESDAY, "20:00", "21:30"),
    "group-quiet": lambda rules, by, who, group: rules.add_hours(by, group, WEDNESDAY, "21:30", "22:00"),
    "everyone-quiet": lambda rules, by, who, group: rules.add_hours(by, "everyone", range(7), "00:00", "24:00"),
    "other-day": lambda rules, by, who, group: rules.add_hours(by, who, THURSDAY, "21:00", "23:00"),
    "midnight": lambda rules, by, who, group: rules.add_hours(by, who, TUESDAY, "22:00", "21:31"),
    "own-free": freed,
    "own-over-group-quiet": two_spans,
    "opened": lambda rules, by, who, group: opened(rules, by, who),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("decisions"), time_zone="Europe/Berlin")
    home = Household(settings, clock=ManualClock(NOW))
    yield home
    home.close()


@pytest.fixture
def home(shared: Household) -> Household:
    """Without any rule, and with nobody but its first admin."""
    for table in ("grants", "quotas", "quiet_hours", "extensions", "switched_off_tasks"):
        shared.database.execute(f"DELETE FROM {table}")
    shared.database.execute("DELETE FROM users WHERE username = 'somebody'")
    return shared


@pytest.mark.parametrize("case", CASES, ids=lambda case: "/".join(case.values()))
def test_a_decision(home: Household, case: dict[str, str]) -> None:
    by = home.accounts.people.all()[0]
    user = home.accounts.people.add("somebody", "Somebody", Role(case["role"]), "2026")
    home.accounts.set_band(by, "somebody", Band(case["band"]))
    group = f"group:{GROUPS[case['band']]}"
    usage = UsageStore(home.database)
    for tokens in (None, None, 15):
        usage.begin(user.id, DAY, "general")
        usage.finish(user.id, DAY, "general", "tiny", Usage(tokens, tokens))
    for who, rule in (("somebody", case["own"]), (group, case["group"]), ("everyone", case["everyone"])):
        put(home, by, who, rule)
    QUOTAS[case["quota"]](home.rules, by, "somebody", group)
    HOURS[case["hours"]](home.rules, by, "somebody", group)
    if case["state"] == "disabled":
        home.accounts.disable(by, "somebody")
    if case["state"] == "task-off":
        home.task_shelf.switch(by, "general", off=True)
    assert decided(home, user) == case["expected"]
    steps = home.rules.why(by, "somebody", "task:general")
    assert all(step.is_fine for step in steps) is (case["expected"] == "yes")


def put(home: Household, by: User, who: str, rule: str) -> None:
    if rule == "-":
        return
    effect = Effect.DENY if rule.startswith("deny") else Effect.ALLOW
    resource = "task:*" if rule.endswith("*") else "task:story" if rule.endswith("other") else "task:general"
    until = NOW + timedelta(days=1) if rule.endswith(("~", "!")) else None
    home.rules.grant(by, who, resource, effect, until=until)
    if rule.endswith("!"):
        (mine,) = [grant for name, grant in home.rules.grants(by) if name == who]
        GrantStore(home.database).put(mine.subject, resource, effect, "2026", until="2026-03-04T20:30:00.000Z")


def decided(home: Household, user: User) -> str:
    try:
        home.permissions.require_turn(user, "general")
    except QuietHoursError:
        return "quiet"
    except QuotaReachedError:
        return "quota"
    except NotAllowedError as error:
        return next(what for what, words in WORDS.items() if words in error.message)
    return "yes"


def test_the_table_is_large_and_holds_every_outcome() -> None:
    assert len(CASES) >= 200
    assert {case["expected"] for case in CASES} == {"yes", "account", "task", "grant", "quiet", "quota"}
