"""Which language a page is in, and that words are escaped in all of them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from familychat.events import Loading, Notice
from familychat.models import LimitKind
from familychat.testing import FakeOpenAI, Script
from familychat.wording import Counted, Text, counted
from familychat_web.languages import DOMAIN, Languages
from familychat_web.streams import Telling
from familychat_web.testing import Browser, Running

LEFT_OUT = ("%(count)s row of %(name)s was left out.", "%(count)s rows of %(name)s were left out.")
CATALOGUES = {
    "de": {
        "Sign in": "Anmelden",
        "Hello, %(name)s": "Hallo <b>%(name)s</b>",
        "There is nothing here.": "Hier ist nichts.",
        "There is no format %(name)s. Nothing was written.": "%(name)s ist kein Format. Nichts wurde geschrieben.",
        "There are %(formats)s.": "Es gibt %(formats)s.",
        "There is a group %(name)s already. Nothing was changed.": "Die Gruppe %(name)s gibt es. Nichts ist anders.",
        "Choose another name.": "Nimm einen anderen Namen.",
        "%(questions)s left for today.": "Für heute: %(questions)s.",
        "%(server)s doesn't answer at %(address)s.": "%(server)s antwortet nicht unter %(address)s.",
        "The built-in engine": "Die eingebaute Maschine",
        "Loading %(model)s": "%(model)s wird geladen",
        "%(text)s, %(seconds)s s so far": "%(text)s, seit %(seconds)s s",
        "%(path)s is empty.": "%(path)s ist leer.",
        "added a group": "hat eine Gruppe angelegt",
        "The model server": "Der Modellserver",
        "%(server)s reports: %(text)s.": "%(server)s meldet: %(text)s.",
    },
    "pt-BR": {"Sign in": "Entrar"},
    "he": {"Sign in": "כניסה"},
}
PLURALS = {
    ("%(count)s question", "%(count)s questions"): ("%(count)s Frage", "%(count)s Fragen"),
    LEFT_OUT: ("%(count)s Zeile von %(name)s fehlt.", "%(count)s Zeilen von %(name)s fehlen."),
}
GERMAN = {"accept-language": "de"}


def write(folder: Path, code: str, words: dict[str, str]) -> None:
    """A catalogue in the binary form of gettext (its manual, section "The Format of GNU MO Files")."""
    words = {"": "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n != 1;\n", **words}
    keys = [key.encode() for key in sorted(words)]
    values = [words[key.decode()].encode() for key in keys]
    table_size = 8 * len(keys)
    at, places = 28 + 2 * table_size, b""
    for text in keys + values:
        places += struct.pack("<II", len(text), at)
        at += len(text) + 1
    head = struct.pack("<7I", 0x950412DE, 0, len(keys), 28, 28 + table_size, 0, 28 + 2 * table_size)
    path = folder / code / "LC_MESSAGES" / f"{DOMAIN}.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(head + places + b"".join(text + b"\0" for text in keys + values))


@pytest.fixture
def languages(tmp_path: Path) -> Languages:
    return written(tmp_path)


def written(folder: Path) -> Languages:
    plurals = {"\0".join(english): "\0".join(german) for english, german in PLURALS.items()}
    for code, words in CATALOGUES.items():
        write(folder, code, words | (plurals if code == "de" else {}))
    return Languages(folder)


@pytest.fixture
def german_family(family: Running, tmp_path: Path) -> Iterator[Running]:
    """The served page with the catalogues of this test."""
    site = family.app.state.site
    before, site.languages = site.languages, written(tmp_path)
    yield family
    site.languages = before


@pytest.mark.parametrize(
    ("chosen", "asked", "code"),
    [
        (None, "", "en"),
        (None, "de", "de"),
        (None, "de-AT,en;q=0.5", "de"),
        (None, "xx, de;q=0.2, en;q=0.1", "de"),
        (None, "de;q=0.2, en;q=0.8", "en"),
        (None, "de;q=0", "en"),
        (None, "de;q=x, ;;, *", "en"),
        (None, "he", "he"),
        ("de", "en", "de"),
        ("xx", "he", "he"),
    ],
)
def test_the_chosen_one_else_what_the_browser_asks_for(
    languages: Languages, chosen: str | None, asked: str, code: str
) -> None:
    assert languages.best(chosen, asked).code == code


def test_the_words_and_their_direction(languages: Languages) -> None:
    assert languages.codes == ["en", "de", "he", "pt-BR"]
    german, hebrew = languages.best("de", ""), languages.best("he", "")
    assert german.gettext("Sign in") == "Anmelden"
    assert german.gettext("Sign out") == "Sign out"
    assert (german.direction, hebrew.direction) == ("ltr", "rtl")


def test_names_and_catalogues_are_escaped(languages: Languages) -> None:
    assert languages.best("de", "").gettext("Hello, %(name)s", name="<i>") == "Hallo &lt;b&gt;&lt;i&gt;&lt;/b&gt;"
    assert languages.best(None, "").ngettext("%(count)s place", "%(count)s places", 2) == "2 places"
    assert languages.best(None, "").gettext("100 % sure") == "100 % sure"


def test_case_of_the_codes_doesnt_count(languages: Languages) -> None:
    assert languages.best(None, "PT-br, en").code == "pt-BR"


def test_a_text_of_the_library_brings_its_values_along(languages: Languages) -> None:
    german = languages.best("de", "").gettext
    assert german(Text("%(path)s is empty.", path="<a>.csv")) == "&lt;a&gt;.csv ist leer."
    assert german(Text("100 % sure")) == "100 % sure"
    assert german(Text("")) == ""


def test_a_text_inside_a_text(languages: Languages) -> None:
    loading = Text("%(text)s, %(seconds)s s so far", text=Text("Loading %(model)s", model="qwen"), seconds=3)
    assert languages.best("de", "").gettext(loading) == "qwen wird geladen, seit 3 s"
    assert languages.best("en", "").gettext(loading) == "Loading qwen, 3 s so far"


@pytest.mark.parametrize(("number", "german"), [(1, "1 Zeile von A fehlt."), (1200, "1,200 Zeilen von A fehlen.")])
def test_a_text_with_a_number(languages: Languages, number: int, german: str) -> None:
    assert languages.best("de", "").gettext(Counted(number, *LEFT_OUT, name="A")) == german
    assert languages.best("en", "").gettext(Counted(number, *LEFT_OUT, name="A")).startswith(f"{number:,} row")


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        (
            "The built-in engine doesn't answer at http://a.b.",
            "Die eingebaute Maschine antwortet nicht unter http://a.b.",
        ),
        ("<i> doesn't answer at 1.", "&lt;i&gt; antwortet nicht unter 1."),
        ("There is nothing here.", "Hier ist nichts."),
        ("Nobody made this out of a text of ours.", "Nobody made this out of a text of ours."),
        ("x" * 600 + " doesn't answer at 1.", "x" * 600 + " doesn&#39;t answer at 1."),
        ("", ""),
    ],
)
def test_a_stored_text_is_recalled(languages: Languages, stored: str, german: str) -> None:
    assert languages.best("de", "").recall(stored) == german


def test_an_error_on_a_page(german_family: Running, mum: Browser) -> None:
    mum.client.headers.update(GERMAN)
    mum.get("/admin/groups")
    page = mum.post("/admin/groups", do="add-group", group="teens")
    assert page.status_code == 409
    assert "<strong>Die Gruppe teens gibt es. Nichts ist anders.</strong> Nimm einen anderen Namen." in page.text


def test_what_was_noted_on_a_page(german_family: Running, mum: Browser) -> None:
    home = german_family.home
    admin = home.accounts.people.by_username("mum")
    assert admin is not None
    home.rules.add_group(admin, "cooks")
    page = mum.get("/admin/audit", headers=GERMAN).text
    assert '<td title="group.add">hat eine Gruppe angelegt</td>' in page


def test_an_error_that_scripts_show(german_family: Running, child: Browser) -> None:
    problem = child.get("/account/export/doc", headers=GERMAN | {"accept": "application/json"}).json()
    assert problem["detail"] == "doc ist kein Format. Nichts wurde geschrieben."
    assert problem["hint"].startswith("Es gibt md, ")
    assert problem["title"] == "Unprocessable Entity"


def test_an_error_that_programs_get_stays_english(german_family: Running, child: Browser) -> None:
    problem = child.get("/api/nothing", headers=GERMAN).json()
    assert problem["detail"] == "There is nothing here."


def test_a_stream(german_family: Running, child: Browser, model_server: FakeOpenAI) -> None:
    home = german_family.home
    mum = home.accounts.people.by_username("mum")
    assert mum is not None
    home.rules.set_quota(mum, "child", LimitKind.MESSAGES, 2)
    model_server.scripts = [Script(["Yes."], first_delay=1.0)]
    headers = GERMAN | {"accept": "application/json", "x-csrf-token": child.csrf, "origin": child.address}
    asked = child.client.post("/c/new/ask", data={"text": "Hello?", "task": "general", "model": ""}, headers=headers)
    with child.client.stream("GET", f"/c/{asked.json()['conversation']}/events", headers=headers) as stream:
        told = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert ["Für heute: 1 Frage."] in [one.get("notices") for one in told]


def test_what_is_told_while_one_waits(languages: Languages) -> None:
    telling = Telling("", languages.best("de", "").gettext)
    telling.take(Loading(Text("Loading %(model)s", model="a < b"), 0.5))
    telling.take(Notice(Text("%(questions)s left for today.", questions=counted(3, "question"))))
    news = telling.news()
    assert (news["waiting"], news["notices"]) == ("a < b wird geladen, 50%", ["Für heute: 3 Fragen."])


def test_a_failed_answer(german_family: Running, child: Browser, model_server: FakeOpenAI) -> None:
    model_server.scripts = [Script([], status=500, error="it <broke>")]
    headers = GERMAN | {"accept": "application/json", "x-csrf-token": child.csrf, "origin": child.address}
    asked = child.client.post("/c/new/ask", data={"text": "And now?", "task": "general", "model": ""}, headers=headers)
    address = f"/c/{asked.json()['conversation']}"
    with child.client.stream("GET", f"{address}/events", headers=headers) as stream:
        stream.read()
    assert "Der Modellserver meldet: " in child.get(address, headers=GERMAN).text
