"""Each format, read from a small sample of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from familychat.documents import ConversationDocument, MessageDocument
from familychat.models import Author, Parameters, Status, TitledBy, User

from .conftest import Bring, Stored, Write, chatgpt

SAMPLES = Path(__file__).parents[2] / "fixtures" / "conversations"


def told(document: ConversationDocument) -> list[tuple[str, str]]:
    """The shown path: who and what."""
    return [(message.author.value, message.content) for message in document.path()]


def message(document: ConversationDocument, start: str) -> MessageDocument:
    return next(message for message in document.messages if message.content.startswith(start))


def test_chatgpt(bring: Bring, stored: Stored) -> None:
    report = bring(SAMPLES / "chatgpt" / "conversations.json")
    assert (report.formats, report.added, report.skipped_count) == (["ChatGPT"], 2, 0)
    pancakes, _ = stored()
    assert (pancakes.title, pancakes.titled_by, pancakes.task) == ("Pancakes for six", TitledBy.MODEL, "general")
    assert pancakes.origin == "chatgpt:c0ffee00-0001"
    assert pancakes.system_prompt == "We are six.\n\nUse grams."
    assert (pancakes.created_at, pancakes.last_message_at) == ("2025-01-04T18:00:00.250Z", "2025-01-04T18:01:42.000Z")
    assert pancakes.pinned
    assert pancakes.model is None, "it can't be had at home, so going on must not ask for it"
    assert told(pancakes) == [
        ("user", "How do I make pancakes?\n\n[file shelf.pdf]"),
        ("assistant", "[used python]\n\n```python\nprint(6 * 85)\n```\n\n500 g of flour and eggs."),
        ("user", "[image]\n\nLike this?"),
        ("assistant", "[image]\n\nJust like that."),
    ]
    answer = pancakes.path()[1]
    assert (answer.reasoning, answer.model) == ("Counting\n\nSix people, 500 g of flour.", "o3")


def test_chatgpts_branches(bring: Bring, stored: Stored) -> None:
    bring(SAMPLES / "chatgpt" / "conversations.json")
    pancakes, moon = stored()
    firsts = [message.content.split("\n")[0] for message in pancakes.messages if message.parent is None]
    assert firsts == ["pancakes", "How do I make pancakes?"], "in the order that the parent gives its children"
    asked = message(pancakes, "How do I")
    answers = [one for one in pancakes.messages if one.parent == asked.id]
    assert [one.status for one in answers] == [Status.STOPPED, Status.COMPLETE]
    assert asked.shown == answers[1].id
    assert pancakes.head == message(pancakes, "[image]\n\nJust").id
    assert (moon.title, moon.titled_by) == ("How old is the moon?", TitledBy.WORDS)
    assert moon.created_at == "1963-08-31T04:26:40.000Z"
    assert moon.messages[1].status is Status.PARTIAL
    assert moon.archived_at


def test_claude(bring: Bring, stored: Stored) -> None:
    report = bring(SAMPLES / "claude" / "conversations.json")
    assert (report.formats, report.added) == (["Claude"], 1)
    assert [(one.name, one.reason) for one in report.skipped] == [("number 2", "It has no messages.")]
    (trains,) = stored()
    assert (trains.title, trains.origin) == ("Night trains", "claude:5eed-0001")
    assert (trains.created_at, trains.last_message_at) == ("2025-03-01T09:59:59.123Z", "2025-03-01T10:02:05.000Z")
    assert told(trains) == [
        ("user", "Which train?\n\n[file plan.txt]\n\n08:15 Basel\n\n[file map.png]"),
        ("assistant", "[used artifacts]\n\nTimetable\n\n```\n08:15 Basel\n```\n\nThe 8:15."),
        ("user", "And by bus?"),
        ("assistant", "At nine"),
    ]
    assert trains.path()[1].reasoning == "It says 08:15."
    assert trains.path()[3].status is Status.STOPPED
    assert message(trains, "At 18:40.").parent == message(trains, "And back?").id


def test_open_webui(bring: Bring, stored: Stored) -> None:
    report = bring(SAMPLES / "openwebui" / "chat-export.json")
    assert (report.formats, report.added) == (["Open WebUI"], 2)
    stars, old = stored()
    assert (stars.title, stars.origin, stars.model) == ("Stars", "openwebui:0a11-0001", "llama3:8b")
    assert (stars.system_prompt, stars.parameters) == ("Be kind.", Parameters(0.4, None, 500))
    assert stars.pinned
    assert told(stars) == [
        ("user", "How far are they?\n\n[image]\n\n[file stars.pdf]"),
        ("assistant", "Very far."),
        ("user", "How very?"),
    ]
    assert stars.path()[1].reasoning == 'They said "far".\nLight years.'
    assert stars.path()[1].usage.completion_tokens == 4
    failed = next(one for one in stars.messages if one.status is Status.FAILED)
    assert (failed.content, failed.error) == ("", "The model was away.")
    assert message(stars, "[used measure]").status is Status.PARTIAL
    assert message(stars, "[used measure]").content == "[used measure]\n\nFour light ye"
    assert (told(old), old.system_prompt) == ([("user", "Hello"), ("assistant", "Good day")], "Old.")
    assert old.messages[1].reasoning == "A greeting."
    assert old.archived_at


def test_lm_studio(bring: Bring, stored: Stored) -> None:
    report = bring(SAMPLES / "lmstudio" / "1720000000000.conversation.json")
    assert (report.formats, report.added) == (["LM Studio"], 1)
    (rain,) = stored()
    assert (rain.title, rain.model, rain.pinned) == ("Rain tomorrow", "qwen3-4b", True)
    assert (rain.created_at, rain.last_message_at) == ("2024-07-03T09:46:40.000Z", "2024-07-03T09:47:40.000Z")
    assert (rain.system_prompt, rain.parameters) == ("Be brief.", Parameters(0.3, 0.9, None))
    assert told(rain) == [
        ("user", "Will it rain?\n\n[image 1720000000001 - sky.png]"),
        ("assistant", "[used weather]\n\nYes."),
        ("user", "Thanks"),
    ]
    answer = rain.path()[1]
    assert (answer.reasoning, answer.model) == ("Clouds", "qwen3-4b")
    assert (answer.usage.time_to_first_token_ms, answer.usage.tokens_per_second) == (250, 41.5)
    assert message(rain, "Rain?").parent is None, "the other version of the first question"
    other = message(rain, "Perh")
    assert (other.status, other.parent) == (Status.STOPPED, rain.path()[0].id)


def test_plain_files_of_proxies(bring: Bring, stored: Stored) -> None:
    report = bring(SAMPLES / "plain")
    assert (report.formats, report.added) == (["plain chats"], 1)
    (birthday,) = stored()
    assert (birthday.title, birthday.titled_by) == ("Grandma's birthday", TitledBy.PERSON)
    assert (birthday.model, birthday.parameters) == ("maker/tiny", Parameters(0.5, None, 100))
    assert birthday.system_prompt == "Rhyme."
    assert (birthday.created_at, birthday.last_message_at) == ("2024-05-01T10:00:00.000Z", "2024-05-01T10:05:00.000Z")
    assert told(birthday) == [
        ("user", "A poem, please"),
        ("assistant", "Roses are red"),
        ("user", "And this?\n\n[image]"),
        ("assistant", "Nice"),
    ]
    assert [one.reasoning for one in birthday.path() if one.author is Author.ASSISTANT] == [
        "Rhymes with cake?",
        "A cake.",
    ]


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.iterdir()))
def test_a_second_time_adds_nothing(bring: Bring, stored: Stored, child: User, sample: str) -> None:
    before = {path: path.read_bytes() for path in (SAMPLES / sample).iterdir()}
    first = bring(SAMPLES / sample)
    once = stored()
    again = bring(SAMPLES / sample)
    assert first.added
    assert (again.added, again.already_here) == (0, first.added)
    assert stored() == once
    assert bring(SAMPLES / sample, child).added == first.added, "somebody else's import is their own"
    assert bring(SAMPLES / sample, child).added == 0
    assert {path: path.read_bytes() for path in (SAMPLES / sample).iterdir()} == before


def test_a_chat_that_has_grown_is_the_same(bring: Bring, write: Write) -> None:
    chat = {"messages": [{"role": "user", "content": "Hi"}], "created_at": "2024-05-01"}
    assert bring(write("Hi.json", chat)).added == 1
    chat["messages"] = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    assert bring(write("Hi.json", chat)).already_here == 1
    assert bring(write("Other.json", chat)).added == 1


def test_answers_in_pieces_become_one(bring: Bring, stored: Stored, write: Write) -> None:
    """Models at home often insist on taking turns, so that two answers in a row could not be gone on from."""
    chat = chatgpt("x", "Draw", "First", "Second", "Third")
    for at in (2, 3):
        chat["mapping"][f"n{at}"]["message"]["author"]["role"] = "assistant"
    chat["current_node"] = "n2"
    bring(write("c.json", [chat]))
    (only,) = stored()
    assert told(only) == [("user", "Draw"), ("assistant", "First\n\nSecond\n\nThird")]
    assert only.head == only.messages[1].id
