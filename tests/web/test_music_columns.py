"""A music list whose columns nobody recognised: an admin says on the page what they are. And what can be asked then."""

from __future__ import annotations

import re
import time

import httpx
import pytest

from familychat.models import Effect, User
from familychat_web.screens import Screen
from familychat_web.testing import PATIENCE, Browser, Running

PASSWORD = "quiet little river"
NAMELESS = "Blue Moon,Ann,1961,A\nRed Sun,Bob,1973,B\nGreen Sea,Ann,1985,C\n"
ODD = "What,Who,When\nBlue Moon,Ann,1961\nRed Sun,Bob,1973\n"


def upload(browser: Browser, content: str, name: str) -> httpx.Response:
    browser.get("/admin/music")
    headers = {"x-csrf-token": browser.csrf, "origin": browser.address, "content-type": "application/octet-stream"}
    return browser.client.post("/admin/music/upload", params={"name": name}, content=content.encode(), headers=headers)


def settled(browser: Browser, words: str) -> str:
    """The page once nothing is under way; it has these words."""
    end = time.monotonic() + PATIENCE
    while "data-poll" in (text := browser.get("/admin/music").text):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert words in text
    return text


def roles(html: str) -> dict[str, str]:
    """What became of each column of the file, as the report says."""
    return dict(re.findall(r'<tr><th scope="row">([^<]+)</th><td>([^<]+)</td>', html))


@pytest.fixture
def admin(family: Running) -> User:
    found = family.home.accounts.people.by_username("mum")
    assert found is not None
    return found


def test_columns_are_mapped_and_looked_at_before_they_are_brought_in(mum: Browser) -> None:
    upload(mum, NAMELESS, "Ours.csv")
    html = settled(mum, "Say what the columns are")
    assert "such as “Blue Moon”" in html
    given = {"column-0": "title", "column-1": "artist", "column-2": "", "column-3": "ignore"}
    assert mum.post("/admin/music", do="map", **given).status_code == 303
    html = settled(mum, "waits to be brought in")
    assert {name: roles(html)[name] for name in ("Column 1", "Column 2")} == {"Column 1": "title", "Column 2": "artist"}
    assert "Column 4" not in roles(html)
    assert "There is no music list yet." in html, "nothing has changed yet"
    assert '<option value="artist" selected>' in html, "what was chosen is there to be changed"
    assert "column-3" in html, "what is left out can be taken in again"

    twice = mum.post("/admin/music", do="map", **{**given, "column-1": "title"})
    assert twice.status_code == 303
    html = settled(mum, "Two columns were said to be")
    assert 'name="column-1"' in html, "it can be put right"
    assert 'value="import"' not in html, "and not be brought in like that"
    assert mum.post("/admin/music", do="map", **{**given, "column-1": "singer"}).status_code == 303
    settled(mum, "is nothing that a column can be")

    mum.post("/admin/music", do="map", **given)
    settled(mum, "waits to be brought in")
    mum.post("/admin/music", do="import", name="Ours")
    html = settled(mum, "Ours is here with 3 songs.")
    assert roles(html)["Column 2"] == "artist"
    mum.post("/admin/music", do="remove-library", library="Ours")


def test_on_the_page_from_the_file_to_the_list(screen: Screen, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("music") / "Odd.csv"
    file.write_text(ODD)
    screen.sign_in("mum")
    screen.open("/admin/music")
    screen.see("#file").send_keys(str(file))
    screen.see("form[data-upload] button").click()
    screen.see(".mapping summary", "Say what the columns are").click()
    assert not screen.overflows()
    for place, role in enumerate(("title", "artist", "year")):
        screen.see(f"#column-{place} option[value={role}]").click()
    screen.see(".mapping button").click()
    screen.see("table", "artist")
    screen.see("#import-name")
    screen.see("form button", "Bring it in").click()
    screen.see("h2", "Odd is here with 2 songs.")
    screen.see("details.sure summary", "Remove").click()
    screen.see("details.sure button").click()
    screen.see(".done")


def test_whoever_may_ask_about_music_sees_questions_to_begin_with(
    family: Running, mum: Browser, child: Browser, admin: User
) -> None:
    upload(mum, "Title,Artist,Genre,Year\n" + "Blue Moon,Ann,Folk,1961\nGreen Sea,Ann,Folk,1985\n", "Ours.csv")
    settled(mum, "waits to be brought in")
    mum.post("/admin/music", do="import", name="Ours")
    settled(mum, "Ours is here")
    where = "/new?task=music"
    assert "Ann" not in child.get(where).text, "not without the grant"
    family.home.rules.grant(admin, "child", "task:music", Effect.ALLOW)
    html = child.get(where).text
    asked = re.findall('data-ask="([^"]+)"', html)
    assert len(asked) > 2
    assert any("Ann" in question for question in asked)
    assert "Ann?" in child.get("/").text, "on the start page, too"
    assert re.findall('data-ask="([^"]+)"', child.get(where, headers={"accept-language": "de"}).text) != asked
    family.home.rules.grant(admin, "child", "library:Ours", Effect.DENY)
    assert "data-ask" not in child.get(where).text
    family.home.rules.revoke(admin, "child", "library:Ours")

    upload(mum, "Title,Artist\nRed Sun,Bob\nRed Moon,Bob\n", "Other.csv")
    settled(mum, "waits to be brought in")
    mum.post("/admin/music", do="import", name="Other")
    settled(mum, "Other is here")
    asked = re.findall('data-ask="([^"]+)"', child.get(where).text)
    assert {question.partition(" ")[0] for question in asked} == {"@Ours", "@Other"}, "they say which one is meant"
    for name in ("Ours", "Other"):
        mum.post("/admin/music", do="remove-library", library=name)
    family.home.rules.revoke(admin, "child", "task:music")
