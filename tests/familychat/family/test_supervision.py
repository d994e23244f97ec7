"""Supervision, openly: what a supervisor sees, what stays private, and who can read that they looked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from familychat.chat import NewConversation
from familychat.errors import ConflictError, NotAllowedError, NotFoundError
from familychat.family.supervision import banner
from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Band, Conversation, Role, SupervisionLevel, User
from familychat.settings import Settings
from familychat.testing import FakeOpenAI, ManualClock

pytestmark = pytest.mark.anyio
SUMMARY, FULL = SupervisionLevel.SUMMARY, SupervisionLevel.FULL


@pytest.fixture
async def home(data_dir: object, clock: ManualClock) -> AsyncIterator[Household]:
    settings = Settings(data_dir=data_dir, server_kind="openai", server_url="http://fake", titles="words")  # type: ignore[arg-type]
    opened = Household(settings, servers=ServerChoice(settings, FakeOpenAI().transport()), clock=clock)
    yield opened
    await opened.aclose()


@pytest.fixture
def admin(home: Household) -> User:
    return home.accounts.people.all()[0]


@pytest.fixture
def mia(home: Household, admin: User) -> User:
    home.accounts.people.add("mia", "Mia", Role.MEMBER, "2026-01-01T00:00:00.000Z")
    home.accounts.set_band(admin, "mia", Band.CHILD)
    return home.accounts.get(admin, "mia")


async def say(home: Household, user: User, text: str, where: Conversation | None = None) -> Conversation:
    running = home.chat.start(user, where or NewConversation(), text)
    await running.wait()
    return running.conversation


async def test_off_until_it_is_turned_on(home: Household, admin: User, mia: User) -> None:
    chat = await say(home, mia, "A secret")
    assert home.supervisions.of(mia) is None
    for look in (
        lambda: home.supervisions.summary(admin, "mia"),
        lambda: home.supervisions.read(admin, "mia", chat.id),
    ):
        with pytest.raises(NotAllowedError, match="isn't supervised"):
            look()


async def test_a_summary_has_counts_times_and_topics(
    home: Household, admin: User, mia: User, clock: ManualClock
) -> None:
    old = await say(home, mia, "A secret from before")
    clock.move(minutes=1)
    home.supervisions.set(admin, "mia", SUMMARY)
    clock.move(minutes=1)
    await say(home, mia, "More of it", old)
    clock.move(minutes=1)
    new = await say(home, mia, "What do cats eat?")
    found = home.supervisions.summary(admin, "mia").conversations
    assert [(one.conversation_id, one.topic, one.questions, one.task) for one in found] == [
        (new.id, "What do cats eat?", 1, "general"),
        (old.id, None, 1, "general"),
    ]
    with pytest.raises(NotAllowedError, match="what was written stays private"):
        home.supervisions.read(admin, "mia", new.id)


async def test_what_was_written_before_stays_private(
    home: Household, admin: User, mia: User, clock: ManualClock
) -> None:
    chat = await say(home, mia, "A secret from before")
    other = await say(home, mia, "Another one")
    clock.move(minutes=1)
    home.supervisions.set(admin, "mia", SUMMARY)
    await say(home, mia, "While only counts were seen", chat)
    clock.move(minutes=1)
    home.supervisions.set(admin, "mia", FULL)
    clock.move(minutes=1)
    await say(home, mia, "From now on", chat)
    read = home.supervisions.read(admin, "mia", chat.short_id)
    assert [message.content for message in read] == ["From now on", "Hello there!"]
    with pytest.raises(NotFoundError, match="no such conversation since"):
        home.supervisions.read(admin, "mia", other.id)
    home.supervisions.set(admin, "mia", None)
    with pytest.raises(NotAllowedError):
        home.supervisions.read(admin, "mia", chat.id)
    clock.move(minutes=1)
    home.supervisions.set(admin, "mia", FULL)
    assert home.supervisions.summary(admin, "mia").conversations == [], "and after a pause it begins anew"


async def test_every_look_can_be_read_by_both(home: Household, admin: User, mia: User, clock: ManualClock) -> None:
    home.supervisions.set(admin, "mia", FULL)
    clock.move(minutes=1)
    chat = await say(home, mia, "Hello")
    home.supervisions.summary(admin, "mia")
    home.supervisions.read(admin, "mia", chat.id)
    looks = [(entry.actor, entry.target, entry.details) for entry in home.supervisions.looks(mia)]
    assert looks == [(admin.username, "mia", f"read {chat.short_id}"), (admin.username, "mia", "summary")]
    seen = [entry.action for entry in home.accounts.audit(admin, 9)]
    assert seen[:3] == ["supervision.look", "supervision.look", "supervision.set"]
    assert home.supervisions.looks(admin) == [], "looks at others aren't about oneself"


async def test_not_of_adults_and_no_longer_of_who_becomes_one(home: Household, admin: User, mia: User) -> None:
    with pytest.raises(ConflictError, match="adults aren't supervised"):
        home.supervisions.set(admin, admin.username, FULL)
    home.supervisions.set(admin, "mia", FULL)
    with pytest.raises(ConflictError, match="already"):
        home.supervisions.set(admin, "mia", FULL)
    home.accounts.set_band(admin, "mia", Band.TEEN)
    assert home.supervisions.of(mia) is not None
    home.accounts.set_band(admin, "mia", Band.ADULT)
    assert home.supervisions.of(mia) is None
    with pytest.raises(ConflictError, match="already"):
        home.supervisions.set(admin, "mia", None)


async def test_only_by_admins(home: Household, admin: User, mia: User) -> None:
    home.supervisions.set(admin, "mia", FULL)
    for attempt in (
        lambda: home.supervisions.set(mia, "mia", None),
        lambda: home.supervisions.summary(mia, "mia"),
        lambda: home.supervisions.read(mia, "mia", "x"),
    ):
        with pytest.raises(NotAllowedError, match="Only an admin"):
            attempt()


async def test_the_person_is_told_in_plain_words(home: Household, admin: User, mia: User) -> None:
    for level, words in ((SUMMARY, "but not what you write"), (FULL, "may read it")):
        home.supervisions.set(admin, "mia", level)
        supervision = home.supervisions.of(mia)
        assert supervision is not None
        assert words in banner(supervision)
