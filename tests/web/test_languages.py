"""Which language a page is in, and that words are escaped in all of them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from familychat_web.languages import DOMAIN, Languages

CATALOGUES = {
    "de": {"Sign in": "Anmelden", "Hello, %(name)s": "Hallo <b>%(name)s</b>"},
    "pt-BR": {"Sign in": "Entrar"},
    "he": {"Sign in": "כניסה"},
}


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
    for code, words in CATALOGUES.items():
        write(tmp_path, code, words)
    return Languages(tmp_path)


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
