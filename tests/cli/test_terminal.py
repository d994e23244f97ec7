"""``familychat chat`` in a real pseudo-terminal, with the real built-in engine."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from familychat_cli.testing import CommandLine

pytestmark = pytest.mark.embedded

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07")
CURSOR_QUESTION = r"\x1b\[6n"
LONG = "Tell me a very long story about a dragon."


class Terminal:
    """A person at a terminal of 30 lines and 100 columns."""

    def __init__(self, cli: CommandLine, *args: str) -> None:
        env = {**cli.env, "TERM": "xterm-256color"}
        self.child = pexpect.spawn(
            cli.command[0], [*cli.command[1:], *args], env=env, encoding="utf-8", dimensions=(30, 100), timeout=60
        )

    def expect(self, text: str) -> str:
        """Wait for words on the screen; returns what was shown before them."""
        return plain(self.raw_until(text))

    def raw_until(self, text: str) -> str:
        """As :meth:`expect`, with what moves the cursor and colours words."""
        shown = ""
        while self.child.expect([text, CURSOR_QUESTION]) == 1:
            shown += str(self.child.before)
            self.child.send("\x1b[1;1R")  # as a terminal does: the cursor is at the top
        return shown + str(self.child.before)

    def prompted(self) -> None:
        """Wait until the prompt reads keys; before, the terminal itself would take Ctrl-C and Ctrl-D."""
        self.expect(r"\x1b\[\?2004h")

    def type(self, text: str) -> None:
        self.child.send(text)

    def enter(self, text: str) -> None:
        """Type a line and send it."""
        self.child.send(text + "\r")

    def leave(self) -> int:
        """Ctrl-D; returns the exit status."""
        self.child.sendcontrol("d")
        self.expect("See you soon!")
        self.child.expect(pexpect.EOF)
        self.child.close()
        return int(self.child.exitstatus)


def plain(text: str) -> str:
    """The words without what moves the cursor and colours them."""
    return ESCAPES.sub("", text)


@pytest.fixture
def terminal(cli: CommandLine, with_model: Path) -> Iterator[Terminal]:
    """Answers are always the same, and short."""
    yield from chat(cli, "--temperature", "0", "--max-tokens", "40")


@pytest.fixture
def endless(cli: CommandLine, with_model: Path) -> Iterator[Terminal]:
    """Answers go on until they are stopped."""
    yield from chat(cli.talkative())


def chat(cli: CommandLine, *flags: str) -> Iterator[Terminal]:
    one = Terminal(cli, "chat", *flags)
    yield one
    one.child.close(force=True)


def messages(cli: CommandLine) -> list[dict[str, object]]:
    newest = cli("conversations", "list", "--json").json()[0]["id"]
    found: list[dict[str, object]] = cli("conversations", "show", newest, "--json").json()["messages"]
    return found


def stop_a_story(cli: CommandLine, terminal: Terminal) -> None:
    """Ask for a long story, and stop it once some of it is kept."""
    terminal.enter(LONG)
    terminal.expect("a dragon")
    begun = time.monotonic()
    while (last := messages(cli)[-1])["status"] != "streaming" or not last["content"]:
        assert time.monotonic() < begun + 60, "the story doesn't begin"
    terminal.child.sendintr()
    terminal.expect(r"\(stopped\)")
    terminal.prompted()


def test_ask_stop_leave_and_come_back(cli: CommandLine, terminal: Terminal) -> None:
    terminal.expect("Good (morning|afternoon|evening), ")
    terminal.expect("you are its admin")
    terminal.enter("Say hello.")
    terminal.expect("tokens/s")
    assert terminal.leave() == 0
    endless = Terminal(cli.talkative(), "chat", "--continue", "--max-tokens", "3000")
    endless.prompted()
    stop_a_story(cli, endless)
    assert endless.leave() == 0
    *before, last = messages(cli)
    assert {message["status"] for message in before} == {"complete"}
    assert last["status"] == "stopped"
    assert last["content"], "what had come is kept"

    again = Terminal(cli, "chat", "--continue", "--max-tokens", "20")
    again.expect("Tell me a very long story")
    again.expect(r"\(stopped\)")
    again.enter("/retry")
    again.expect("tokens/s")
    assert again.leave() == 0
    assert [message["status"] for message in messages(cli)] == ["complete"] * (len(before) + 1)


def test_ctrl_c_at_the_prompt_clears_the_line(terminal: Terminal) -> None:
    terminal.expect("Ctrl-D leaves")
    terminal.prompted()
    terminal.type("half a thought")
    terminal.expect("half a thought")
    terminal.child.sendintr()
    terminal.enter("/help")
    terminal.expect("begin a new conversation")
    terminal.prompted()
    assert terminal.leave() == 0


def test_several_lines_and_paste(cli: CommandLine, terminal: Terminal) -> None:
    terminal.expect("Ctrl-D leaves")
    terminal.prompted()
    terminal.type("One line")
    terminal.type("\x1b\r")  # Alt+Enter
    terminal.type("\x1b[200~and a paste\rof two\x1b[201~")
    terminal.enter("")
    terminal.expect("tokens/s")
    assert terminal.leave() == 0
    assert messages(cli)[0]["content"] == "One line\nand a paste\nof two"


def test_slash_commands(cli: CommandLine, terminal: Terminal) -> None:
    terminal.expect("Ctrl-D leaves")
    terminal.prompted()
    terminal.enter("/rename Too early")
    terminal.expect("This conversation hasn't begun yet")
    terminal.enter("/system Answer with one word.")
    terminal.expect("Understood")
    terminal.enter("/model smollm2")
    terminal.expect("answers from now on")
    terminal.enter("Name a colour")
    terminal.expect("tokens/s")
    terminal.enter("/rename Colours")
    terminal.expect("It is called Colours now")
    terminal.enter("/info")
    terminal.expect("The built-in engine")
    terminal.expect("Colours")
    terminal.enter("/new")
    terminal.expect("A new conversation")
    terminal.enter("Name a sound")
    terminal.expect("tokens/s")
    terminal.enter("/list")
    terminal.expect("2 +Colours")
    terminal.enter("/open 2")
    terminal.expect("— Colours —")
    terminal.enter("/nonsense")
    terminal.expect("There is no command /nonsense")
    terminal.enter("/delete")
    terminal.expect("is in the trash")
    terminal.enter("/quit")
    terminal.expect("See you soon!")
    listed = cli("conversations", "list", "--json").json()
    assert [(row["title"], row["model"]) for row in listed] == [("Name a sound", "smollm2-135m-instruct")]
    assert [row["system_prompt"] for row in cli("trash", "list", "--json").json()] == ["Answer with one word."]


def test_versions_copies_and_finding(cli: CommandLine, terminal: Terminal) -> None:
    terminal.expect("Ctrl-D leaves")
    terminal.prompted()
    terminal.enter("/edit Too early")
    terminal.expect("This conversation hasn't begun yet")
    terminal.enter("Name a purple flower")
    terminal.expect("tokens/s")
    terminal.enter("/edit Name a yellow flower")
    terminal.expect("tokens/s")
    terminal.enter("/version 1")
    terminal.expect("purple flower  ‹ 1/2 ›")  # noqa: RUF001
    terminal.enter("/version")
    terminal.expect("yellow flower  ‹ 2/2 ›")  # noqa: RUF001
    terminal.enter("/version 7")
    terminal.expect("There is no version 7")
    terminal.enter("/copy")
    copied = re.search(r"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", terminal.raw_until("It is in your clipboard"))
    assert copied is not None
    terminal.enter("/pin")
    terminal.expect("on top of your list now")
    terminal.enter("/folder Garden")
    terminal.expect("It is in Garden now")
    terminal.enter("/fork")
    terminal.expect("This is a copy")
    terminal.enter("/drop")
    terminal.expect("The last answer is deleted")
    terminal.enter("/search purple")
    terminal.expect("/open NUMBER goes there")
    terminal.enter("/open 1")
    terminal.expect("purple flower  ‹ 1/2 ›")  # noqa: RUF001
    terminal.enter("/task music")
    terminal.expect("The next question is one for music")
    terminal.enter("Which songs are there?")
    terminal.expect("may not use")
    terminal.enter("/task general")
    terminal.expect("The next question is one for general")
    terminal.prompted()
    assert terminal.leave() == 0
    copy, original = sorted(cli("conversations", "list", "--json").json(), key=lambda row: bool(row["pinned"]))
    assert (original["pinned"], original["folder"], copy["pinned"]) == (True, "Garden", False)
    answer = cli("conversations", "show", original["id"], "--json").json()["messages"][-1]
    assert answer["versions"] == 1
    assert len(cli("conversations", "show", copy["id"], "--json").json()["messages"]) == 1
    shown = cli("conversations", "show", original["id"], "--json").json()["messages"]
    assert shown[0]["content"] == "Name a purple flower", "what was found is what is shown"
    assert base64.b64decode(copied[1]).decode().strip()


def test_a_stopped_answer_goes_on(cli: CommandLine, endless: Terminal) -> None:
    endless.expect("Ctrl-D leaves")
    endless.prompted()
    stop_a_story(cli, endless)
    first = str(messages(cli)[-1]["content"])
    endless.enter("/continue")
    begun = time.monotonic()
    while len(str(messages(cli)[-1]["content"])) <= len(first):
        assert time.monotonic() < begun + 60, "it doesn't go on"
    endless.child.sendintr()
    endless.prompted()
    assert endless.leave() == 0
    *_, last = messages(cli)
    assert str(last["content"]).startswith(first)
    assert len(messages(cli)) == 2


def test_completion_and_history(cli: CommandLine, terminal: Terminal) -> None:
    terminal.expect("Ctrl-D leaves")
    terminal.prompted()
    terminal.enter("Name a fish")
    terminal.expect("tokens/s")
    terminal.type("/he")
    terminal.expect("show this")
    terminal.type("\t")
    terminal.enter("")
    terminal.expect("leave .as Ctrl-D does")
    terminal.prompted()
    assert terminal.leave() == 0
    again = Terminal(cli, "chat")
    again.expect("Ctrl-D leaves")
    again.prompted()
    again.type("\x1b[A")  # the arrow up brings back the question of last time
    again.expect("Name a fish")
    again.enter("")
    again.expect("tokens/s")
    assert again.leave() == 0
    assert len(cli("conversations", "list", "--json").json()) == 2


def test_what_a_model_writes_never_steers_the_terminal(cli: CommandLine) -> None:
    from familychat_cli.output import clean

    assert clean("a\x1b[2Jb\x07\x9b31mc\u202ed\te\n") == "a[2Jb31mcd\te\n"
