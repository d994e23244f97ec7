"""The whole road: ``familychat serve`` as its own process, the real built-in engine, and a real Chromium.

Wide and on a phone. The tests of one size share a household, which its first admin set up in the browser.
"""

from __future__ import annotations

import csv
import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from familychat_cli.testing import House
from familychat_web.screens import Screen

pytestmark = pytest.mark.embedded

PASSWORD = "quiet little river"
LONG = "Write a very long story about a boat, with many chapters."
A_SECOND = 1.0
SONGS = [
    ("Title", "Artist", "Year", "Genre"),
    ("Hello", "Adele", 2015, "Pop"),
    ("Skyfall", "Adele", 2012, "Film"),
    ("Bohemian Rhapsody", "Queen", 1975, "Rock"),
    ("Heroes", "David Bowie", 1977, "Rock"),
    ("Mamma Mia", "ABBA", 1975, "Pop"),
    ("Take Five", "Dave Brubeck", 1959, "Jazz"),
    ("Dancing Queen", "ABBA", 1976, "Pop"),
]


def usage(house: House, seconds: float) -> float:
    """How many processors the server keeps busy from now on, for so long."""
    before = house.processor_seconds()
    time.sleep(seconds)
    return (house.processor_seconds() - before) / seconds


def kept_answer(house: House, conversation: str) -> tuple[str, str]:
    """Status and text of a conversation's last message, as the terminal tells them to mum."""
    messages = house.cli("conversations", "show", conversation, "--json").json()["messages"]
    return messages[-1]["status"], messages[-1]["content"]


def end(screen: Screen) -> None:
    """Stop the answer, unless it has ended by itself."""
    screen.run("document.getElementById('stop').click()")
    screen.see("#send")


def brief(screen: Screen, question: str) -> str:
    """A conversation with the beginning of an answer; its id."""
    conversation = screen.begin(question)
    screen.grown(5)
    end(screen)
    return conversation


def letters(text: str) -> str:
    """Only the letters, which are the same before and after Markdown is rendered."""
    return "".join(re.findall(r"[^\W\d_]", text))


def test_the_link_worked_once_and_the_password_is_asked_for(
    house: House, driver: webdriver.Chrome, size: tuple[int, int]
) -> None:
    screen = Screen(driver, house.address, PASSWORD).fresh(size)
    driver.get(house.setup)
    screen.see("h1")
    assert not screen.all("[name=again]"), "the setup link is good only once"
    screen.open("/new")
    screen.see("[name=username]").send_keys("mum")
    screen.see("[name=password]").send_keys("a wrong password", Keys.ENTER)
    screen.see("[role=alert]")
    screen.see("[name=password]").send_keys(PASSWORD, Keys.ENTER)
    screen.see("#text")
    assert driver.current_url.endswith("/new"), "one comes to where one wanted to go"
    screen.open("/")
    screen.see("h1", "Mum")
    assert not screen.overflows()


def test_an_answer_streams(house: House, mums: Screen) -> None:
    conversation = mums.begin(LONG)
    first = mums.grown(1)
    assert mums.all("#stop"), "it is shown while it is being written"
    second = mums.grown(len(first) + 20)
    assert len(second) > len(first)
    end(mums)
    assert letters(mums.answer) == letters(kept_answer(house, conversation)[1])
    mums.ask("Say yes.")
    mums.until(lambda: len(mums.all(".answer")) == 2)
    mums.grown(1)
    end(mums)
    mums.see(".answer:last-of-type h2", "smollm2")


def test_stop_stops_the_model_itself(house: House, mums: Screen) -> None:
    conversation = mums.begin(LONG)
    mums.grown(100)
    busy = usage(house, A_SECOND)
    assert busy > 0.1, "the model is at work"
    shown = mums.answer
    mums.stop()
    mums.until(lambda: usage(house, A_SECOND) < busy / 3)  # the model is idle
    status, text = kept_answer(house, conversation)
    assert status == "stopped"
    assert letters(text).startswith(letters(shown)[:-20])
    mums.driver.refresh()
    assert letters(mums.answer) == letters(text)
    mums.see(".answer .status", "Stopped. What had come is kept.")


def test_reloading_in_mid_answer_neither_misses_nor_repeats(house: House, mums: Screen) -> None:
    conversation = mums.begin(LONG)
    seen = [letters(mums.grown(60))]
    for _ in range(2):
        mums.driver.refresh()
        seen.append(letters(mums.grown(len(seen[-1]))))
        assert mums.all("#stop"), "it is still being written"
        for _ in range(8):
            time.sleep(0.05)
            seen.append(letters(mums.answer))
    seen.append(letters(mums.grown(len(mums.answer) + 20)))
    end(mums)
    whole = letters(kept_answer(house, conversation)[1])
    assert letters(mums.answer) == whole
    for shown in seen:
        assert whole.startswith(shown[:-20]), "each time just the beginning of the whole"


def test_the_answer_goes_on_while_one_is_elsewhere(house: House, mums: Screen) -> None:
    conversation = mums.begin(LONG)
    mums.grown(60)
    mums.open("/account")
    before = len(kept_answer(house, conversation)[1])
    mums.until(lambda: len(kept_answer(house, conversation)[1]) > before + 20)
    mums.driver.back()
    mums.see("#stop")
    mums.grown(before + 20)
    end(mums)


def test_renaming_in_place_keeps_the_order(house: House, mums: Screen) -> None:
    for question in ("First the boats?", "Then the trains?", "And the planes?"):
        brief(mums, question)
    before = mums.titles()
    assert before[:3] == ["And the planes?", "Then the trains?", "First the boats?"]
    row = mums.see(".rows li", "Then the trains?")
    more = row.find_element("css selector", ".chat-more")
    more.send_keys(Keys.ENTER)
    mums.see(".row-menu button", "Rename").click()
    mums.until(lambda: mums.focused.tag_name == "input")
    mums.press("Railways", Keys.ENTER)
    mums.see(".chat-link", "Railways")
    expected = ["Railways" if one == "Then the trains?" else one for one in before]
    mums.until(lambda: house.cli("conversations", "list", "--json").json()[1]["title"] == "Railways")
    assert mums.titles() == expected
    mums.driver.refresh()
    assert mums.titles() == expected


def test_search_as_one_types(house: House, mums: Screen) -> None:
    brief(mums, "Does a hedgehog sleep in winter?")
    mums.open("/")
    mums.pane()
    field = mums.see("#conversations input[type=search]")
    for letter in "hedge":
        field.send_keys(letter)
    mums.see("#hits mark", "hedge")
    assert not mums.all("#list"), "the hits stand where the list was"
    mums.see("#hits .hit", "sleep in winter").click()
    mums.see(".asked .text", "hedgehog")
    assert not mums.overflows()
    mums.open("/")
    mums.pane()
    mums.see("#conversations input[type=search]").send_keys("xylophone")
    mums.see("#hits", "Nothing was found.")


def is_json(text: str) -> bool:
    return bool(json.loads(text))


def is_csv(text: str) -> bool:
    return len(list(csv.reader(text.splitlines()))) >= 3  # names, question, answer


FORMATS: dict[str, Callable[[str], bool]] = {
    "md": lambda text: text.lstrip().startswith("# "),
    "txt": lambda text: "<" not in text,
    "html": lambda text: text.lower().startswith("<!doctype html>"),
    "json": is_json,
    "csv": is_csv,
}


def test_export_in_each_format(house: House, mums: Screen, downloads: Path) -> None:
    brief(mums, "What do bees eat?")
    offered = mums.run("return [...document.querySelectorAll('#tools a[download]')].map((one) => one.pathname)")
    endings = [path.rpartition("/")[2] for path in offered]
    assert set(endings) - {"pdf"} == set(FORMATS)
    for ending in endings:
        mums.see("#tools .extras:last-child summary").click()
        mums.see(f"#tools a[href$='/export/{ending}']").click()
        file = downloads / f"What do bees eat.{ending}"
        mums.until(file.exists)
        content = file.read_bytes()
        file.unlink()
        if ending == "pdf":
            assert content.startswith(b"%PDF-")
        else:
            text = content.decode()
            assert "What do bees eat?" in text
            assert FORMATS[ending](text), ending
        mums.driver.refresh()


def test_music_from_a_file_to_a_chart(house: House, mums: Screen, tmp_path: Path) -> None:
    path = tmp_path / "Our songs.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(SONGS)
    mums.open("/admin/music")
    mums.see("#file").send_keys(str(path))
    mums.see("button", "Upload").click()
    mums.see("h2", "waits to be brought in")
    mums.see("table", "Artist")
    mums.see("button", "Bring it in").click()
    mums.see("h2", "is here with 7 songs.")
    mums.begin("How many songs are there per genre?", "/new?task=music")
    mums.see(".found summary", "4 rows").click()
    mums.see(".found .chart")
    assert "GROUP BY" in mums.see(".found pre").text
    column = "return [...document.querySelectorAll('.found tbody tr')].map((row) => row.cells[0].textContent)"
    mums.see(".found th button").click()
    assert mums.run(column) == ["Film", "Jazz", "Pop", "Rock"]
    mums.see(".found th button").click()
    assert mums.run(column) == ["Rock", "Pop", "Jazz", "Film"]
    assert not mums.overflows()
    mums.ask("Which songs are by Adele?")
    mums.see(".answer:last-of-type .text", "Skyfall")


def test_a_second_person_sees_nothing_of_the_first(house: House, mums: Screen, childs: Screen) -> None:
    secret = brief(mums, "Where are the birthday presents?")
    childs.pane()
    childs.see("#list", "Nothing yet.")
    childs.see("#conversations input[type=search]").send_keys("birthday")
    childs.see("#hits", "Nothing was found.")
    childs.open(f"/c/{secret}")
    childs.see("h1")
    assert "birthday" not in childs.see("body").text
    mine = brief(childs, "Why do cats purr?")
    mums.open("/")
    assert "Why do cats purr?" not in mums.titles()
    mums.open(f"/c/{mine}")
    mums.see("h1")
    assert "purr" not in mums.see("body").text, "an admin sees no chats"
    assert [line["message"].count("404") for line in mums.log()] == [1]


def test_a_grant_that_is_taken_away_meanwhile(house: House, mums: Screen, childs: Screen) -> None:
    assert any("General" in one.text for one in childs.all(".tasks h2"))
    childs.open("/new")
    mums.open("/admin/rules")
    Select(mums.see("#grant-who")).select_by_visible_text("child")
    mums.see("#grant-what").send_keys("task:general")
    Select(mums.see("#grant-effect")).select_by_value("deny")
    mums.see("button", "Set the rule").click()
    mums.see("[role=status]", "The rule holds from now on.")
    childs.ask("Hello?")
    childs.see("#problem", "You may not use the task general")
    assert childs.see("#text").get_attribute("value") == "Hello?", "what was typed isn't lost"
    childs.open("/")
    childs.see(".tasks h2", "Homework")
    assert not any("General" in one.text for one in childs.all(".tasks h2"))


def luminance(colour: str) -> float:
    """Of ``rgb(...)``, as WCAG 2.2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


COLOURS = "const shown = getComputedStyle(document.body); return [shown.backgroundColor, shown.color]"


def test_the_dark_theme(mums: Screen) -> None:
    mums.open("/account")
    Select(mums.see("#theme")).select_by_value("dark")
    mums.see("form[action='/account/look'] button").click()
    mums.see("html[data-theme=dark]")
    for path in ("/", "/new", "/admin/people"):
        mums.open(path)
        page, text = mums.run(
            "const shown = getComputedStyle(document.body); return [shown.backgroundColor, shown.color]"
        )
        assert luminance(page) < 0.05
        assert (luminance(text) + 0.05) / (luminance(page) + 0.05) > 7


def test_signing_out_leaves_nothing(mums: Screen) -> None:
    mums.open("/new")
    mums.see("#text").send_keys("A secret thou")
    mums.see("form[action='/sign-out'] button").click()
    mums.see("[name=username]")
    assert mums.run("return localStorage.length") == 0
    mums.driver.back()
    mums.see("[name=username]")
    mums.open("/account")
    mums.see("[name=username]")


def test_killed_in_mid_answer_and_started_again(house: House, mums: Screen) -> None:
    conversation = mums.begin(LONG)
    safe = letters(mums.grown(150))[:-20]
    time.sleep(A_SECOND)
    house.process.send_signal(signal.SIGKILL)
    house.process.communicate()
    mums.see("#problem", "The line to familychat is gone.")
    assert letters(mums.answer).startswith(safe), "what came can still be read"
    house.start_again()
    mums.see(".answer .status", "Cut off. What had come is kept.")
    status, text = kept_answer(house, conversation)
    assert status == "partial"
    assert letters(text).startswith(safe)
    assert letters(mums.answer) == letters(text), "the page shows by itself what was kept"
    mums.gone("#problem")
    assert all("ERR_" in line["message"] for line in mums.log()), "nothing but that the server was gone"
    mums.see(".answer button", "Go on").click()
    mums.see("#stop")
    mums.grown(len(text))
    end(mums)
