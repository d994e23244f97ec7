"""Where exports go, and that what goes wrong harms nothing."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from familychat.documents import ConversationDocument, MessageDocument
from familychat.errors import (
    ConflictError,
    FamilychatError,
    InvalidInputError,
    NotFoundError,
    StoreFullError,
    StoreReadOnlyError,
)
from familychat.export import Place, Written, target_for, write
from familychat.models import Author, Status

AT = "2026-01-31T18:05:00.123Z"

FROM_A_PROCESS = """
import os, resource, signal, sys
from familychat.documents import ConversationDocument, MessageDocument
from familychat.errors import FamilychatError
from familychat.export import target_for, write
from familychat.models import Author, Status

to, what, replace = sys.argv[1], sys.argv[2], "force" in sys.argv[3:]
titles = [f"Chat {n}" for n in range(20)]

def documents():
    for n, title in enumerate(titles):
        if n == 10 and what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        message = MessageDocument(id="m", parent=None, author=Author.USER, content="x" * (4000 if n < 10 else 90_000),
                                  status=Status.COMPLETE, created_at="2026-01-31T18:05:00.123Z")
        yield ConversationDocument(id=str(n), title=title, task="general", created_at="2026-01-31T18:05:00.123Z",
                                   last_message_at="2026-01-31T18:05:00.123Z", messages=[message], head="m")

if what == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    write(target_for(to, None, titles), titles, documents(), sys.stdout.buffer, replace=replace)
except FamilychatError as error:
    print(type(error).__name__, error)
"""
"""Exports twenty conversations, the later ones large, and dies or runs out of room after half of them."""


def short(title: str = "Pasta", number: int = 0, text: str = "How long?") -> ConversationDocument:
    message = MessageDocument(
        id=f"m{number}", parent=None, author=Author.USER, content=text, status=Status.COMPLETE, created_at=AT
    )
    return ConversationDocument(
        id=f"c{number}",
        title=title,
        task="general",
        created_at=AT,
        last_message_at=AT,
        messages=[message],
        head=message.id,
    )


def export(to: Path | str | None, *titles: str, made: str | None = None, force: bool = False) -> Written:
    documents = [short(title, number) for number, title in enumerate(titles)]
    target = target_for(None if to is None else str(to), made, titles)
    return write(target, titles, iter(documents), io.BytesIO(), replace=force)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- which target is meant


@pytest.mark.parametrize(
    ("to", "made", "count", "place", "found"),
    [
        (None, None, 1, Place.FILE, "md"),
        (None, "json", 3, Place.FILE, "json"),
        (None, None, 3, Place.FOLDER, "md"),
        ("x.HTML", None, 1, Place.FILE, "html"),
        ("x.markdown", None, 1, Place.FILE, "md"),
        ("x.json", None, 3, Place.FILE, "json"),
        ("x.txt", "csv", 3, Place.FILE, "csv"),
        ("x.zip", None, 3, Place.ZIP, "md"),
        ("x.zip", "html", 1, Place.ZIP, "html"),
        ("x", None, 1, Place.FOLDER, "md"),
        ("x/", "txt", 3, Place.FOLDER, "txt"),
        ("x.md/", None, 3, Place.FOLDER, "md"),
        ("2026.01 chats", None, 3, Place.FOLDER, "md"),
        ("x.log", "txt", 1, Place.FILE, "txt"),
        ("/dev/null", "json", 3, Place.FILE, "json"),
        ("~nobodyatall/x.md", None, 1, Place.FILE, "md"),
        ("-", None, 1, Place.OUTPUT, "md"),
        ("-", "csv", 3, Place.OUTPUT, "csv"),
    ],
)
def test_targets(to: str | None, made: str | None, count: int, place: Place, found: str) -> None:
    target = target_for(to, made, ["a"] * count)
    assert (target.place, target.format.name) == (place, found)


@pytest.mark.parametrize(
    ("to", "made", "count", "why"),
    [
        ("x.docx", None, 1, "can't write .docx"),
        ("x.md", None, 2, "One .md file holds one conversation, and these are 2"),
        ("x.log", "html", 2, "One .html file"),
        ("-", None, 2, "One .md file"),
        ("x.md", "docx", 1, "There is no format docx"),
        ("x" * 300, None, 1, "file name too long"),
    ],
)
def test_targets_that_cant_be(to: str, made: str | None, count: int, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        target_for(to, made, ["a"] * count)


# -- writing


def test_a_file(tmp_path: Path) -> None:
    written = export(tmp_path / "x.md", "Pasta")
    assert written.files == [tmp_path / "x.md"]
    assert (tmp_path / "x.md").read_text("utf-8").startswith("# Pasta\n")
    assert names(tmp_path) == ["x.md"], "nothing else is left there"
    assert stat.S_IMODE((tmp_path / "x.md").stat().st_mode) == 0o600, "chats are private"


def test_a_folder_has_a_file_for_each(tmp_path: Path) -> None:
    written = export(tmp_path / "new" / "chats", "Pasta", "pasta", "../../x", "🍎" * 300)
    apples = "🍎" * 30
    assert names(tmp_path / "new" / "chats") == sorted(["Pasta.md", "pasta (2).md", "x.md", f"{apples}.md"])
    assert [path.read_text("utf-8").split("\n")[0] for path in written.files][:2] == ["# Pasta", "# pasta"]
    assert names(tmp_path) == ["new"], "nothing came out of the folder"


def test_a_folder_for_what_can_be_together(tmp_path: Path) -> None:
    export(f"{tmp_path}/many/", "a", "b", made="json")
    assert names(tmp_path / "many") == ["Conversations.json"]
    assert len(json.loads((tmp_path / "many" / "Conversations.json").read_bytes())["conversations"]) == 2
    export(f"{tmp_path}/one/", "a", made="json")
    assert names(tmp_path / "one") == ["a.json"]


def test_a_zip_file(tmp_path: Path) -> None:
    export(tmp_path / "x.zip", "Pasta", "pasta", "/etc/passwd", made="html")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Pasta.html", "pasta (2).html", "etc-passwd.html"]
        assert archive.read("Pasta.html").startswith(b"<!doctype html>")
    export(tmp_path / "all.zip", "a", "b", made="csv")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.namelist() == ["Conversations.csv"]


# -- what is there stays there


def test_nothing_is_replaced_unless_said(tmp_path: Path) -> None:
    for name in ("x.md", "x.zip"):
        there = tmp_path / name
        there.write_text("mine")
        with pytest.raises(ConflictError, match=r"already\. Nothing was written"):
            export(there, "Pasta")
        assert there.read_text() == "mine"
        export(there, "Pasta", force=True)
        assert b"mine" not in there.read_bytes()
    assert names(tmp_path) == ["x.md", "x.zip"]


def test_one_taken_name_in_a_folder_stops_all(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("mine")
    with pytest.raises(ConflictError, match=r"b\.md"):
        export(tmp_path, "a", "b", "c")
    assert names(tmp_path) == ["b.md"]
    export(tmp_path, "a", "b", "c", force=True)
    assert names(tmp_path) == ["a.md", "b.md", "c.md"]
    assert (tmp_path / "b.md").read_text("utf-8").startswith("# b")


def test_what_comes_in_the_meantime_isnt_replaced(tmp_path: Path) -> None:
    there = tmp_path / "x.json"

    def documents() -> Iterator[ConversationDocument]:
        yield short()
        there.write_text("mine")

    with pytest.raises(ConflictError):
        write(target_for(str(there), None, ["a"]), ["a"], documents(), io.BytesIO())
    assert there.read_text() == "mine"
    assert names(tmp_path) == ["x.json"]


def test_folders_and_links_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "chats" / "a.md").mkdir(parents=True)
    with pytest.raises(ConflictError, match="is a folder"):
        export(tmp_path / "chats", "a", force=True)
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    export(tmp_path / "link.md", "a")
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").read_text("utf-8").startswith("# a")
    with pytest.raises(ConflictError):
        export(tmp_path / "link.md", "a")


# -- what goes wrong


def test_a_trouble_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def documents() -> Iterator[ConversationDocument]:
        yield short()
        raise NotFoundError("It is gone.")

    for name in ("x.json", "x.zip"):
        with pytest.raises(NotFoundError):
            write(target_for(str(tmp_path / name), None, ["a", "b"]), ["a", "b"], documents(), io.BytesIO())
    assert names(tmp_path) == []


def test_a_folder_tells_what_it_kept(tmp_path: Path) -> None:
    def documents() -> Iterator[ConversationDocument]:
        yield short("a")
        raise NotFoundError("It is gone.", "Look.")

    with pytest.raises(NotFoundError, match=r"It is gone. 1 of 2 files had been written to .* and are whole. Look."):
        write(target_for(str(tmp_path), None, ["a", "b"]), ["a", "b"], documents(), io.BytesIO())
    assert names(tmp_path) == ["a.md"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_device() -> None:
    with pytest.raises(StoreFullError, match="The disk is full or can't be written, so /dev/full wasn't"):
        export("/dev/full", "a", made="json")
    with pytest.raises(StoreFullError), Path("/dev/full").open("wb", buffering=0) as full:
        write(target_for("-", None, ["a"]), ["a"], [short(text="x" * 99_999)], full)


@pytest.fixture
def closed_folder(tmp_path: Path) -> Path:
    if os.geteuid() == 0:  # whom no mode keeps out, but the kernel's own folders do
        return Path("/sys")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    return closed


@pytest.mark.skipif(not Path("/sys").exists(), reason="this system has no folder that is closed to everybody")
@pytest.mark.parametrize("name", ["x.md", "x.zip", "new/folder/"])
def test_a_folder_that_cant_be_written(closed_folder: Path, name: str) -> None:
    with pytest.raises(StoreReadOnlyError, match=r"can't be written: .*Your conversations are safe"):
        export(f"{closed_folder}/{name}", "a")


@pytest.mark.parametrize("to", ["missing/x.md", "file/x.md", "file/folder/"])
def test_paths_that_lead_nowhere(tmp_path: Path, to: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FamilychatError, match="can't be written") as caught:
        export(f"{tmp_path}/{to}", "a")
    assert caught.value.exit_code == 2
    assert names(tmp_path) == ["file"]


def run(to: Path, what: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", FROM_A_PROCESS, str(to), what, *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    for name in ("x.json", "x.csv"):
        done = run(tmp_path / name, "full")
        assert done.stdout.startswith("StoreFullError The disk is full"), done
        assert names(tmp_path) == [], "no half file, and none under another name"
    done = run(tmp_path / "folder", "full")
    assert "10 of 20 files had been written" in done.stdout
    assert len(names(tmp_path / "folder")) == 10
    assert all(len(path.read_bytes()) > 4000 for path in (tmp_path / "folder").iterdir())


def test_killed_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("mine")
    for name in ("x.json", "x.zip", "there.json"):
        assert run(tmp_path / name, "kill", "force").returncode == -signal.SIGKILL
    assert (tmp_path / "there.json").read_text() == "mine"
    left = [name for name in names(tmp_path) if name != "there.json"]
    assert len(left) == 3
    assert all(name.startswith(".familychat-") and name.endswith(".part") for name in left)
    # The next export takes them away once they are old enough to be nobody's.
    export(tmp_path / "y.md", "a")
    assert len(names(tmp_path)) == 5
    yesterday = time.time() - 25 * 60 * 60
    for name in left:
        os.utime(tmp_path / name, (yesterday, yesterday))
    export(tmp_path / "z.md", "a")
    assert names(tmp_path) == ["there.json", "y.md", "z.md"]


@pytest.mark.parametrize(
    ("name", "made"), [("x.json", None), ("x.csv", None), ("x.zip", "md"), ("x.zip", "json"), ("folder", "txt")]
)
def test_one_conversation_is_in_memory_at_a_time(tmp_path: Path, name: str, made: str | None) -> None:
    titles = [f"Chat {number}" for number in range(60)]
    documents = (short(title, number, "word " * 100_000) for number, title in enumerate(titles))
    target = target_for(str(tmp_path / name), made, titles)
    tracemalloc.start()
    try:
        write(target, titles, documents, io.BytesIO())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000, "sixty of half a megabyte each are three times that"
