"""Reports of what was used: sums, gaps, and whose they are."""

from __future__ import annotations

from datetime import date

import pytest

from familychat.errors import InvalidInputError, NotAllowedError
from familychat.family.usage import UsageReports, span
from familychat.household import Household
from familychat.models import Role, UsageTotal, User

FIRST, LAST = date(2026, 1, 30), date(2026, 2, 2)


@pytest.fixture
def child(household: Household) -> User:
    return household.accounts.people.add("child", "Child", Role.MEMBER, "2026")


@pytest.fixture
def reports(household: Household, owner: User, child: User) -> UsageReports:
    for user, day, task, model, counts in (
        (owner, "2026-01-29", "general", "big", (50, 50, 50)),
        (owner, "2026-01-30", "general", "big", (1, 100, 10)),
        (child, "2026-01-30", "story", "small", (3, 30, 300)),
        (child, "2026-02-01", "general", "big", (2, 20, 20)),
        (child, "2026-02-01", "general", "", (1, 0, 0)),
        (child, "2026-02-01", "story", "", (0, 0, 0)),
    ):
        household.database.insert(
            "usage",
            {"user_id": user.id, "day": day, "task": task, "model": model, "turns": counts[0],
             "prompt_tokens": counts[1], "completion_tokens": counts[2]},
        )  # fmt: skip
    return UsageReports(household.database, household.accounts)


def test_days_come_in_their_order_without_gaps(reports: UsageReports, owner: User) -> None:
    assert reports.household(owner, "day", FIRST, LAST) == [
        UsageTotal("2026-01-30", 4, 130, 310),
        UsageTotal("2026-01-31", 0, 0, 0),
        UsageTotal("2026-02-01", 3, 20, 20),
        UsageTotal("2026-02-02", 0, 0, 0),
    ]


def test_people_models_and_tasks_come_with_the_most_turns_first(reports: UsageReports, owner: User) -> None:
    people = reports.household(owner, "person", FIRST, LAST)
    assert [(one.what, one.turns) for one in people] == [("child", 6), (owner.username, 1)]
    models = reports.household(owner, "model", FIRST, LAST)
    assert models == [UsageTotal("big", 3, 120, 30), UsageTotal("small", 3, 30, 300), UsageTotal("none", 1, 0, 0)]
    tasks = reports.household(owner, "task", FIRST, LAST)
    assert [(one.what, one.turns) for one in tasks] == [("general", 4), ("story", 3)]


def test_ones_own_are_ones_own(reports: UsageReports, child: User) -> None:
    assert [one.turns for one in reports.own(child, "day", FIRST, LAST)] == [3, 0, 3, 0]
    assert [(one.what, one.turns) for one in reports.own(child, "task", FIRST, LAST)] == [("general", 3), ("story", 3)]
    assert [one.turns for one in reports.own(child, "day", FIRST, date(2026, 2, 1))] == [3, 0, 3], "the last one counts"
    with pytest.raises(NotAllowedError):
        reports.household(child, "day", FIRST, LAST)


@pytest.mark.parametrize(
    ("days", "since", "until", "meant"),
    [
        (None, None, None, ("2026-01-02", "2026-01-31")),
        (1, None, None, ("2026-01-31", "2026-01-31")),
        (None, "2026-01-15", None, ("2026-01-15", "2026-01-31")),
        (None, None, "2025-12-31", ("2025-12-02", "2025-12-31")),
        (None, "2025-12-01", "2025-12-01", ("2025-12-01", "2025-12-01")),
        (None, None, "0001-01-01", ("0001-01-01", "0001-01-01")),
    ],
)
def test_which_days_are_meant(days: int | None, since: str | None, until: str | None, meant: tuple[str, str]) -> None:
    first, last = span(date(2026, 1, 31), days=days, since=since, until=until)
    assert (str(first), str(last)) == meant


@pytest.mark.parametrize(
    ("days", "since", "until"),
    [
        (3, "2026-01-01", None),
        (None, "soon", None),
        (None, "2026-02-30", None),
        (None, "2026-02-01", "2026-01-01"),
        (None, "0001-01-01", None),
        (None, "9999-12-31", None),
    ],
)
def test_days_that_are_none(days: int | None, since: str | None, until: str | None) -> None:
    with pytest.raises(InvalidInputError):
        span(date(2026, 1, 31), days=days, since=since, until=until)
