"""What deciding whether somebody may ask adds to a turn, with many rules and a year of usage.

The household has 10,000 grants and 200 people in 50 groups, each with quotas, quiet hours, and a year of daily use of
three tasks and two models. A decision is all that a turn asks of the rules: may this person ask with this task now and
with this model, and what are they reminded of. Counting is that of the question and its answer, without its commit,
which it shares with the question that is stored.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measuring import Row, finish, median, percentile, report

from familychat.household import Household
from familychat.models import Band, Effect, LimitKind, Role, Subject, Usage, User
from familychat.settings import Settings
from familychat.store.grants import GrantStore
from familychat.store.groups import GroupStore
from familychat.store.usage import UsageStore

GRANTS = 10_000
PEOPLE = 200
GROUPS = 50
DAYS = 365
TIMES = 400
AT = "2026-01-01T00:00:00.000Z"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def fill(home: Household) -> list[User]:
    """The household, always the same."""
    chance = random.Random(3)
    admin = home.accounts.people.all()[0]
    groups = GroupStore(home.database)
    grants = GrantStore(home.database)
    with home.database.transaction():
        users = [home.accounts.people.add(f"person{n}", f"Person {n}", Role.MEMBER, AT) for n in range(PEOPLE)]
        for number, user in enumerate(users):
            home.accounts.people.set_band(user.id, list(Band)[number % 3])
        for number in range(GROUPS):
            groups.add(f"group{number}", AT)
        ids = [group.id for group in groups.all() if group.band is None]
        for user in users:
            for group_id in chance.sample(ids, 5):
                groups.join(group_id, user.id)
        subjects = [*(Subject(user.id) for user in users), *(Subject(group_id=one) for one in ids)]
        for number in range(GRANTS):
            resource = chance.choice((f"model:maker/model{number % 97}", f"library:list{number % 211}", "task:music"))
            grants.put(
                chance.choice(subjects), f"{resource}{number if 'music' not in resource else ''}", Effect.ALLOW, AT
            )
        for who in ("everyone", "group:children", "group:teens", *(f"group:group{n}" for n in range(GROUPS))):
            home.rules.set_quota(admin, who, LimitKind.MESSAGES, 500)
            home.rules.set_quota(admin, who, LimitKind.TOKENS, 1_000_000)
            home.rules.add_hours(admin, who, range(7), "21:00", "07:00")
        home.database.execute_many(
            "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (user.id, (NOW - timedelta(days=day)).date().isoformat(), task, model, 5, 900, 400)
                for user in users
                for day in range(DAYS)
                for task in ("general", "homework", "story")
                for model in ("tiny", "large")
            ),
        )
    return users


def timed(users: list[User], work: Callable[[User], object]) -> list[float]:
    """Milliseconds for each of many people."""
    took = []
    for number in range(TIMES):
        user = users[number * 7 % len(users)]
        began = time.perf_counter()
        work(user)
        took.append((time.perf_counter() - began) * 1000)
    return took


def main() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", time_zone="Europe/Berlin")
        home = Household(settings, clock=lambda: NOW)
        users = fill(home)
        permissions, limits = home.permissions, home.limits

        def decide(user: User) -> None:
            permissions.require_turn(user, "general")
            permissions.require(user, "model:tiny")
            limits.reminders(user)

        def count(user: User) -> None:
            day = limits.count_turn(user, "general")
            usage.finish(user.id, day, "general", "tiny", Usage(900, 400))

        usage = UsageStore(home.database)
        with home.database.transaction():
            decided = timed(users, decide)
            counted = timed(users, count)
        home.close()
    both = [one + other for one, other in zip(decided, counted, strict=True)]
    return report(
        "Deciding",
        [
            Row("a decision", median(decided), "ms"),
            Row("counting", median(counted), "ms"),
            Row("both, median", median(both), "ms", 1.0),
            Row("both, 95th percentile", percentile(both, 0.95), "ms"),
        ],
    )


if __name__ == "__main__":
    finish(main())
