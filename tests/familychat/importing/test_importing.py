"""Conversations from elsewhere: every format, twice, broken, hostile; and our own, byte for byte."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from familychat.documents import ConversationDocument, MessageDocument, encode
from familychat.errors import FamilychatError, ImportRefusedError, NotFoundError
from familychat.household import Household
from familychat.importing import Report, bring_in_all, reading
from familychat.models import Author, Conversation, Role, Status, User
from familychat.store.conversations import EVERY

AT = "2026-01-31T18:05:00.123Z"


def node(key: str, parent: str | None, role: str, text: str, **more: Any) -> dict[str, Any]:
    message = {"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}, "create_time": 1.7e9}
    return {"id": key, "parent": parent, "message": {**message, **more}}


CHATGPT = {
    "title": "Pancakes", "create_time": 1_700_000_000.5, "update_time": 1_700_000_100, "current_node": "a2",
    "conversation_id": "11-22", "default_model_slug": "gpt-x",
    "mapping": {
        "root": {"id": "root", "parent": None, "message": None},
        "s": node("s", "root", "system", ""),
        "q": node("q", "s", "user", "How do I make pancakes?"),
        "t": node("t", "q", "assistant", "", content={"content_type": "thoughts", "thoughts": [{"content": "Flour?"}]}),
        "a1": node("a1", "t", "assistant", "Mix flour.", metadata={"model_slug": "gpt-x"}),
        "a2": node("a2", "q", "assistant", "Buy them."),
        "tool": node("tool", "a1", "tool", "secret output"),
        "q2": node("q2", "tool", "user", "", content={"content_type": "multimodal_text", "parts": [
            {"content_type": "image_asset_pointer"}, "And this?"]}),
    },
}  # fmt: skip
CLAUDE = {
    "uuid": "c-1", "name": "Trains", "created_at": "2025-03-01T10:00:00.123456Z", "updated_at": "2025-03-01T11:00:00Z",
    "chat_messages": [
        {"uuid": "m1", "sender": "human", "text": "Which train?", "created_at": "2025-03-01T10:00:01Z",
         "attachments": [{"file_name": "plan.txt", "extracted_content": "08:15"}]},
        {"uuid": "m2", "sender": "assistant", "created_at": "2025-03-01T10:00:02Z",
         "content": [{"type": "thinking", "thinking": "Early"}, {"type": "text", "text": "The 8:15."}]},
    ],
}  # fmt: skip
WEBUI = {
    "id": "w-1", "title": "Stars", "created_at": 1_710_000_000, "updated_at": 1_710_000_500, "pinned": True,
    "chat": {"models": ["llama3:8b"], "params": {"system": "Be kind."}, "history": {"currentId": "2", "messages": {
        "1": {"id": "1", "parentId": None, "role": "user", "content": "How far?", "timestamp": 1_710_000_001},
        "2": {"id": "2", "parentId": "1", "role": "assistant", "model": "llama3:8b", "timestamp": 1_710_000_002,
              "content": '<details type="reasoning" done="true"><summary>Thought</summary>Light years</details>\nFar.'},
        "3": {"id": "3", "parentId": "1", "role": "assistant", "model": "llama3:8b", "content": "Very far."}}}},
}  # fmt: skip
LMSTUDIO = {
    "name": "Rain", "createdAt": 1_720_000_000_000, "pinned": False, "systemPrompt": "Short.",
    "lastUsedModel": {"identifier": "maker/tiny"},
    "messages": [
        {"currentlySelected": 1, "versions": [
            {"role": "user", "type": "singleStep", "content": [{"type": "text", "text": "Rain?"}]},
            {"role": "user", "type": "singleStep", "content": [{"type": "text", "text": "Will it rain?"}]}]},
        {"currentlySelected": 0, "versions": [{"role": "assistant", "type": "multiStep", "steps": [
            {"type": "contentBlock", "style": {"type": "thinking"}, "content": [{"type": "text", "text": "Clouds"}]},
            {"type": "contentBlock", "content": [{"type": "text", "text": "Yes."}],
             "genInfo": {"identifier": "maker/tiny"}}]}]},
    ],
}  # fmt: skip
PLAIN = {
    "model": "maker/tiny", "temperature": 0.5, "max_tokens": 100, "created_at": "2024-05-01T10:00:00",
    "updated_at": "2024-05-01T10:05:00",
    "messages": [{"role": "system", "content": "Rhyme."}, {"role": "user", "content": "Hi"},
                 {"role": "assistant", "content": "Bye"}],
}  # fmt: skip
SAMPLES = {
    "ChatGPT": ("conversations.json", [CHATGPT]),
    "Claude": ("conversations.json", [CLAUDE]),
    "Open WebUI": ("chat-export.json", [WEBUI]),
    "LM Studio": ("1720000000000.conversation.json", LMSTUDIO),
    "plain": ("My first chat.json", PLAIN),
}

Bring = Callable[..., list[Report]]


@pytest.fixture
def bring(household: Household, owner: User) -> Bring:
    def all_of(source: Path, user: User = owner, *, dry_run: bool = False) -> list[Report]:
        return list(bring_in_all(household.conversations, user, source, dry_run=dry_run))

    return all_of


def write(path: Path, data: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def only(home: Household, user: User) -> tuple[Conversation, list[str]]:
    (conversation,) = home.conversations.chosen(user, EVERY)
    return conversation, [message.content for message in home.conversations.messages(user, conversation)]


# -- the formats


@pytest.mark.parametrize("program", SAMPLES)
def test_each_format_comes_in_once(
    household: Household, owner: User, bring: Bring, tmp_path: Path, program: str
) -> None:
    name, data = SAMPLES[program]
    path = write(tmp_path / name, data)
    before = path.read_bytes()
    assert [(r.format, r.added, r.here) for r in bring(path, dry_run=True)] == [(program, 1, 0)]
    assert household.conversations.newest(owner) == []
    assert [(r.format, r.added, r.here, r.left_out) for r in bring(path)] == [(program, 1, 0, 0)]
    assert [(r.added, r.here) for r in bring(path)] == [(0, 1)]
    assert path.read_bytes() == before
    zipped = tmp_path / "export.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(path, name)
        archive.writestr("user.json", "{}")
    if program != "plain":
        assert [(r.format, r.added, r.here) for r in bring(zipped)] == [(program, 0, 1)]


def test_chatgpt(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    bring(write(tmp_path / "conversations.json", [CHATGPT]))
    chat, shown = only(household, owner)
    assert (chat.title, chat.model, chat.created_at) == ("Pancakes", "gpt-x", "2023-11-14T22:13:20.500Z")
    assert shown == ["How do I make pancakes?", "Buy them."]
    answer = household.conversations.messages(owner, chat)[1]
    assert (answer.version, answer.versions) == (2, 2)
    household.conversations.show_version(owner, chat, answer.id, 1)
    _, answer, last = household.conversations.messages(owner, chat)
    assert (answer.content, answer.reasoning, answer.model) == ("Mix flour.", "Flour?", "gpt-x")
    assert last.content == "[image]\n\nAnd this?", "the tool's message is left out, what followed it isn't"
    assert household.search.find(owner, "flour").hits[0].conversation.id == chat.id


def test_claude(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    bring(write(tmp_path / "conversations.json", [CLAUDE]))
    chat, shown = only(household, owner)
    assert (chat.title, chat.created_at, chat.last_message_at) == (
        "Trains",
        "2025-03-01T10:00:00.123Z",
        "2025-03-01T11:00:00.000Z",
    )
    assert shown == ["Which train?\n\n[file: plan.txt]\n\n08:15", "The 8:15."]
    assert household.conversations.messages(owner, chat)[1].reasoning == "Early"


def test_open_webui(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    bring(write(tmp_path / "chats.json", [WEBUI]))
    chat, shown = only(household, owner)
    assert (chat.title, chat.model, chat.system_prompt, chat.pinned) == ("Stars", "llama3:8b", "Be kind.", True)
    assert shown == ["How far?", "Far."]
    answer = household.conversations.messages(owner, chat)[1]
    assert (answer.reasoning, answer.versions) == ("Light years", 2)


def test_lm_studio(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    bring(write(tmp_path / "1.conversation.json", LMSTUDIO))
    chat, shown = only(household, owner)
    assert (chat.title, chat.model, chat.system_prompt) == ("Rain", "maker/tiny", "Short.")
    assert shown == ["Will it rain?", "Yes."]
    question, answer = household.conversations.messages(owner, chat)
    assert (question.version, question.versions) == (2, 2)
    assert (answer.reasoning, answer.model) == ("Clouds", "maker/tiny")


def test_a_folder_of_plain_files(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    write(tmp_path / "chats" / "My first chat.json", PLAIN)
    write(tmp_path / "chats" / "deep" / "Another.json", {**PLAIN, "created_at": None})
    write(tmp_path / "chats" / "settings.json", {"theme": "dark"})
    write(tmp_path / "chats" / ".hidden" / "No.json", PLAIN)
    (tmp_path / "outside.json").write_text(json.dumps(PLAIN))
    (tmp_path / "chats" / "link.json").symlink_to(tmp_path / "outside.json")
    (tmp_path / "chats" / "picture.json").write_bytes(b"\x89PNG\r\n")
    assert sorted(r.file for r in bring(tmp_path / "chats")) == ["My first chat.json", "deep/Another.json"]
    first = household.conversations.find(owner, "My first chat")
    assert (first.parameters.temperature, first.parameters.max_tokens) == (0.5, 100)
    assert (first.system_prompt, first.created_at) == ("Rhyme.", "2024-05-01T10:00:00.000Z")


# -- what is broken


def test_the_broken_ones_are_named_and_the_rest_comes_in(
    household: Household, owner: User, bring: Bring, tmp_path: Path
) -> None:
    circle = {"title": "Round", "mapping": {"a": node("a", "b", "user", "x"), "b": node("b", "a", "user", "y")}}
    twice = {
        "uuid": "x", "name": "Twice",
        "chat_messages": [{"uuid": "m", "sender": "human", "text": "x"}, {"uuid": "m", "sender": "human", "text": "y"}],
    }  # fmt: skip
    (report,) = bring(write(tmp_path / "conversations.json", [CHATGPT, circle, 7, {"title": "Empty", "mapping": {}}]))
    assert (report.added, report.left_out) == (1, 3)
    assert [(s.name, s.why) for s in report.skipped] == [
        ("Round", "Its messages follow each other in a circle."),
        ("number 3", "It isn't readable."),
        ("Empty", "It has no messages."),
    ]
    (report,) = bring(write(tmp_path / "conversations.json", [twice, CLAUDE]))
    assert (report.added, [s.name for s in report.skipped]) == (1, ["Twice"])
    assert len(household.conversations.chosen(owner, EVERY)) == 2


@pytest.mark.parametrize(
    "time",
    [None, "yesterday", True, float("nan"), 1e300, -1e300, "99999-01-01", [], {}, -3_000_000_000, "1931-05-01", 0],
)
def test_any_time_is_taken(household: Household, owner: User, bring: Bring, tmp_path: Path, time: Any) -> None:
    data = {**CHATGPT, "create_time": time, "update_time": time}
    (report,) = bring(write(tmp_path / "conversations.json", [data]))
    assert report.added == 1
    expected = {-3_000_000_000: "1874-12-07T18:40:00.000Z", "1931-05-01": "1931-05-01T00:00:00.000Z", 0: "1970"}
    if not isinstance(time, (bool, list, dict, float)) and time in expected:
        assert only(household, owner)[0].created_at.startswith(expected[time])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"hello",
        b"[]",
        b"{}",
        b'[{"a": 1}]',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'"' + b"x" * 1000,
        b'[{"mapping": \xff\xfe}]',
        b"PK\x03\x04 not really a zip",
        b'["' + b"x" * 5_000_000 + b'"]',
    ],
)
def test_what_is_no_export(household: Household, owner: User, bring: Bring, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "conversations.json"
    path.write_bytes(content)
    with pytest.raises(ImportRefusedError):
        bring(path)
    assert household.conversations.newest(owner) == []


def test_odd_fields_break_nothing(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    odd: list[Any] = [None, 7, "x", [], {}, [None], [[]], {"x": None}, True, "\ud800"]
    chats = []
    for number, value in enumerate(odd):
        chats += [{**CHATGPT, key: value, "conversation_id": f"{number}{key}"} for key in CHATGPT]
        broken = {name: {**one, "message": value} for name, one in CHATGPT["mapping"].items()}  # type: ignore[attr-defined]
        chats.append({**CHATGPT, "mapping": broken})
        deeper = node("q", None, "user", "text") | {"parent": value}
        chats.append({**CHATGPT, "conversation_id": f"p{number}", "mapping": {"q": deeper}})
    (report,) = bring(write(tmp_path / "conversations.json", chats))
    assert report.added + report.here + report.left_out == len(chats)
    for sample, key in ((CLAUDE, "chat_messages"), (WEBUI, "chat")):
        twisted = [{**sample, name: value} for value in odd for name in sample if name != key]
        (report,) = bring(write(tmp_path / "conversations.json", twisted))
        assert report.added + report.here + report.left_out == len(twisted)
    for value in odd:
        messages = [{"role": "user", "content": "x", "versions": value}, {"role": value, "content": value}]
        write(tmp_path / "some.json", {"messages": messages, "name": value, "temperature": value, "max_tokens": value})
        (report,) = bring(tmp_path / "some.json")
        assert report.added + report.here + report.left_out == 1


def test_zips_that_are_broken(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    whole = tmp_path / "export.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([CHATGPT] * 50))
        archive.writestr("../../evil.json", json.dumps(PLAIN))
    data = whole.read_bytes()
    for cut in (10, len(data) // 2, len(data) - 10):
        short = tmp_path / "short.zip"
        short.write_bytes(data[:cut])
        with pytest.raises(ImportRefusedError):
            bring(short)
    flipped = bytearray(data)
    flipped[60] ^= 0xFF
    (tmp_path / "flipped.zip").write_bytes(flipped)
    assert any(report.refused for report in bring(tmp_path / "flipped.zip"))
    assert not (tmp_path.parent / "evil.json").exists()


def test_sizes_are_counted_while_unpacking(
    household: Household, bring: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_JSON", 2_000_000)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b"[" + b" " * 50_000_000 + b"]")
    (report,) = bring(bomb)
    assert "larger than 2 MB" in report.refused
    large = tmp_path / "large.json"
    large.write_bytes(b"[" + b" " * 3_000_000 + b"]")
    with pytest.raises(ImportRefusedError, match="larger than 2 MB"):
        bring(large)


def test_200_megabytes_of_json(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    """One conversation of them is real; the rest of the file is read past, one at a time."""
    path = tmp_path / "conversations.json"
    filler = b'{"mapping": {}, "title": "' + b"x" * 10_000_000 + b'"},'
    with path.open("wb") as file:
        file.write(b"[")
        for _ in range(20):
            file.write(filler)
        file.write(json.dumps(CHATGPT).encode() + b"]")
    (report,) = bring(path)
    assert (report.added, report.left_out) == (1, 20)
    assert only(household, owner)[0].title == "Pancakes"


def test_what_is_not_there(bring: Bring, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        bring(tmp_path / "nothing.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportRefusedError, match="holds no conversations"):
        bring(tmp_path / "empty")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImportRefusedError):
        bring(tmp_path / "pipe")


# -- our own


def ours(tmp_path: Path, *documents: ConversationDocument) -> Path:
    path = tmp_path / "ours.json"
    path.write_bytes(b"".join(encode(documents)))
    return path


def talk(*ids: tuple[str, str | None], **more: Any) -> ConversationDocument:
    messages = [
        MessageDocument(id=i, parent=p, author=Author.USER, content="x", status=Status.COMPLETE, created_at=AT)
        for i, p in ids
    ]
    fields = {"id": "c", "title": "t", "task": "general", "created_at": AT, "last_message_at": AT, "head": ids[-1][0]}
    return ConversationDocument(**{**fields, **more}, messages=messages)


def exported(home: Household, user: User) -> bytes:
    return b"".join(encode(home.conversations.documents(user, home.conversations.chosen(user, EVERY))))


def test_our_own_that_are_broken(household: Household, owner: User, bring: Bring, tmp_path: Path) -> None:
    path = ours(tmp_path, talk(("a", None)), talk(("b", "d"), ("d", "b"), id="2", title="Round"))
    (report,) = bring(path)
    assert (report.format, report.added, [s.name for s in report.skipped]) == ("familychat", 1, ["Round"])
    data = json.loads(path.read_bytes())
    data["conversations"] = [{"title": "Half"}, {**data["conversations"][0], "surprise": 1}]
    (report,) = bring(write(tmp_path / "odd.json", data))
    assert report.left_out == 2
    data["version"] = 2
    with pytest.raises(ImportRefusedError, match="newer familychat"):
        bring(write(tmp_path / "newer.json", data))
    del data["conversations"]
    data["version"] = 1
    with pytest.raises(ImportRefusedError, match="no list"):
        bring(write(tmp_path / "none.json", data))


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.uuids().map(str), ANY_TEXT, ANY_TEXT, ANY_TEXT), max_size=4, unique_by=lambda one: one[0]))
def test_out_in_and_out_again_is_the_same(
    household: Household, tmp_path: Path, talks: list[tuple[str, str, str, str]]
) -> None:
    person = household.accounts.people.add("child", "Child", Role.MEMBER, AT)
    chats = household.conversations
    try:
        for name, title, text, details in talks:
            message = MessageDocument(
                id=f"m-{name}", parent=None, author=Author.USER, content=text, status=Status.COMPLETE, created_at=AT,
                details={details: details},
            )  # fmt: skip
            whole = talk((f"m-{name}", None), id=name, title=title, folder=text[:20] or None)
            chats.bring_in(person, ConversationDocument(**{**_fields(whole), "messages": [message]}))
        first = exported(household, person)
        path = tmp_path / "all.json"
        path.write_bytes(first)
        for one in chats.chosen(person, EVERY):
            chats.delete(person, one)
        chats.empty_trash(person)
        if talks:
            assert [r.added for r in bring_in_all(chats, person, path)] == [len(talks)]
        assert exported(household, person) == first
    finally:
        household.accounts.people.remove(person.id)


def _fields(document: ConversationDocument) -> dict[str, Any]:
    return {name: getattr(document, name) for name in document.__struct_fields__}


KEYS = st.sampled_from(
    ["mapping", "chat_messages", "chat", "history", "messages", "role", "content", "versions", "steps", "parent", "id"]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY_JSON)
def test_any_json_is_taken_or_refused(household: Household, owner: User, tmp_path: Path, data: Any) -> None:
    path = write(tmp_path / "any.json", data)
    try:
        for report in bring_in_all(household.conversations, owner, path, dry_run=True):
            assert report.added + report.here + report.left_out >= 0
    except FamilychatError:
        pass
