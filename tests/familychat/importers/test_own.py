"""familychat's own JSON: out, in, and out again."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from familychat.documents import ConversationDocument, MessageDocument, checked, encode
from familychat.errors import InvalidInputError
from familychat.household import Household
from familychat.importers import Report, bring_in
from familychat.models import Author, Parameters, Status, TitledBy, Usage, User
from familychat.settings import Settings
from familychat.store.conversations import EVERY
from familychat.testing import ManualClock

from .conftest import Bring, Stored, Write

AT = "2026-01-31T18:05:00.123Z"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
TIME = st.sampled_from([AT, "1931-05-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
DETAILS: st.SearchStrategy[Any] = st.dictionaries(
    TEXT, TEXT | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.none(), max_size=3
)
COUNT = st.none() | st.integers(0, 2**40)
SPEED = st.none() | st.floats(0, 1e9)


@st.composite
def documents(draw: st.DrawFn) -> ConversationDocument:
    ids = draw(st.lists(st.uuids().map(str), max_size=6, unique=True))
    messages = [
        MessageDocument(
            id=name,
            parent=draw(st.sampled_from([None, *ids[:at]])),
            author=draw(st.sampled_from(Author)),
            content=draw(TEXT),
            status=draw(st.sampled_from([status for status in Status if status is not Status.STREAMING])),
            created_at=draw(TIME),
            reasoning=draw(TEXT),
            model=draw(st.none() | TEXT),
            usage=Usage(draw(COUNT), draw(COUNT), draw(SPEED), draw(SPEED), draw(st.booleans())),
            error=draw(st.none() | TEXT),
            details=draw(DETAILS),
        )
        for at, name in enumerate(ids)
    ]
    return ConversationDocument(
        id=draw(st.uuids().map(str)),
        title=draw(TEXT),
        task=draw(NAME),
        created_at=draw(TIME),
        last_message_at=draw(TIME),
        messages=messages,
        head=draw(st.sampled_from([None, *ids])),
        titled_by=draw(st.sampled_from(TitledBy)),
        model=draw(st.none() | TEXT),
        parameters=Parameters(draw(st.none() | st.floats(0, 2)), None, draw(COUNT)),
        system_prompt=draw(st.none() | TEXT),
        folder=draw(st.none() | NAME),
        pinned=draw(st.booleans()),
        archived_at=draw(st.none() | TIME),
        origin=draw(st.none() | st.uuids().map(str)),
    )


@contextlib.contextmanager
def empty_household() -> Iterator[tuple[Household, User, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        home = Household(Settings(data_dir=Path(folder, "data")), clock=ManualClock())
        try:
            yield home, home.accounts.people.all()[0], Path(folder)
        finally:
            home.close()


def exported(home: Household, user: User) -> bytes:
    found = home.conversations.chosen(user, EVERY)
    return b"".join(encode(home.conversations.documents(user, found)))


@settings(max_examples=25, deadline=None)
@given(st.lists(documents(), min_size=1, max_size=3, unique_by=lambda one: one.id))
def test_out_and_in_and_out_is_the_same(whole: list[ConversationDocument]) -> None:
    written = b"".join(encode(map(checked, whole)))
    with empty_household() as (home, user, folder):
        path = folder / "chats.json"
        path.write_bytes(written)
        report = bring_in(home.conversations, user, path)
        assert (report.formats, report.added, report.skipped) == (["familychat"], len(whole), [])
        assert exported(home, user) == written
        assert bring_in(home.conversations, user, path).already_here == len(whole)


@pytest.fixture
def written() -> dict[str, Any]:
    message = MessageDocument(
        id="m", parent=None, author=Author.USER, content="Hi", status=Status.COMPLETE, created_at=AT
    )
    made = [
        ConversationDocument(
            id=name, title=name, task="general", created_at=AT, last_message_at=AT, head=f"m{name}",
            messages=[msgspec.structs.replace(message, id=f"m{name}")],
        )
        for name in ("one", "two", "three")
    ]  # fmt: skip
    value: dict[str, Any] = json.loads(b"".join(encode(made)))
    return value


def test_it_may_be_written_anew_by_others(bring: Bring, write: Write, written: dict[str, Any]) -> None:
    report = bring(write("a.json", json.dumps(written, sort_keys=True, indent=4).encode()))
    assert (report.formats, report.added) == (["familychat"], 3)
    assert bring(write("b.json", written)).already_here == 3


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("created_at", "yesterday", "isn't a time"),
        ("messages", [{}], "isn't as familychat writes it"),
        ("parameters", {"max_tokens": 2**70}, "far too large"),
        ("task", "x" * 300, "too long"),
        ("surprise", 1, "unknown field"),
        ("head", "nobody", "shown last"),
    ],
)
def test_a_broken_one_is_named(
    bring: Bring, stored: Stored, write: Write, written: dict[str, Any], key: str, value: Any, why: str
) -> None:
    written["conversations"][1][key] = value
    report: Report = bring(write("a.json", written))
    assert (report.added, report.skipped_count) == (2, 1)
    assert report.skipped[0].name == "two"
    assert why in report.skipped[0].reason
    assert [one.title for one in stored()] == ["one", "three"]


def test_two_of_one_household(bring: Bring, write: Write, written: dict[str, Any], child: User) -> None:
    """What one of them has comes in for the other as well, under other ids, and only once."""
    path = write("a.json", written)
    for _ in range(2):
        bring(path)
        bring(path, child)
    assert bring(path, child).already_here == 3
    assert bring(path, child, dry_run=True).already_here == 3


@pytest.mark.parametrize("field", ["title", "content", "details"])
def test_half_letters_stay_outside(household: Household, owner: User, written: dict[str, Any], field: str) -> None:
    document = msgspec.convert(written["conversations"][0], ConversationDocument)
    if field == "title":
        document = msgspec.structs.replace(document, title="\ud800")
    else:
        value: Any = {"a": ["\ud800"]} if field == "details" else "\ud800"
        document = msgspec.structs.replace(
            document, messages=[msgspec.structs.replace(document.messages[0], **{field: value})]
        )
    with pytest.raises(InvalidInputError, match="Unicode"):
        household.conversations.bring_in(owner, document)
