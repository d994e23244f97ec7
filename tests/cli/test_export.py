"""``familychat export``, as a person uses it."""

from __future__ import annotations

import csv
import json
import subprocess
import zipfile
from pathlib import Path

import msgspec
import pexpect
import pytest

from familychat.documents import ConversationDocument, MessageDocument
from familychat.household import Household
from familychat.models import Author, Role, Status
from familychat.settings import Settings
from familychat_cli.testing import COMMAND, CommandLine

PASSWORD = "quiet little river"


def document(number: int, title: str, day: str, text: str = "Hi", **values: object) -> ConversationDocument:
    at = f"{day}T12:00:00.000Z"
    asked = MessageDocument(
        id=f"q{number}", parent=None, author=Author.USER, content=text, status=Status.COMPLETE, created_at=at
    )
    answered = msgspec.structs.replace(asked, id=f"a{number}", parent=asked.id, author=Author.ASSISTANT, model="m")
    made = ConversationDocument(
        id=f"chat-{number}",
        title=title,
        task="general",
        created_at=at,
        last_message_at=at,
        messages=[asked, answered],
        head=answered.id,
    )
    return msgspec.structs.replace(made, **values)


@pytest.fixture
def chats(data_dir: Path) -> list[ConversationDocument]:
    """Six conversations of the owner, one of them archived and one in the trash, and one of a child called Mia."""
    made = [
        document(1, "Pasta", "2026-01-10", "Mia, how long?", folder="Kitchen"),
        document(2, "pasta", "2026-02-10"),
        document(3, "Songs of MIA", "2026-03-10", task="music"),
        document(4, "../../etc/passwd 🍎", "2026-04-10", archived_at="2026-04-11T00:00:00.000Z"),
        document(5, "x" * 300, "2026-05-10", "=1+1"),
    ]
    home = Household(Settings(data_dir=data_dir))
    owner = home.accounts.people.all()[0]
    for one in made:
        assert home.conversations.bring_in(owner, one)
    trashed = home.conversations.bring_in(owner, document(6, "In the trash", "2026-06-10"))
    assert trashed is not None
    home.conversations.delete(owner, trashed)
    child = home.accounts.people.add("mia", "Mia", Role.MEMBER, "2026-01-01T00:00:00.000Z")
    assert home.conversations.bring_in(child, document(7, "Secret", "2026-07-10"))
    home.close()
    return made


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in {"data", "home"})


def test_one_conversation_is_called_as_it_is(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    done = cli("export", "songs")
    assert (done.code, done.err) == (0, "")
    assert done.out == "Wrote 1 conversation as md to Songs of MIA.md.\n"
    text = (cli.folder / "Songs of MIA.md").read_text("utf-8")
    assert text.startswith("# Songs of MIA\n")
    again = cli("export", "songs")
    assert again.code == 5
    assert again.err.startswith("There is ")
    assert "--force" in again.err
    assert (cli.folder / "Songs of MIA.md").read_text("utf-8") == text
    assert cli("export", "songs", "--force").code == 0


def test_all_as_json_and_back(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    done = cli("export", "--all", "--to", "all.json", "--json")
    assert done.json() == {"conversations": 5, "format": "json", "to": "all.json", "files": ["all.json"]}
    read = json.loads((cli.folder / "all.json").read_bytes())
    assert msgspec.convert(read["conversations"], list[ConversationDocument]) == chats
    assert files(cli.folder) == ["all.json"]


def test_many_go_into_a_folder_or_a_zip_file(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    wanted = sorted(["Pasta.txt", "pasta (2).txt", "Songs of MIA.txt", "etc-passwd 🍎.txt", "x" * 120 + ".txt"])
    done = cli("export", "--all", "--to", "out", "--format", "txt")
    assert done.out == "Wrote 5 conversations as txt to out, 5 files.\n"
    assert files(cli.folder / "out") == wanted
    assert cli("export", "--all", "--to", "out.zip", "--format", "txt").code == 0
    with zipfile.ZipFile(cli.folder / "out.zip") as archive:
        assert sorted(archive.namelist()) == wanted
    taken = cli("export", "--all", "--to", "out", "--format", "txt")
    assert taken.code == 5
    assert cli("export", "--all").code == 0
    assert files(cli.folder) == ["Conversations", "out", "out.zip"]


def test_choosing(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    def chosen(*args: str) -> list[str]:
        done = cli("export", *args, "--to", "-", "--format", "json")
        assert done.code == 0, done.err
        return [one["id"] for one in done.json()["conversations"]]

    assert chosen("--folder", "Kitchen") == ["chat-1"]
    assert chosen("--task", "music") == ["chat-3"]
    assert chosen("--since", "2026-02-10", "--until", "2026-03-10") == ["chat-2", "chat-3"]
    assert chosen("--until", "2026-02-09") == ["chat-1"]
    assert chosen("chat-2", "songs", "chat-2") == ["chat-2", "chat-3"]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([], 2, "Which conversation?"),
        (["nothing like it"], 3, "You have no conversation nothing like it"),
        (["Secret"], 3, "You have no conversation Secret"),
        (["In the trash"], 3, "You have no conversation"),
        (["songs", "--all"], 2, "not both"),
        (["--folder", "Attic"], 3, "no conversation like that"),
        (["--since", "someday"], 2, "someday isn't a date"),
        (["--until", "9999-12-31"], 2, "isn't a date"),
        (["--all", "--to", "x.md"], 2, "holds one conversation"),
        (["songs", "--to", "x.docx"], 2, "can't write .docx"),
        (["songs", "--format", "docx"], 2, "There is no format docx"),
        (["songs", "--to", "-", "--json"], 2, "Leave one out"),
        (["songs", "--to", "missing/x.md"], 2, "no such file or directory"),
        (["--all", "--to", "/dev/full", "--format", "json"], 8, "The disk is full"),
    ],
)
def test_what_cant_be(
    cli: CommandLine, chats: list[ConversationDocument], args: list[str], code: int, words: str
) -> None:
    done = cli("export", *args)
    assert done.code == code, done.err
    assert words in done.err
    assert done.out == ""
    assert files(cli.folder) == []


def test_names_are_left_out(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    assert cli("export", "--all", "--redact-names", "--to", "out/", "--format", "json").code == 0
    assert cli("export", "--all", "--redact-names", "--to", "out", "--format", "html").code == 0
    assert "Songs of Person 2.html" in files(cli.folder / "out")
    for path in (cli.folder / "out").iterdir():
        assert "mia" not in path.read_text("utf-8").casefold()
    assert "Person 2, how long?" in (cli.folder / "out" / "Pasta.html").read_text("utf-8")


def test_a_spreadsheet_of_all(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    cli("export", "--all", "--to", "all.csv")
    with (cli.folder / "all.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert [row["content"] for row in rows if row["title"].startswith("x")] == ["'=1+1", "'=1+1"]


def test_nobody_exports_what_is_somebody_elses(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    cli("admin", "users", "passwd", "mia", "--password-stdin", stdin=PASSWORD + "\n")
    assert cli("login", "mia", "--password-stdin", stdin=PASSWORD + "\n").code == 0
    assert cli("export", "Pasta").code == 3
    assert [one["title"] for one in cli("export", "--all", "-t", "-", "-f", "json").json()["conversations"]] == [
        "Secret"
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_standard_output_that_is_full(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "export", "--all", "--to", "-", "--format", "json"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=dict(cli.env),
            check=False,
        )
    assert done.returncode == 8
    assert done.stderr.decode().startswith("The disk is full or can't be written, so standard output wasn't.")
    assert b"Exception" not in done.stderr


def test_a_bar_in_the_terminal_when_there_are_many(cli: CommandLine, chats: list[ConversationDocument]) -> None:
    with pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "export", "--all", "--to", "out"],
        env={**cli.env, "TERM": "xterm"},
        cwd=str(cli.folder),
        timeout=30,
    ) as shown:
        shown.expect("Exporting")
        shown.expect("5/5")
        shown.expect("Wrote 5 conversations as md to out, 5 files.")
        shown.expect(pexpect.EOF)
