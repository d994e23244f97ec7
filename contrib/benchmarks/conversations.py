"""Listing the newest 50 of 100,000 conversations, and opening one of 2,000 messages at its newest 50."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measuring import Row, finish, median, percentile, report

from familychat.household import Household
from familychat.models import Conversation, User
from familychat.settings import Settings
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore

MINE, OTHERS, MESSAGES = 100_000, 20_000, 2_000
CALLS = 200


def seed(home: Household, user: User, other: User) -> Conversation:
    """Fill the household; returns the long conversation."""
    conversations, messages = ConversationStore(home.database), MessageStore(home.database)
    with home.database.transaction():
        for number in range(MINE):
            at = f"2026-01-01T00:00:00.{number % 1000:03}Z"
            conversations.add(user.id, at, title=f"Conversation {number}", task="general")
            if number % (MINE // OTHERS) == 0:
                conversations.add(other.id, at, title="Somebody else's", task="general")
        long = conversations.add(user.id, "2026-06-01", title="Long", task="general")
        parent = None
        for number in range(MESSAGES):
            parent = messages.add_question(long, f"Message {number} " + "word " * 50, parent, "2026-06-01").id
    return conversations.get(user.id, long.id)


def milliseconds(call: Callable[[], object], calls: int = CALLS) -> list[float]:
    """How long each of the calls took."""
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> bool:
    """Seed a household and time it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Household(Settings(data_dir=Path(folder)))
        user = home.accounts.people.all()[0]
        other = home.accounts.add(user, "other", "quiet little river")
        began = time.perf_counter()
        long = seed(home, user, other)
        rate = (MINE + OTHERS + MESSAGES) / (time.perf_counter() - began)
        listing = milliseconds(lambda: home.conversations.newest(user, 50))
        last = home.conversations.newest(user, 50)[-1]
        paging = milliseconds(lambda: home.conversations.newest(user, 50, before=last))
        query = (
            "SELECT id, title FROM conversations NOT INDEXED WHERE owner_id = ? ORDER BY last_message_at DESC LIMIT 50"
        )
        scanning = milliseconds(lambda: home.database.rows(query, [user.id]), 10)
        opening = milliseconds(lambda: home.conversations.messages(user, long, limit=50))
        home.close()
    return report(
        f"{MINE:,} conversations of one person, {OTHERS:,} of another",
        [
            Row("seeding", rate, "rows/s"),
            Row("newest 50, median", median(listing), "ms", 5),
            Row("newest 50, p95", percentile(listing, 0.95), "ms", 5),
            Row("the next 50, median", median(paging), "ms", 5),
            Row("without the index, median", median(scanning), "ms"),
            Row("with the index, share of that", median(listing) / median(scanning), "times"),
            Row(f"newest 50 of {MESSAGES:,} messages, median", median(opening), "ms", 5),
        ],
    )


if __name__ == "__main__":
    finish(main())
