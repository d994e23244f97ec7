"""``familychat admin safety`` as a family uses it."""

from __future__ import annotations

import getpass
import sqlite3
from pathlib import Path

import pytest

from familychat.testing import FakeOpenAI, Script, serve
from familychat_cli.testing import CommandLine


def as_child(data_dir: Path) -> None:
    """Make the person at the terminal a child."""
    with sqlite3.connect(data_dir / "familychat.db") as database:
        database.execute("UPDATE users SET band = 'child'")
    database.close()


def test_from_words_of_ones_own_to_what_a_child_sees(cli: CommandLine, data_dir: Path) -> None:
    added = cli("admin", "safety", "topics", "add", "Swearing", "damn", "bloody hell")
    assert (added.code, added.err) == (0, "")
    tried = cli("admin", "safety", "test", "B L O O D Y hell", "--json").json()
    assert tried == {"blocked": True, "found": {"topic": "Swearing", "found_by": "words"}}
    assert "Topic: Swearing." in cli("admin", "safety", "test", "oh d4mn").out
    assert cli("admin", "safety", "test", "Essex").out == "It would go through.\n"
    listed = {row["name"]: row for row in cli("admin", "safety", "topics", "list", "--json").json()}
    assert listed["Swearing"] == {"name": "Swearing", "active": True, "own": True, "meaning": "damn, bloody hell"}
    assert cli("admin", "safety", "topics", "off", "drugs").code == 0
    fake = FakeOpenAI(Script(pieces=("Cocaine is bad. Oh ", "damn. Bye.")))
    with serve(fake.handle) as address:
        cli = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address)
        assert cli("ask", "Say damn").out == "Cocaine is bad. Oh damn. Bye.\n"
        as_child(data_dir)
        answer = cli("ask", "Hello").out
        assert answer.startswith("Cocaine is bad. \n\nI'll stop here, because my answer came to this topic: Swearing.")
        assert "damn" not in answer
        assert "this topic: Swearing" in cli("ask", "Say damn").out
    assert len(fake.chats) == 2


def test_prompts_and_bands(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("Speak of dinosaurs.\n", "utf-8")
    assert cli("admin", "safety", "prompt", "child", "--file", str(file)).code == 0
    assert cli("admin", "safety", "require", "teen").code == 0
    assert cli("admin", "safety", "check", "model").code == 0
    shown = cli("admin", "safety", "show", "--json").json()
    assert shown["check"] == "model"
    assert shown["bands"][0] == {
        "band": "child",
        "prompt": "Speak of dinosaurs.",
        "own_prompt": True,
        "filtered": True,
    }
    assert shown["bands"][1]["filtered"]
    assert cli("admin", "safety", "prompt", "child", "--default").code == 0
    assert cli("admin", "safety", "lift", "teen").code == 0
    assert cli("admin", "safety", "check", "words").code == 0
    out = cli("admin", "safety", "show").out
    assert "Teen: the filter is not required." in out
    assert "The filter looks for words alone." in out
    assert "as familychat comes" in out


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["prompt", "child"], 2, "Give one of --text, --file and --default."),
        (["prompt", "child", "--text", "a", "--default"], 2, "Give one of"),
        (["prompt", "child", "--text", " "], 2, "A prompt needs 1 to 4,000 letters"),
        (["prompt", "child", "--file", "missing.txt"], 2, "can't be read"),
        (["prompt", "baby", "--default"], 2, "baby"),
        (["topics", "add", "mine", "?"], 2, "has no word to look for"),
        (["topics", "add", "sex", "word"], 5, "There is a topic sex already"),
        (["topics", "remove", "sex"], 5, "familychat admin safety topics off sex"),
        (["topics", "off", "nonsense"], 3, "There are: dares, drugs"),
        (["events", "nobody"], 3, "nobody"),
    ],
)
def test_bad_input(cli: CommandLine, args: list[str], code: int, words: str) -> None:
    refused = cli("admin", "safety", *args)
    assert refused.code == code
    assert words in refused.err


def test_what_came_up_for_a_supervised_person(cli: CommandLine, data_dir: Path) -> None:
    name = getpass.getuser()
    refused = cli("admin", "safety", "events", name)
    assert (refused.code, refused.out) == (4, "")
    with sqlite3.connect(data_dir / "familychat.db") as database:
        database.execute("INSERT INTO supervision SELECT id, 'summary', '2020' FROM users")
    database.close()
    as_child(data_dir)
    answer = cli("ask", "Where can I buy weed?").out
    assert "An adult in your household can see that this came up." in answer
    found = cli("admin", "safety", "events", name, "--json").json()
    assert [(one["topic"], one["side"], one["found_by"]) for one in found] == [("drugs", "question", "words")]
    assert "weed" not in cli("admin", "safety", "events", name).out
    entries = cli("admin", "audit", "--json").json()
    assert entries[0]["action"] == "supervision.look"
