"""Reading aloud and dictating, with stand-ins for what a browser has of both: only what stays on the device is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver

from familychat.testing import FakeOpenAI, Script
from familychat_web.screens import Screen
from familychat_web.testing import Running

PASSWORD = "quiet little river"
ANSWER = "# Rice\n\nBoil it. Wait.\n\n```python\nx = 1\n```\n\n- with salt\n"
PASSAGES = ["Rice", "Boil it. Wait.", "x = 1", "with salt"]

VOICES = """
const voices = GIVEN, said = [], queue = [];
window.said = said;
window.SpeechSynthesisUtterance = class extends EventTarget {
  constructor(text) { super(); this.text = text; }
};
const synthesis = new EventTarget();
Object.assign(synthesis, {
  getVoices: () => voices,
  speak: (one) => { queue.push(one); said.push([one.text, one.voice.name, one.lang]); },
  cancel: () => { for (const one of queue.splice(0)) one.dispatchEvent(new Event("error")); said.push("cancel"); },
});
window.finish = () => { for (const one of queue.splice(0)) one.dispatchEvent(new Event("end")); };
window.found = (more) => { voices.push(...more); synthesis.dispatchEvent(new Event("voiceschanged")); };
Object.defineProperty(window, "speechSynthesis", { value: synthesis });
"""
EARS = """
window.asked = [];
window.SpeechRecognition = class extends EventTarget {
  static async available(options) { window.asked.push(options); return options.processLocally ? "GIVEN" : "available"; }
  start() { window.ear = this; this.runs = true; }
  stop() { this.runs = false; this.dispatchEvent(new Event("end")); }
  abort() { this.stop(); }
  hear(text, isFinal = true) {
    const result = Object.assign([{ transcript: text }], { isFinal });
    this.dispatchEvent(Object.assign(new Event("result"), { resultIndex: 0, results: [result] }));
  }
  fail(error) { this.dispatchEvent(Object.assign(new Event("error"), { error })); this.stop(); }
};
window.webkitSpeechRecognition = window.SpeechRecognition;
"""
NO_EARS = "delete window.SpeechRecognition; delete window.webkitSpeechRecognition;"
OLD_EARS = "window.webkitSpeechRecognition = class extends EventTarget {}; delete window.SpeechRecognition;"

Having = Callable[[str], None]


@pytest.fixture
def having(driver: webdriver.Chrome) -> Iterator[Having]:
    """Gives the browser something that it has from the next page on."""
    added: list[str] = []

    def have(script: str) -> None:
        done = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": f"(() => {{{script}}})();"})
        added.append(done["identifier"])

    yield have
    for identifier in added:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": identifier})


def voice(name: str, lang: str, *, local: bool = True, default: bool = False) -> dict[str, Any]:
    return {"name": name, "lang": lang, "localService": local, "default": default}


def voices(*them: dict[str, Any]) -> str:
    return VOICES.replace("GIVEN", json.dumps(them))


def ears(availability: str = "available") -> str:
    return EARS.replace("GIVEN", availability)


def answered(wide: Screen, model_server: FakeOpenAI, times: int = 1) -> Screen:
    """A conversation with so many answers."""
    model_server.scripts = [Script(pieces=[ANSWER])]
    wide.sign_in("child")
    wide.open("/new")
    for number in range(1, times + 1):
        wide.ask(f"What can I cook? {number}")
        wide.until(lambda number=number: len(wide.driver.find_elements("css selector", ".read-aloud")) == number)  # type: ignore[misc]
        wide.see("#send")
    return wide


def said(wide: Screen) -> list[Any]:
    found: list[Any] = wide.run("return window.said.splice(0)")
    return found


# -- reading aloud


def test_an_answer_is_read_by_a_voice_of_the_device(wide: Screen, having: Having, model_server: FakeOpenAI) -> None:
    having(voices(voice("Cloud", "en-US", local=False, default=True), voice("Ada", "en_GB"), voice("Anna", "de-DE")))
    answered(wide, model_server)
    wide.see(".read-aloud", "Read aloud").click()
    assert said(wide) == [[passage, "Ada", "en_GB"] for passage in PASSAGES]
    wide.see(".read-aloud", "Stop reading").click()
    wide.see(".read-aloud", "Read aloud")
    assert said(wide) == ["cancel"]
    wide.see(".read-aloud", "Read aloud").click()
    wide.see(".read-aloud", "Stop reading")
    wide.run("window.finish()")
    wide.see(".read-aloud", "Read aloud")


def test_another_answer_takes_over(wide: Screen, having: Having, model_server: FakeOpenAI) -> None:
    having(voices(voice("Ada", "en-US")))
    answered(wide, model_server, times=2)
    first, second = wide.all(".read-aloud")
    first.click()
    second.click()
    assert [first.text, second.text] == ["Read aloud", "Stop reading"]
    assert said(wide)[len(PASSAGES)] == "cancel", "they don't speak at once"


def test_the_pages_language_chooses_the_voice(
    wide: Screen, having: Having, model_server: FakeOpenAI, family: Running
) -> None:
    having(voices(voice("Ada", "en-US", default=True), voice("Other", "de-AT"), voice("Anna", "de-DE", default=True)))
    answered(wide, model_server)
    wide.run("document.documentElement.lang = 'de'")
    wide.see(".read-aloud").click()
    assert {one[1] for one in said(wide)} == {"Anna"}


@pytest.mark.parametrize(
    "there", [[], [voice("Cloud", "en-US", local=False)], [voice("Anna", "de-DE")]], ids=["none", "remote", "foreign"]
)
def test_without_a_fitting_voice_there_is_no_button(
    wide: Screen, having: Having, model_server: FakeOpenAI, there: list[dict[str, Any]]
) -> None:
    having(voices(*there))
    answered(wide, model_server)
    assert not wide.all(".read-aloud")
    wide.run("window.found(arguments[0])", [voice("Ada", "en-US")])
    wide.see(".read-aloud")


def test_what_is_read_ends_with_the_page_or_the_answer(wide: Screen, having: Having, model_server: FakeOpenAI) -> None:
    having(voices(voice("Ada", "en-US")))
    answered(wide, model_server)
    wide.see(".read-aloud").click()
    wide.run("document.querySelector('.answer').remove()")
    wide.until(lambda: "cancel" in said(wide))


# -- dictating


def test_what_is_dictated_is_added_to_the_question(wide: Screen, having: Having) -> None:
    having(ears())
    wide.sign_in("child")
    wide.open("/new")
    wide.see("#text").send_keys("Dear model,")
    wide.see("#dictate").click()
    assert wide.run("return [ear.processLocally, ear.lang, ear.runs]") == [True, "en-US", True]
    assert wide.run("return window.asked") == [{"langs": ["en-US"], "processLocally": True}]
    wide.see("#heard", "I am listening")
    wide.run("ear.hear('not sure', false); ear.hear(' what can I '); ear.hear('cook')")
    assert wide.see("#text").get_attribute("value") == "Dear model, what can I cook"
    wide.see("#dictate[aria-pressed=true]").click()
    wide.gone("#heard")
    wide.driver.refresh()
    assert wide.see("#text").get_attribute("value") == "Dear model, what can I cook", "it is a draft as any other"


def test_sending_ends_it(wide: Screen, having: Having, model_server: FakeOpenAI) -> None:
    having(ears())
    answered(wide, model_server)
    wide.see("#dictate").click()
    wide.ask("Thanks")
    wide.until(lambda: wide.run("return !ear.runs"))
    wide.see("#dictate[aria-pressed=false]")


def test_a_microphone_that_may_not_be_used_is_told(wide: Screen, having: Having) -> None:
    having(ears())
    wide.sign_in("child")
    wide.open("/new")
    wide.see("#dictate").click()
    wide.run("ear.fail('not-allowed')")
    wide.see("#heard", "Nothing can be heard")
    wide.see("#dictate[aria-pressed=false]")


@pytest.mark.parametrize(
    "there", [ears("downloadable"), ears("unavailable"), OLD_EARS, NO_EARS], ids=["not yet", "remote", "old", "none"]
)
def test_nothing_is_dictated_to_somebody_elses_server(wide: Screen, having: Having, there: str) -> None:
    having(there)
    wide.sign_in("child")
    wide.open("/new")
    wide.until(lambda: wide.run("return document.readyState === 'complete'"))
    assert not wide.all("#dictate")


def test_the_page_may_use_the_microphone_and_no_other_site_may(wide: Screen) -> None:
    wide.sign_in("child")
    assert wide.run("return document.featurePolicy.allowsFeature('microphone')")
    assert not wide.run("return document.featurePolicy.allowsFeature('microphone', 'https://other.example')")
