"""The admin's pages of models and music: work that goes on by itself, and is looked at meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.queue.sharing import Server, SharedQueue
from familychat.settings import Settings, load_settings
from familychat.store.leases import Lease
from familychat.testing import FakeLMStudio
from familychat_web.controllers import music
from familychat_web.music_desk import file_name
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
PATIENCE = 30.0
LMSTUDIO = "lmstudio http://localhost:1234"
"""What the line at it is called."""
SONGS = "Title,Artist,Year,Length\nBlue Moon,Ann,1961,3:45\nRed Sun,Bob,1973,4:10\nGreen Sea,Ann,1985,2:59\n"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A page with LM Studio behind it."""
    fake = FakeLMStudio(load_seconds=0.5)

    def household(settings: Settings) -> Household:
        return Household(settings, servers=ServerChoice(settings, fake.transport()))

    folder = tmp_path_factory.mktemp("family") / "data"
    with family_page(folder, password=PASSWORD, household=household, server_kind="lmstudio") as running:
        yield running


@pytest.fixture
def page(family: Running, mum: Browser) -> tuple[Running, Browser]:
    return family, mum


def shown(browser: Browser, path: str, words: str) -> str:
    """The page once these words are on it."""
    end = time.monotonic() + PATIENCE
    while words not in (text := browser.get(path).text):
        assert time.monotonic() < end, f"{words} never came: {text}"
        time.sleep(0.05)
    return text


def test_models_are_loaded_unloaded_and_fetched(mum: Browser) -> None:
    assert "maker/tiny" in mum.get("/admin/models").text
    assert mum.post("/admin/models", do="load", model="maker/tiny").status_code == 303
    text = mum.get("/admin/models").text
    assert 'data-poll="/admin/models/progress"' in text
    assert "maker/tiny is being loaded" in mum.get("/admin/models/progress").text
    second = mum.post("/admin/models", do="load", model="maker/large")
    assert second.status_code == 409, "one at a time"
    text = shown(mum, "/admin/models", "maker/tiny is ready.")
    assert "data-poll" not in text
    assert mum.post("/admin/models", do="unload", model="maker/tiny").status_code == 303
    shown(mum, "/admin/models", "maker/tiny is unloaded.")
    assert mum.post("/admin/models", do="unload", model="no-such").status_code == 404
    assert mum.post("/admin/models", do="pull", model="maker/new").status_code == 303
    shown(mum, "/admin/models", "maker/new is here.")
    assert mum.post("/admin/models", do="pull", model="").status_code == 422
    assert mum.post("/admin/models", do="look-anew").headers["location"] == "/admin/models?done=look-anew"


def test_no_answer_loses_its_model(page: tuple[Running, Browser]) -> None:
    family, mum = page
    data_dir = family.app.state.site.settings.data_dir
    lease = Lease(data_dir)
    terminal = SharedQueue(data_dir, lease.id)
    answering = terminal.turn(Server(LMSTUDIO, lambda: 1), "kid", lambda _position: None, model="maker/tiny")
    with asyncio.Runner() as loop:
        loop.run(answering.__aenter__())
        mum.get("/admin/models")
        assert mum.post("/admin/models", do="load", model="maker/large").status_code == 303
        text = shown(mum, "/admin/models", "It waits for answers that are under way: number 1 in the line.")
        assert "maker/large is being loaded" in text
        loop.run(answering.__aexit__(None, None, None))
    shown(mum, "/admin/models", "maker/large is ready.")
    terminal.close()
    lease.release()


def test_the_default_model_holds_at_once_and_lasts(page: tuple[Running, Browser]) -> None:
    family, mum = page
    mum.get("/admin/models")
    assert mum.post("/admin/models", do="use-model", model="large").status_code == 303
    assert "(the default)" in mum.get("/admin/models").text
    assert family.home.settings.model == "maker/large"
    assert load_settings(environ={}, config_path=family.app.state.site.config_path).model == "maker/large"


def upload(browser: Browser, content: bytes | Iterator[bytes], name: str) -> httpx.Response:
    browser.get("/admin/music")
    headers = {"x-csrf-token": browser.csrf, "origin": browser.address, "content-type": "application/octet-stream"}
    return browser.client.post("/admin/music/upload", params={"name": name}, content=content, headers=headers)


def waiting(family: Running) -> list[Path]:
    """What of uploads lies in the data folder."""
    return list((family.app.state.site.settings.data_dir / "music").glob("import-*/*.csv"))


def test_music_is_looked_at_before_it_is_brought_in(page: tuple[Running, Browser]) -> None:
    family, mum = page
    assert upload(mum, SONGS.encode(), "../../Our songs.csv").headers["location"] == "/admin/music"
    preview = shown(mum, "/admin/music", "Our songs.csv waits to be brought in")
    assert "3 rows" in preview
    assert "Length" in preview
    assert "There is no music list yet." in preview
    assert [path.stat().st_mode & 0o077 for path in waiting(family)] == [0] or waiting(family)
    assert mum.post("/admin/music", do="import", name="a/b").status_code == 303
    shown(mum, "/admin/music", "can&#39;t be called")
    assert mum.post("/admin/music", do="look", sheet="").status_code == 303
    shown(mum, "/admin/music", "3 rows")
    assert mum.post("/admin/music", do="import", name="Ours").status_code == 303
    done = shown(mum, "/admin/music", "Ours is here with 3 songs.")
    assert "You may now ask about music." in done
    assert waiting(family) == []
    one = mum.get("/admin/music/one?name=Ours").text
    assert "Questions to begin with" in one
    assert "<li>" in one

    upload(mum, (SONGS + "New,Cat,2001,1:00\n").encode(), "Ours.csv")
    preview = shown(mum, "/admin/music", "waits to be brought in")
    assert "takes the place of Ours, which has 3 songs" in preview
    assert "3 songs" in preview, "nothing has changed yet"
    mum.post("/admin/music", do="import", name="Ours")
    assert "Before: 3." in shown(mum, "/admin/music", "Ours is here with 4 songs.")

    assert mum.post("/admin/music", do="rename-library", library="Ours", name="Our music").status_code == 303
    assert mum.post("/admin/music", do="remove-library", library="Ours").status_code == 404
    assert mum.post("/admin/music", do="remove-library", library="Our music").status_code == 303
    assert "There is no music list yet." in mum.get("/admin/music").text


def test_what_isnt_wanted_is_thrown_away(page: tuple[Running, Browser]) -> None:
    family, mum = page
    upload(mum, SONGS.encode(), "songs.csv")
    shown(mum, "/admin/music", "songs.csv waits")
    upload(mum, SONGS.encode(), "others.csv")
    shown(mum, "/admin/music", "others.csv waits")
    assert [path.name for path in waiting(family)] == ["others.csv"], "one at a time"
    assert mum.post("/admin/music", do="cancel").status_code == 303
    assert waiting(family) == []
    assert mum.post("/admin/music", do="import", name="Songs").status_code == 409
    assert upload(mum, b"", "empty.csv").status_code == 422
    assert waiting(family) == []
    upload(mum, b"\x00\x01\x02 no list", "odd.csv")
    shown(mum, "/admin/music", 'role="alert"')


def test_too_much_is_refused_before_and_while_it_comes(page: tuple[Running, Browser]) -> None:
    family, mum = page
    mum.get("/admin/music")
    headers = {"x-csrf-token": mum.csrf, "origin": mum.address, "content-type": "application/octet-stream"}
    most = music.MOST_IN_AN_UPLOAD

    def endless() -> Iterator[bytes]:
        piece = bytes(8_000_000)
        for _ in range(most // len(piece) + 2):
            yield piece

    try:
        told = mum.client.post("/admin/music/upload?name=x.csv", content=endless(), headers=headers).status_code
    except httpx.TransportError:  # the server doesn't wait for the rest
        told = 413
    assert told == 413
    assert waiting(family) == []
    assert mum.get("/admin/music").status_code == 200


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\music\\our songs.xlsx", "our songs.xlsx"),
        ("", "Music"),
        ("...", "Music"),
        (".csv", "csv"),
        ("a\x00b\n.csv", "ab.csv"),
        ("ö" * 300 + ".csv", "ö" * 56 + ".csv"),
    ],
)
def test_a_file_gets_only_a_name(said: str, kept: str) -> None:
    assert file_name(said) == kept
    assert len(file_name(said).encode()) < 255


def test_the_page_ends_an_import_that_is_under_way(tmp_path: Path) -> None:
    started: list[Callable[[], bool]] = []
    with family_page(tmp_path / "data", password=PASSWORD, server_kind="embedded") as running:
        mum = running.signed_in("mum", PASSWORD)
        rows = "".join(f"Song {number},Ann,{1900 + number % 100},3:00\n" for number in range(200_000))
        upload(mum, ("Title,Artist,Year,Length\n" + rows).encode(), "many.csv")
        job = running.app.state.site.jobs.latest("music")
        started.append(lambda: job.ended)
    assert started[0]()
    assert list((tmp_path / "data" / "music").glob("import-*")) == [], "nothing is left"
