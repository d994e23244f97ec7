"""Libraries of a household: who may do what, what an import replaces, and what is kept of questions."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from familychat.chat import NewConversation
from familychat.errors import (
    ConflictError,
    FamilychatError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
)
from familychat.events import Completed, Delta, Event, Rows, Sql
from familychat.household import Household
from familychat.llm.base import ChatMessage, ModelInfo
from familychat.models import Effect, MusicLibrary, User
from familychat.testing import FakeOpenAI, Script
from familychat_music.engine import Answer, Asked
from familychat_music.follow_ups import Earlier
from familychat_music.libraries import Libraries, question_key
from familychat_music.runner import Runner
from familychat_music.writers.base import WriterName

pytestmark = pytest.mark.anyio

OpenHome = Callable[..., AbstractAsyncContextManager[tuple[Household, User]]]

SONGS = [("Jóga", "Björk", 1997), ("Waterloo", "ABBA", 1974), ("Yesterday", "The Beatles", 1965)]
TITLES = "SELECT title FROM songs"


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    return write(tmp_path / "songs.csv", SONGS)


def write(path: Path, rows: Sequence[tuple[object, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("Title", "Artist", "Year"), *rows])
    return path


def add(home: Household, owner: User, name: str, *, admin: bool = False) -> User:
    home.accounts.add(owner, name, "a long enough password")
    if admin:
        home.accounts.promote(owner, name)
    return home.accounts.get(owner, name)


def allow(home: Household, owner: User, who: str, resource: str) -> None:
    home.rules.grant(owner, who, resource, Effect.ALLOW)


class Writes:
    """A large model that writes this SQL, and counts how often it is asked."""

    def __init__(self, sql: str = TITLES) -> None:
        self.sql = sql
        self.prompts: list[list[str]] = []

    async def model(self) -> ModelInfo:
        return ModelInfo("large-70b")

    async def ask(
        self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any] | None = None, max_tokens: int = 300
    ) -> str:
        self.prompts.append([message.content for message in messages])
        return json.dumps({"sql": self.sql})


async def ask(
    libraries: Libraries, user: User, library: MusicLibrary, runner: Runner, asked: Asked | str, model: Writes | None
) -> Answer:
    question = Asked(asked, writer=WriterName.FREE) if isinstance(asked, str) else asked
    with closing(libraries.open(library, runner)) as engine:
        steps = [step async for step in libraries.ask(user, library, engine, question, model)]
    assert isinstance(steps[-1], Answer)
    return steps[-1]


# -- who may do what


async def test_music_is_off_until_an_admin_brings_it_in(open_home: OpenHome, songs: Path) -> None:
    async with open_home(music=False) as (home, owner):
        child = add(home, owner, "child")
        libraries = Libraries(home.database)
        for person in (owner, child):
            with pytest.raises(NotAllowedError, match="task music"):
                home.chat.start(person, NewConversation(task="music"), "songs by ABBA")
            with pytest.raises(NotAllowedError, match="task music"):
                libraries.get(person, None)
        done = libraries.bring_in(owner, songs)
        assert (done.granted, done.songs_before) == (True, None)
        assert libraries.get(owner, None) == done.library
        with pytest.raises(NotAllowedError):
            libraries.get(child, None)
        with pytest.raises(NotAllowedError):
            home.chat.start(child, NewConversation(task="music"), "songs by ABBA")
        assert not libraries.bring_in(owner, songs).granted, "it is on already"


async def test_a_denied_library_isn_t_there(open_home: OpenHome, songs: Path) -> None:
    async with open_home(music=False) as (home, owner):
        child = add(home, owner, "child")
        libraries = Libraries(home.database)
        mine = libraries.bring_in(owner, songs, name="Ours").library
        other = libraries.bring_in(owner, songs, name="Grown-ups").library
        allow(home, owner, "everyone", "task:music")
        home.rules.grant(owner, "child", "library:Grown-ups", Effect.DENY)
        assert [one.name for one in libraries.usable(child)] == ["Ours"]
        assert libraries.get(child, None) == mine
        with pytest.raises(NotFoundError) as refused:
            libraries.get(child, "Grown-ups")
        assert "Ours" in (refused.value.hint or "")
        assert libraries.get(owner, "grown-ups") == other
        with pytest.raises(InvalidInputError, match="several"):
            libraries.get(owner, None)
        home.rules.grant(owner, "child", "library:*", Effect.DENY)
        assert libraries.usable(child) == []
        with pytest.raises(NotFoundError):
            libraries.get(child, None)


async def test_only_admins_look_after_libraries(open_home: OpenHome, songs: Path) -> None:
    async with open_home(music=False) as (home, owner):
        child = add(home, owner, "child")
        allow(home, owner, "everyone", "task:music")
        libraries = Libraries(home.database)
        library = libraries.bring_in(owner, songs).library
        for forbidden in (
            lambda: libraries.bring_in(child, songs, name="Mine"),
            lambda: libraries.bring_in(child, songs, dry_run=True),
            lambda: libraries.managed(child, "songs"),
            lambda: libraries.rename(child, library, "Mine"),
            lambda: libraries.remove(child, library),
        ):
            with pytest.raises(NotAllowedError):
                forbidden()
        home.accounts.promote(owner, "child")
        parent = home.accounts.get(owner, "child")
        assert libraries.managed(parent, "songs") == library
        home.accounts.disable(owner, "child")
        with pytest.raises(NotAllowedError):
            libraries.managed(home.accounts.get(owner, "child"), "songs")
        with pytest.raises(NotAllowedError):
            libraries.get(home.accounts.get(owner, "child"), "songs")


async def test_rename_and_remove(open_home: OpenHome, songs: Path) -> None:
    async with open_home(music=False) as (home, owner):
        libraries = Libraries(home.database)
        one = libraries.bring_in(owner, songs, name="One").library
        libraries.bring_in(owner, songs, name="Two")
        libraries.rename(owner, one, "  The   First ")
        assert [found.name for found in libraries.usable(owner)] == ["The First", "Two"]
        with pytest.raises(ConflictError, match="Two"):
            libraries.rename(owner, one, "two")
        libraries.rename(owner, libraries.managed(owner, "the first"), "THE FIRST")
        for name in ("", " ", "a/b", "a\\b", "a:b", "a*", "x" * 61, "a\nb\x00"):
            with pytest.raises(InvalidInputError):
                libraries.rename(owner, one, name)
        first = libraries.managed(owner, "The First")
        file = libraries.path(first)
        assert file.is_file()
        libraries.remove(owner, first)
        assert not file.parent.exists()
        assert [found.name for found in libraries.usable(owner)] == ["Two"]
        assert songs.is_file(), "what it came from stays"
        with pytest.raises(NotFoundError):
            libraries.managed(owner, "The First")
        actions = [entry.action for entry in home.accounts.audit(owner, 20)]
        assert {"music.import", "music.rename", "music.remove"} <= set(actions)


# -- importing again


async def test_an_update_takes_the_place_of_the_old(open_home: OpenHome, songs: Path, runner: Runner) -> None:
    async with open_home(music=False) as (home, owner):
        libraries = Libraries(home.database)
        old = libraries.bring_in(owner, songs).library
        files = {libraries.path(old), libraries.index_path(old)}
        write(songs, [*SONGS, ("Help!", "The Beatles", 1965)])
        done = libraries.bring_in(owner, songs)
        assert (done.songs_before, done.library.songs, done.library.id) == (3, 4, old.id)
        assert done.library.version > old.version
        assert all(file.exists() for file in files), "who found the old version a moment ago may still open it"
        for file in files:
            os.utime(file, (0, 0))
        done = libraries.bring_in(owner, songs)
        folder = libraries.path(done.library).parent
        now = done.library.version
        kept = {f"{version}.{kind}" for version in (now - 1, now) for kind in ("db", "index")}
        assert {path.name for path in folder.iterdir()} == kept
        assert list(folder.parent.iterdir()) == [folder]
        answer = await ask(libraries, owner, done.library, runner, Asked("songs by the Beatles"), None)
        assert {row[0] for row in answer.rows.rows} == {"Yesterday", "Help!"}
        with pytest.raises(NotFoundError, match="just been changed"):
            libraries.open(old, runner)


async def test_another_source_needs_replace(open_home: OpenHome, songs: Path, tmp_path: Path) -> None:
    async with open_home(music=False) as (home, owner):
        libraries = Libraries(home.database)
        library = libraries.bring_in(owner, songs, name="Music").library
        other = write(tmp_path / "other.csv", SONGS[:1])
        with pytest.raises(ConflictError, match="left as it is"):
            libraries.bring_in(owner, other, name="music")
        assert libraries.managed(owner, "Music") == library
        look = libraries.bring_in(owner, other, name="music", dry_run=True)
        assert (look.songs_before, libraries.managed(owner, "Music")) == (3, library)
        done = libraries.bring_in(owner, other, name="music", replace=True)
        assert (done.library.name, done.library.songs, done.songs_before) == ("Music", 1, 3)
        assert len(libraries.usable(owner)) == 1


async def test_a_dry_run_leaves_nothing(open_home: OpenHome, songs: Path, data_dir: Path) -> None:
    async with open_home(music=False) as (home, owner):
        libraries = Libraries(home.database)
        found = libraries.bring_in(owner, songs, dry_run=True)
        assert (found.library.songs, found.songs_before, found.granted) == (3, None, False)
        assert libraries.usable(owner) == []
        assert list((data_dir / "music").iterdir()) == []
        with pytest.raises(NotAllowedError):
            libraries.get(owner, None)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(100), b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_failed_import_leaves_the_old(
    content: bytes, open_home: OpenHome, songs: Path, runner: Runner, data_dir: Path
) -> None:
    async with open_home(music=False) as (home, owner):
        libraries = Libraries(home.database)
        library = libraries.bring_in(owner, songs).library
        songs.write_bytes(content)
        with pytest.raises(FamilychatError):
            libraries.bring_in(owner, songs)
        assert libraries.managed(owner, "songs") == library
        assert [path.name for path in (data_dir / "music").iterdir()] == [library.id]
        answer = await ask(libraries, owner, library, runner, Asked("songs by ABBA"), None)
        assert answer.rows.rows == (("Waterloo",),)


async def test_an_index_that_is_gone_is_made_anew(open_home: OpenHome, songs: Path, runner: Runner) -> None:
    async with open_home(music=False) as (home, owner):
        libraries = Libraries(home.database)
        library = libraries.bring_in(owner, songs).library
        libraries.index_path(library).unlink()
        answer = await ask(libraries, owner, library, runner, Asked("songs by ABBA"), None)
        assert answer.rows.rows == (("Waterloo",),)


# -- what is kept of questions


async def test_a_question_is_answered_again_without_the_model(open_home: OpenHome, songs: Path, runner: Runner) -> None:
    async with open_home(music=False) as (home, owner):
        libraries, model = Libraries(home.database), Writes()
        library = libraries.bring_in(owner, songs).library
        first = await ask(libraries, owner, library, runner, "What is there to hear?", model)
        again = await ask(libraries, owner, library, runner, "  what IS there to héar", model)
        assert (first.cached, again.cached, len(model.prompts)) == (False, True, 1)
        assert (again.sql, again.rows) == (TITLES, first.rows)
        await ask(libraries, owner, library, runner, "What else is there?", model)
        assert len(model.prompts) == 2
        assert [one.question for one in libraries.history(owner, library)] == [
            "What else is there?",
            "What is there to hear?",
        ]


async def test_not_after_an_update(open_home: OpenHome, songs: Path, runner: Runner) -> None:
    async with open_home(music=False) as (home, owner):
        libraries, model = Libraries(home.database), Writes()
        await ask(libraries, owner, libraries.bring_in(owner, songs).library, runner, "What is there?", model)
        write(songs, SONGS[:2])
        newer = libraries.bring_in(owner, songs).library
        answer = await ask(libraries, owner, newer, runner, "What is there?", model)
        assert (answer.cached, len(model.prompts), len(answer.rows.rows)) == (False, 2, 2)
        assert (await ask(libraries, owner, newer, runner, "What is there?", model)).cached


async def test_not_after_it_was_marked_wrong(open_home: OpenHome, songs: Path, runner: Runner) -> None:
    async with open_home(music=False) as (home, owner):
        libraries, model = Libraries(home.database), Writes()
        library = libraries.bring_in(owner, songs).library
        await ask(libraries, owner, library, runner, "What is there?", model)
        libraries.mark(owner, libraries.asked(owner, library, "1"), "wrong")
        model.sql = "SELECT artist FROM songs"
        answer = await ask(libraries, owner, library, runner, "What is there?", model)
        assert (answer.cached, answer.sql, len(model.prompts)) == (False, "SELECT artist FROM songs", 2)
        assert libraries.asked(owner, library, "1").verdict is None, "that was about other SQL"
        assert (await ask(libraries, owner, library, runner, "What is there?", model)).cached


async def test_follow_ups_and_what_was_declined_are_not_kept(open_home: OpenHome, songs: Path, runner: Runner) -> None:
    async with open_home(music=False) as (home, owner):
        libraries = Libraries(home.database)
        library = libraries.bring_in(owner, songs).library
        await ask(libraries, owner, library, runner, Asked("hello", writer=WriterName.PLAN), None)
        first = await ask(libraries, owner, library, runner, Asked("songs by ABBA", writer=WriterName.PLAN), None)
        assert first.plan is not None
        later = Asked("and by Björk?", Earlier(first.plan, first.rows.rows), writer=WriterName.PLAN)
        second = await ask(libraries, owner, library, runner, later, None)
        assert second.rows.rows == (("Jóga",),)
        assert [one.question for one in libraries.history(owner, library)] == ["songs by ABBA"]


async def test_nobody_gets_anybody_else_s(open_home: OpenHome, songs: Path, runner: Runner) -> None:
    async with open_home(music=False) as (home, owner):
        child = add(home, owner, "child")
        allow(home, owner, "everyone", "task:music")
        libraries, model = Libraries(home.database), Writes()
        library = libraries.bring_in(owner, songs).library
        await ask(libraries, owner, library, runner, "My secret wish", model)
        mine = libraries.asked(owner, library, "1")
        libraries.mark(owner, mine, "right")
        assert [example.question for example in libraries.examples(owner, library, "secret")] == ["My secret wish"]
        assert libraries.examples(child, library, "My secret wish") == ()
        assert libraries.history(child, library) == []
        for reference in ("1", mine.id, "0", "-1", "99999999999999999999", "", "x"):
            with pytest.raises(NotFoundError):
                libraries.asked(child, library, reference)
        with pytest.raises(NotFoundError):
            libraries.mark(child, mine, "wrong")
        answer = await ask(libraries, child, library, runner, "My secret wish", model)
        assert (answer.cached, len(model.prompts)) == (False, 2)
        assert not any("secret" in text for text in model.prompts[1][:-1]), "nobody else's example is shown"
        await ask(libraries, owner, library, runner, "Another wish", model)
        assert "My secret wish" in model.prompts[2]
        libraries.mark(owner, mine, None)
        assert libraries.examples(owner, library, "secret") == ()


async def test_the_likest_examples_come_first(open_home: OpenHome, songs: Path, runner: Runner) -> None:
    async with open_home(music=False) as (home, owner):
        libraries, model = Libraries(home.database), Writes()
        library = libraries.bring_in(owner, songs).library
        for text in ("songs for the car", "what did uncle like", "a quiet evening", "dance music", "for breakfast"):
            await ask(libraries, owner, library, runner, text, model)
            libraries.mark(owner, libraries.asked(owner, library, "1"), "right")
        found = [example.question for example in libraries.examples(owner, library, "something for a quiet evening")]
        assert found[0] == "a quiet evening"
        assert len(found) == 3


def test_questions_that_are_the_same() -> None:
    assert question_key("Songs by Björk?") == question_key("  songs BY bjork ")
    assert question_key("Queen's songs") == question_key("queens songs")
    assert question_key("songs by ABBA") != question_key("songs by Adele")
    assert question_key("songs over 3:45") != question_key("songs over 3:54")


# -- in a chat


async def collect(home: Household, user: User, conversation: Any, text: str) -> list[Event]:
    return [event async for event in home.chat.send(user, conversation, text)]


async def test_a_chat_about_music(open_home: OpenHome) -> None:
    fake = FakeOpenAI(models=["tiny-1b"])
    async with open_home(fake) as (home, owner):
        events = await collect(home, owner, NewConversation(task="music"), "songs by Queen")
        kinds = [type(event) for event in events]
        assert kinds[-4:] == [Sql, Rows, Delta, Completed]
        sql, rows, delta, end = events[-4:]
        assert isinstance(sql, Sql)
        assert isinstance(rows, Rows)
        assert isinstance(delta, Delta)
        assert isinstance(end, Completed)
        assert sql.text.startswith("SELECT title FROM songs")
        assert sql.writer == "plan"
        assert (rows.row_count, rows.truncated, rows.columns) == (10, False, ("title", "artist"))
        assert end.message.content == delta.text
        assert delta.text.startswith("10 songs: ")
        conversation = home.conversations.newest(owner)[0]
        kept = home.conversations.messages(owner, conversation)[1].details
        assert (kept["library"], kept["question"], kept["sql"]) == ("family-music", "songs by Queen", sql.text)
        assert (kept["row_count"], kept["writer"], kept["truncated"]) == (10, "plan", False)
        assert len(kept["rows"]) == 10

        later = await collect(home, owner, conversation, "how many is that?")
        assert later[-1].message.content == "10 songs."  # type: ignore[union-attr]
        third = await collect(home, owner, conversation, "only the ones from the seventies")
        assert "year BETWEEN 1970 AND 1979" in next(event.text for event in third if isinstance(event, Sql))
        assert "Queen" in next(event.text for event in third if isinstance(event, Sql))


async def test_a_declined_question_in_a_chat(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(models=["tiny-1b"])) as (home, owner):
        events = await collect(home, owner, NewConversation(task="music"), "hello")
        assert not any(isinstance(event, (Sql, Rows)) for event in events)
        assert isinstance(events[-1], Completed)
        assert events[-1].message.content.startswith("Hello!")
        conversation = home.conversations.newest(owner)[0]
        later = await collect(home, owner, conversation, "songs by ABBA")
        assert isinstance(later[-1], Completed)


async def test_a_chat_in_which_a_large_model_writes(open_home: OpenHome) -> None:
    sql = "SELECT COUNT(*) FROM songs"
    fake = FakeOpenAI(Script(pieces=('{"sql": "', sql, '"}')), models=["large-70b"])
    async with open_home(fake) as (home, owner):
        events = await collect(home, owner, NewConversation(task="music"), "how large is it all?")
        assert next(event for event in events if isinstance(event, Sql)) == Sql(sql, "free")
        assert isinstance(events[-1], Completed)
        assert events[-1].message.model == "large-70b"
        assert "672" in events[-1].message.content
        conversation = home.conversations.newest(owner)[0]
        await collect(home, owner, conversation, "and without jazz?")
        prompt = fake.chats[-1].body["messages"][-1]["content"]
        assert "how large is it all?" in prompt
        assert sql in prompt


async def test_a_chat_goes_on_without_a_model_server(open_home: OpenHome) -> None:
    fake = FakeOpenAI(Script(error="out of memory", status=500), models=["large-70b"])
    async with open_home(fake) as (home, owner):
        events = await collect(home, owner, NewConversation(task="music"), "songs by Queen")
        assert isinstance(events[-1], Completed)
        assert events[-1].message.content.startswith("10 songs: ")


async def test_a_grant_taken_away_ends_it(open_home: OpenHome) -> None:
    async with open_home(FakeOpenAI(models=["tiny-1b"])) as (home, owner):
        await collect(home, owner, NewConversation(task="music"), "songs by Queen")
        conversation = home.conversations.newest(owner)[0]
        home.rules.grant(owner, "everyone", "task:music", Effect.DENY)
        with pytest.raises(NotAllowedError, match="task music"):
            await collect(home, owner, conversation, "and by ABBA?")
        assert len(home.conversations.messages(owner, conversation)) == 2, "nothing was stored"
