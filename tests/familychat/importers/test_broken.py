"""Files that are broken, hostile, or not what their names say."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from familychat.errors import ImportRefusedError, InvalidInputError
from familychat.importers import FORMATS, Limits, Report
from familychat.importers.pieces import CUT_OFF, pieces
from familychat.importers.values import Place

from .conftest import Bring, Stored, Write, chatgpt

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10


def zipped(files: dict[str, bytes], **options: Any) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def three(middle: bytes) -> bytes:
    first, last = (json.dumps(chatgpt(name, "Hi", "Hello")).encode() for name in ("first", "last"))
    return b"[" + first + b",\n" + middle + b"," + last + b"]"


def named(report: Report) -> list[tuple[str, str]]:
    return [(one.name, one.reason) for one in report.skipped]


# -- one broken conversation among others


CIRCLE = chatgpt("round", "a", "b", "c")
CIRCLE["mapping"]["n0"]["parent"] = "n2"
ALONE = chatgpt("alone", "a")
ALONE["mapping"]["n0"]["parent"] = "n0"


@pytest.mark.parametrize(
    ("middle", "name", "reason"),
    [
        (json.dumps(CIRCLE).encode(), "round", "Its messages follow each other in a circle."),
        (json.dumps(ALONE).encode(), "alone", "Its messages follow each other in a circle."),
        (json.dumps(chatgpt("empty")).encode(), "empty", "It has no messages."),
        (json.dumps(chatgpt("x", "Hi")).encode().replace(b'"Hi"', b'"\xff\xfe"'), "number 2", "It isn't UTF-8 text."),
        (
            json.dumps(chatgpt("x", "Hi")).encode().replace(b'"Hi"', b'"\xed\xa0\x80"'),
            "number 2",
            "It isn't UTF-8 text.",
        ),
        (b'{"mapping": {} oops}', "number 2", "It isn't proper JSON."),
        (b'{"mapping": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "number 2", "Its JSON is nested too deeply."),
        (b"null", "number 2", "It isn't a conversation."),
        (b'"words", 17', "number 2", "It isn't a conversation."),
        (b'["mapping"]', "number 2", "It is nothing that familychat knows how to read."),
        (b'{"title": "A recipe"}', "A recipe", "It is nothing that familychat knows how to read."),
    ],
)
def test_a_broken_one_is_named_and_the_rest_comes_in(
    bring: Bring, stored: Stored, write: Write, middle: bytes, name: str, reason: str
) -> None:
    for options in ({"dry_run": True}, {}):
        report = bring(write("conversations.json", three(middle)), **options)
        assert (report.added, named(report)) == (2, [(name, reason)])
    assert [one.title for one in stored()] == ["first", "last"]


def test_a_cut_off_file_gives_what_is_whole(bring: Bring, stored: Stored, write: Write) -> None:
    whole = json.dumps([chatgpt(str(n), "Hi", "Hello") for n in range(30)]).encode()
    report = bring(write("conversations.json", whole[:-100]))
    assert (report.added, named(report)) == (29, [("number 30", CUT_OFF)])
    again = bring(write("conversations.json", whole))
    assert (again.added, again.already_here) == (1, 29)


def test_many_broken_ones_are_counted(bring: Bring, write: Write) -> None:
    report = bring(write("c.json", [chatgpt("ok", "Hi"), *(chatgpt(f"empty {n}") for n in range(60))]))
    assert (report.added, report.skipped_count, len(report.skipped)) == (1, 60, 20)


def test_half_letters_and_nan_are_mended(bring: Bring, stored: Stored, write: Write) -> None:
    cut = chatgpt("cut", "half \ud83d", "whole \U0001f355 \\ud83d", create_time=float("nan"), update_time=float("-inf"))
    assert bring(write("c.json", [cut])).added == 1
    assert [one.content for one in stored()[0].messages] == ["half \ufffd", "whole \U0001f355 \\ud83d"]


NO_TIMES: list[Any] = [
    None, 0, "", "yesterday", float("nan"), float("inf"), 1e300, 10**400, True, [], {}, "1e400",
    "99999-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "4000-01-01T00:00:00Z",
]  # fmt: skip
IN_SECONDS = [3_093_527_980_800, -1e15]
"""The year 99999, and one long before any calendar; in milliseconds both could be."""


@pytest.mark.parametrize(
    ("kind", "time"),
    [(kind, time) for kind in ("chatgpt", "claude", "openwebui", "lmstudio", "plain") for time in NO_TIMES]
    + [("chatgpt", time) for time in IN_SECONDS],
)
def test_times_that_are_none(kind: str, time: Any) -> None:
    """They fall back to the conversation's, or to the file's."""
    said = {"role": "user", "content": "Hi"}
    value = {
        "chatgpt": {**chatgpt("x", "Hi"), "create_time": time, "update_time": time},
        "claude": {"created_at": time, "chat_messages": [{"sender": "human", "text": "Hi", "created_at": time}]},
        "openwebui": {"created_at": time, "updated_at": time, "chat": {"messages": [{**said, "timestamp": time}]}},
        "lmstudio": {"createdAt": time, "messages": [{"versions": [{**said, "content": [{"text": "Hi"}]}]}]},
        "plain": {"created_at": time, "updated_at": time, "messages": [said]},
    }[kind]
    if kind == "chatgpt":
        value["mapping"]["n0"]["message"]["create_time"] = time
    changed = "2026-01-31T18:05:00.123Z"
    document = FORMATS[kind].conversation(value, Place("x", changed))
    assert {document.created_at, document.last_message_at, document.messages[0].created_at} == {changed}


def test_times_fall_back_to_the_conversations() -> None:
    chat = chatgpt("x", "Hi", "Hello", create_time=-1e9)
    chat["mapping"]["n1"]["message"]["create_time"] = None
    chat["mapping"]["n0"]["message"]["create_time"] = -1e9 + 60
    document = FORMATS["chatgpt"].conversation(chat, Place("x", "2026-01-31T18:05:00.123Z"))
    assert [one.created_at for one in document.messages] == ["1938-04-24T22:14:20.000Z", "1938-04-24T22:13:20.000Z"]
    assert document.last_message_at == "1938-04-24T22:14:20.000Z"


def test_duplicate_ids(bring: Bring, stored: Stored, write: Write) -> None:
    twice = {"uuid": "u", "chat_messages": [
        {"uuid": "m", "sender": "human", "text": "One", "parent_message_uuid": "none"},
        {"uuid": "m", "sender": "human", "text": "Two", "parent_message_uuid": "none"},
        {"uuid": "n", "sender": "assistant", "text": "Three", "parent_message_uuid": "m"},
    ]}  # fmt: skip
    report = bring(write("c.json", [twice, twice]))
    assert (report.added, report.already_here) == (1, 1)
    contents = {one.id: one.content for one in stored()[0].messages}
    assert sorted(contents.values()) == ["One", "Three", "Two"], "nothing is lost"
    assert bring(write("c.json", [twice, twice]), dry_run=True).already_here == 2


# -- whole files


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("conversations.json", PNG, "no JSON but a picture"),
        ("conversations.json", b"", "is empty"),
        ("conversations.json", b"\xef\xbb\xbf \n", "It is empty"),
        ("conversations.json", b"SQLite format 3\0", "a database"),
        ("conversations.json", '[{"mapping": {}}]'.encode("utf-16"), "UTF-16"),
        ("conversations.json", b"[" * 100_000, "familychat knows|in the middle"),
        ("conversations.json", b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        ("conversations.json", b'{"a":' * 100_000, "in the middle"),
        ("conversations.json", b"]]]}}}", "something else"),
        ("conversations.json", b"[]", "no conversations"),
        ("conversations.json", b"{}", "knows how to read"),
        ("conversations.json", b'{"messages": 5}', "knows how to read"),
        ("conversations.json", b'[{"songs": []}]', "knows how to read"),
        ("chats.zip", zipped({"conversations.json": three(b"{}")})[:-40], "damaged or incomplete"),
        ("chats.zip", zipped({"conversations.json": three(b"{}")})[:200], "damaged or incomplete"),
        ("chats.zip", b"PK\x03\x04" + bytes(2000), "damaged or incomplete"),
        ("chats.zip", zipped({"notes.txt": b"Hi"}), "no conversations"),
        ("own.json", b'{"format":"familychat-conversations","version":2,"conversations":[]}', "newer familychat"),
        ("own.json", b'{"conversations":[],"version":9,"format":"familychat-conversations"}', "newer familychat"),
        ("own.json", b'{"format":"familychat-conversations","version":"1","conversations":[]}', "which version"),
        ("own.json", b'{"format":"familychat-conversations","version":1}', "there are no conversations in it"),
    ],
)
def test_what_cannot_be_taken(bring: Bring, stored: Stored, write: Write, name: str, content: bytes, why: str) -> None:
    path = write(name, content)
    with pytest.raises(ImportRefusedError, match=why):
        bring(path)
    assert stored() == []
    assert path.read_bytes() == content


def test_what_is_not_there(bring: Bring, tmp_path: Path) -> None:
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    for path in (
        tmp_path / "loop.json",
        tmp_path / "nothing.json",
        tmp_path / ("x" * 5000),
        Path("a\0b"),
        Path("/dev/zero"),
    ):
        with pytest.raises(ImportRefusedError, match=r"can't be read|neither a file"):
            bring(path)
    with pytest.raises(InvalidInputError, match="no format"):
        bring(tmp_path, format_name="gemini")


def test_a_format_can_be_said(bring: Bring, write: Write) -> None:
    path = write("c.json", [chatgpt("x", "Hi")])
    with pytest.raises(ImportRefusedError, match="knows how to read"):
        bring(path, format_name="claude")
    assert bring(path, format_name="chatgpt").added == 1


# -- archives


def test_a_zip_whatever_its_name(bring: Bring, write: Write) -> None:
    files = {
        "conversations-000.json": three(json.dumps(chatgpt("x", "Hi")).encode()), "user.json": b'{"id": "me"}',
        "../../evil.json": json.dumps([chatgpt("evil", "Hi")]).encode(), "chat.html": b"<p>", "pic.json": PNG,
        "__MACOSX/._conversations-000.json": b"\0\5", "old/more.json": json.dumps([chatgpt("y", "Hi")]).encode(),
    }  # fmt: skip
    path = write("export.json", zipped(files))
    report = bring(path)
    assert (report.added, named(report)) == (5, [("pic.json", "It is no JSON but a picture.")])
    assert [one.name for one in path.parent.iterdir()] == ["export.json"], "nothing is unpacked"


def test_a_zip_that_is_damaged_inside(bring: Bring, write: Write) -> None:
    noise = random.Random(1).randbytes(200_000).hex()
    whole = json.dumps([chatgpt(str(n), noise) for n in range(8)]).encode()
    packed = bytearray(zipped({"a.json": whole, "b.json": json.dumps([chatgpt("b", "Hi")]).encode()}))
    packed[len(packed) // 2] ^= 0xFF
    report = bring(write("c.zip", bytes(packed)))
    assert 1 <= report.added <= 8
    assert [reason for _, reason in named(report)] == [CUT_OFF]


def test_bombs_are_refused(bring: Bring, write: Write) -> None:
    empty = bytes(60 * 1024 * 1024)
    with pytest.raises(ImportRefusedError, match="more tightly"):
        bring(write("bomb.zip", zipped({"conversations.json": empty})))


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(files=2), "too many files"),
        (Limits(directory_bytes=100), "too many files"),
        (Limits(json_bytes=5), "holds more than 5 bytes"),
        (Limits(free_bytes=1, ratio=0), "more tightly"),
    ],
)
def test_an_archives_limits(bring: Bring, write: Write, limits: Limits, why: str) -> None:
    with pytest.raises(ImportRefusedError, match=why):
        bring(write("c.zip", zipped({f"{n}.json": b"[]" for n in range(3)})), limits=limits)


def test_a_locked_zip(bring: Bring, write: Write) -> None:
    packed = bytearray(zipped({"c.json": b"[]"}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ImportRefusedError, match="password"):
        bring(write("c.zip", bytes(packed)))


# -- folders


def test_a_folder_with_everything_in_it(bring: Bring, stored: Stored, write: Write, tmp_path: Path) -> None:
    said = {"messages": [{"role": "user", "content": "Hi"}]}
    outside = tmp_path / "secret.json"
    outside.write_text(json.dumps(said))
    write("chats/b.json", said)
    write("chats/deep/er/a.conversation.json", {"messages": [{"versions": [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}]})  # fmt: skip
    folder = write("chats/readme.txt", b"Hi").parent
    write("chats/empty.json", b"")
    write("chats/.hidden.json", said)
    write("chats/user.json", {"id": "me"})
    (folder / "link.json").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    (folder / "round").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    report = bring(folder)
    assert named(report) == [
        ("empty.json", "It is empty."),
        ("link.json", "It is a link. Name the file itself to bring it in."),
        ("pipe.json", "It isn't a file."),
    ]
    assert [one.title for one in stored()] == ["b", "Hi"]
    assert report.formats == ["plain chats", "LM Studio"]
    assert bring(folder / "link.json").added == 1, "whoever names a link means it"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unreadable to root")
def test_files_that_may_not_be_read(bring: Bring, write: Write) -> None:
    path = write("chats/a.json", {"messages": [{"role": "user", "content": "Hi"}]})
    path.chmod(0)
    assert named(bring(path.parent)) == [("a.json", "Permission denied.")]
    with pytest.raises(ImportRefusedError, match="Permission denied"):
        bring(path)


def test_thousands_of_files(bring: Bring, write: Write) -> None:
    for number in range(2000):
        write(f"chats/{number % 40}/{number}.json", {"messages": [{"role": "user", "content": "Hi"}]})
    folder = write("chats/x.txt", b"").parent
    assert bring(folder).added == 2000
    report = bring(folder, limits=Limits(files=10))
    assert (report.already_here, report.skipped_count) == (10, 1)


# -- sizes


def test_what_is_too_long_costs_only_itself(bring: Bring, write: Write) -> None:
    path = write("c.json", [chatgpt("long", "x" * 3_000_000), chatgpt("short", "Hi")])
    report = bring(path, limits=Limits(conversation_bytes=10_000))
    assert (report.added, named(report)) == (1, [("number 1", "It is longer than 10000 bytes.")])


def test_a_file_that_is_too_large(bring: Bring, write: Write) -> None:
    path = write("chats/c.json", [chatgpt("x", "y" * 2000)])
    with pytest.raises(ImportRefusedError, match="larger than 1000 bytes"):
        bring(path, limits=Limits(json_bytes=1000))
    assert bring(path.parent, limits=Limits(json_bytes=1000)).skipped_count == 1


def test_huge_texts(bring: Bring, stored: Stored, write: Write) -> None:
    chat = {**chatgpt("x", "ü" * 5_000_000, "Hello"), "title": "t" * 2_000_000}
    assert bring(write("c.json", [chat])).added == 1
    assert len(stored()[0].messages[0].content) == 5_000_000
    assert len(stored()[0].title) == 500


# -- anything at all

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)
KEYS = (
    "mapping", "message", "author", "role", "content", "parts", "content_type", "metadata", "parent", "children", "id",
    "chat_messages", "sender", "text", "uuid", "attachments", "chat", "history", "messages", "currentId", "error",
    "versions", "steps", "type", "genInfo", "stats", "stopReason", "style", "currentlySelected", "title", "model",
    "perChatPredictionConfig", "fields", "key", "value", "thoughts", "recipient", "finish_details", "files", "input",
)  # fmt: skip
WORDS = st.sampled_from(["user", "assistant", "tool", "system", "human", "text", "multiStep", "thinking", "a", "b"])
LIKELY: st.SearchStrategy[Any] = st.recursive(
    JSON | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | WORDS, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=st.dictionaries(st.sampled_from(KEYS), LIKELY, max_size=8), kind=st.sampled_from(sorted(FORMATS)))
def test_any_json_is_read_or_said_to_be_broken(value: dict[str, Any], kind: str) -> None:
    if FORMATS[kind].fits(value):
        with contextlib.suppress(InvalidInputError):
            FORMATS[kind].conversation(value, Place("x", "2026-01-31T18:05:00.123Z"))


@settings(max_examples=200, deadline=None)
@given(items=st.lists(JSON.map(json.dumps), max_size=5), sizes=st.lists(st.integers(1, 7), min_size=1))
def test_cutting_needs_no_luck_with_chunks(items: list[str], sizes: list[int]) -> None:
    """However the file is read, the same pieces come out."""
    whole = b"[" + ", ".join(items).encode() + b"]"
    chunks, at = [], 0
    for number in range(len(whole)):
        if at >= len(whole):
            break
        size = sizes[number % len(sizes)]
        chunks.append(whole[at : at + size])
        at += size
    found = [piece.raw.decode() for piece in pieces(chunks, base=1) if not piece.problem]
    assert found == [item for item in items if item[0] in "[{"]


def test_tags_without_an_end_take_no_time(bring: Bring, stored: Stored, write: Write) -> None:
    """A pattern that looks for the end of each would take hours for these."""
    tags = '<details type="reasoning">' * 100_000
    message = {"id": "1", "parentId": None, "role": "assistant", "content": tags}
    path = write("c.json", [{"title": "x", "chat": {"history": {"messages": {"1": message}}}}])
    assert bring(path).added == 1
