"""Search, opening, and taking along, in a household of 8 people with 100,000 conversations and 1,000,000 messages.

Words come as often as they do in real texts (Zipf's law, 30,000 different words). The same queries are then asked with
ten times as much of the other people's data. ``--messages N`` makes a smaller household, for a quick look.
"""

from __future__ import annotations

import itertools
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from measuring import Row, finish, median, report

from familychat.clock import new_id
from familychat.documents import ConversationDocument, MessageDocument
from familychat.household import Household
from familychat.models import Author, Role, Status, User
from familychat.settings import Settings

MESSAGES = 1_000_000
PEOPLE = 8
PER_CONVERSATION = 10
LONG = 2_000
WORDS = 30_000
TEXTS = 50_000
"""So many different messages of 5 to 80 words, over and over."""
LENGTHS = (5, 10, 20, 40, 80)
TOGETHER = 250
"""Conversations that are stored at once, as an import does it."""
QUERIES = 200
EXPORT = """
import resource
import sys
from pathlib import Path
from familychat.documents import encode
from familychat.household import Household
from familychat.settings import Settings
from familychat.store.conversations import EVERY

home = Household(Settings(data_dir=Path(sys.argv[1])))
user = home.accounts.people.all()[1]
size = sum(map(len, encode(home.conversations.documents(user, home.conversations.chosen(user, EVERY)))))
print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Writer:
    """Writes the same household each time."""

    def __init__(self) -> None:
        self.chance = random.Random(11)
        syllables = [one + two for one in "bdfgklmnprstvz" for two in "aeiou"]
        self.words = sorted(
            {"".join(self.chance.choices(syllables, k=self.chance.randint(1, 4))) for _ in range(WORDS * 2)}
        )
        self.chance.shuffle(self.words)
        del self.words[WORDS:]
        weights = list(itertools.accumulate(1 / rank for rank in range(1, len(self.words) + 1)))
        self.texts = [
            " ".join(self.chance.choices(self.words, cum_weights=weights, k=self.chance.choice(LENGTHS)))
            for _ in range(TEXTS)
        ]

    def conversation(self, messages: int, at: int) -> ConversationDocument:
        ids = [new_id() for _ in range(messages)]
        day = f"20{10 + at % 16}-{1 + at % 12:02}-{1 + at % 28:02}T12:00:00.000Z"
        written = [
            MessageDocument(
                id=own,
                parent=before,
                author=(Author.USER, Author.ASSISTANT)[place % 2],
                content=self.chance.choice(self.texts),
                status=Status.COMPLETE,
                created_at=day,
            )
            for place, (own, before) in enumerate(zip(ids, [None, *ids], strict=False))
        ]
        title = self.chance.choice(self.texts)[:40]
        return ConversationDocument(
            id=new_id(),
            title=title,
            task="general",
            created_at=day,
            last_message_at=day,
            messages=written,
            head=ids[-1],
        )


def seed(home: Household, users: list[User], messages: int, writer: Writer) -> float:
    """Write so many messages for these people; returns the seconds that storing took."""
    seconds = 0.0
    conversations = (
        (at % len(users), writer.conversation(PER_CONVERSATION, at)) for at in range(messages // PER_CONVERSATION)
    )
    while some := list(itertools.islice(conversations, TOGETHER * len(users))):
        by_person: dict[int, list[ConversationDocument]] = {}
        for person, document in some:
            by_person.setdefault(person, []).append(document)
        began = time.perf_counter()
        for person, documents in by_person.items():
            home.conversations.bring_in_all(users[person], documents)
        seconds += time.perf_counter() - began
    return seconds


def queries(writer: Writer, seed: int) -> list[str]:
    """Rare and common words, pairs, phrases, and beginnings."""
    common, middle, rare = writer.words[:50], writer.words[200:3000], writer.words[10_000:]
    chance = random.Random(seed)
    kinds: list[Callable[[], str]] = [
        lambda: chance.choice(rare),
        lambda: chance.choice(common),
        lambda: chance.choice(middle),
        lambda: f"{chance.choice(common)} {chance.choice(middle)}",
        lambda: f'"{chance.choice(common)} {chance.choice(common)}"',
        lambda: f"{chance.choice(middle)[:4]}*",
        lambda: f"{chance.choice(rare)[:5]}*",
        lambda: f"{chance.choice(common)} -{chance.choice(middle)}",
    ]
    return [kinds[at % len(kinds)]() for at in range(QUERIES)]


def timed(work: Callable[[str], object], texts: list[str]) -> list[float]:
    """Milliseconds of each."""
    found = []
    for text in texts:
        began = time.perf_counter()
        work(text)
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def p95(values: list[float]) -> float:
    return values[int(len(values) * 0.95)]


def like(home: Household, user: User) -> Callable[[str], object]:
    """The plain scan that the index saves: one person's messages, with LIKE."""

    def scan(text: str) -> object:
        word = text.strip('"*').split(" -", maxsplit=1)[0].rstrip("*")
        return home.database.rows(
            "SELECT m.id FROM messages m JOIN conversations c ON c.id = m.conversation_id "
            "WHERE c.owner_id = ? AND m.content LIKE ? ORDER BY m.number DESC LIMIT 20",
            [user.id, f"%{word}%"],
        )

    return scan


def people(home: Household) -> Iterator[User]:
    for number in range(PEOPLE):
        yield home.accounts.people.add(f"person{number}", f"Person {number}", Role.MEMBER, "2026-01-01T00:00:00.000Z")


def main(messages: int = MESSAGES) -> list[Row]:
    """Measure all of it."""
    writer = Writer()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        home = Household(Settings(data_dir=folder, trash_days=0))
        users = list(people(home))
        seconds = seed(home, users, messages, writer)
        mine, others = users[0], users[1:]
        texts, earlier = queries(writer, 5), queries(writer, 6)

        def search(text: str) -> object:
            return home.search.find(mine, text)

        timed(search, earlier)  # a household that has been searched before
        before = timed(search, texts)
        scans = timed(like(home, mine), texts[:16])
        long = home.conversations.bring_in(mine, writer.conversation(LONG, 0))
        assert long is not None
        opening = timed(lambda _: home.conversations.messages(mine, long, limit=50), [""] * 50)
        home.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        exported = subprocess.run(
            [sys.executable, "-c", EXPORT, str(folder)], capture_output=True, text=True, check=True
        )
        size, most = json.loads(f"[{exported.stdout.replace(' ', ',')}]")
        seed(home, others, messages // PEOPLE * (PEOPLE - 1) * 9, writer)
        timed(search, earlier)
        grown = timed(search, texts)
        home.close()
    return report(
        "Searching",
        [
            Row(f"seeding {messages:,} messages", messages / seconds / 1000, "thousand/s"),
            Row("seeding, time for 20,000 messages", seconds / messages * 20_000, "s", 1.0),
            Row("a search, median", median(before), "ms"),
            Row("a search, 95th percentile", p95(before), "ms", 30),
            Row("a scan with LIKE, median", median(scans), "ms"),
            Row("LIKE takes so many times as long", median(scans) / median(before), "times"),
            Row("a search with ten times of the others' data, median", median(grown), "ms"),
            Row("a search with ten times of the others' data, 95th percentile", p95(grown), "ms"),
            Row("growth of the 95th percentile by the others' data", p95(grown) / p95(before), "times", 1.5),
            Row(f"opening {LONG:,} messages (the newest 50)", median(opening), "ms", 5),
            Row(f"exporting {size / 1e6:.0f} MB to JSON: most memory", most / 1024, "MB", 200),
            Row("most memory here", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB"),
        ],
    )


if __name__ == "__main__":
    finish(main(int(sys.argv[sys.argv.index("--messages") + 1]) if "--messages" in sys.argv else MESSAGES))
