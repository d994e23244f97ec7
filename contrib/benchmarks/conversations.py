"""Listing the newest 50 of 100,000 conversations, paging on, and opening one of 2,000 messages at its newest 50.

Times are milliseconds per call in one process, with the database's pages in memory.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measuring import Row, finish, median, percentile, report

from familychat.clock import timestamp
from familychat.household import Household
from familychat.models import Conversation, User
from familychat.settings import Settings
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore

MINE, OTHERS, MESSAGES = 100_000, 20_000, 2_000
CALLS, SCANS, PAGE = 200, 15, 50
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
LISTING = "WHERE owner_id = ? AND deleted_at IS NULL ORDER BY last_message_at DESC, id DESC LIMIT 50"


def moment(number: int) -> str:
    """Ten minutes between one conversation and the next."""
    return timestamp(BEGINNING + timedelta(minutes=10 * number))


class Seeder:
    """Fills a household through its stores, and counts the rows."""

    def __init__(self, home: Household) -> None:
        self._database = home.database
        self._conversations = ConversationStore(home.database)
        self._messages = MessageStore(home.database)
        self.rows = 0

    def fill(self, user: User, other: User) -> Conversation:
        """One or two messages in each conversation, all in one transaction; returns the long conversation."""
        with self._database.transaction():
            for number in range(MINE):
                self._add(user, number, messages=1 + number % 2)
                if number % (MINE // OTHERS) == 0:
                    self._add(other, number, messages=1)
            return self._add(user, MINE, messages=MESSAGES)

    def _add(self, user: User, number: int, *, messages: int) -> Conversation:
        at = moment(number)
        conversation = self._conversations.add(user.id, at, title=f"Conversation {number}", task="general")
        parent = None
        for position in range(messages):
            parent = self._messages.add_question(conversation, f"Message {position} " + "word " * 50, parent, at).id
        self.rows += 1 + messages
        return conversation


def milliseconds(call: Callable[[], object]) -> float:
    """How long one call took."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def later_pages(home: Household, user: User) -> list[float]:
    """Milliseconds of each page after the first, one after another."""
    page, times = home.conversations.newest(user, PAGE), []
    for _ in range(CALLS):
        began = time.perf_counter()
        page = home.conversations.newest(user, PAGE, before=page[-1])
        times.append((time.perf_counter() - began) * 1000)
        assert len(page) == PAGE
    return times


def scan_against_index(home: Household, user: User) -> tuple[list[float], list[float]]:
    """Milliseconds of the list's query as it is and without its index, in turn."""
    as_it_is = f"SELECT * FROM conversations {LISTING}"
    scanning = f"SELECT * FROM conversations NOT INDEXED {LISTING}"
    assert [row["id"] for row in home.database.rows(as_it_is, [user.id])] == [
        row["id"] for row in home.database.rows(scanning, [user.id])
    ]
    pairs = [
        (
            milliseconds(lambda: home.database.rows(as_it_is, [user.id])),
            milliseconds(lambda: home.database.rows(scanning, [user.id])),
        )
        for _ in range(SCANS)
    ]
    return [one for one, _ in pairs], [two for _, two in pairs]


def measure(home: Household) -> list[Row]:
    """Seed a household and time it."""
    user = home.accounts.people.all()[0]
    other = home.accounts.add(user, "other", "quiet little river")
    seeder = Seeder(home)
    began = time.perf_counter()
    long = seeder.fill(user, other)
    rate = seeder.rows / (time.perf_counter() - began)
    long = home.conversations.get(user, long.id)
    listing = [milliseconds(lambda: home.conversations.newest(user, PAGE)) for _ in range(CALLS)]
    paging = later_pages(home, user)
    indexed, scanned = scan_against_index(home, user)
    opening = [milliseconds(lambda: home.conversations.messages(user, long, limit=PAGE)) for _ in range(CALLS)]
    return [
        Row("seeding, in one transaction", rate, "rows/s"),
        Row("newest 50, median", median(listing), "ms", 5),
        Row("newest 50, p95", percentile(listing, 0.95), "ms", 5),
        Row(f"each of the next {CALLS} pages, median", median(paging), "ms", 5),
        Row(f"each of the next {CALLS} pages, p95", percentile(paging, 0.95), "ms", 5),
        Row("the query alone, median", median(indexed), "ms"),
        Row("the query without its index, median", median(scanned), "ms"),
        Row("without the index, against with it", median(scanned) / median(indexed), "times"),
        Row(f"newest 50 of {MESSAGES:,} messages, median", median(opening), "ms", 5),
        Row(f"newest 50 of {MESSAGES:,} messages, p95", percentile(opening, 0.95), "ms", 5),
    ]


def main() -> list[Row]:
    """Measure in a household of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Household(Settings(data_dir=Path(folder)))
        try:
            rows = measure(home)
        finally:
            home.close()
    return report(f"{MINE:,} conversations of one person, {OTHERS:,} of another", rows)


if __name__ == "__main__":
    finish(main())
