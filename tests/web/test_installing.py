"""familychat installed on a phone: what it says of itself, and what it shows and keeps when it can't be reached."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from familychat.testing import FakeOpenAI, Script
from familychat_web.assets import FOLDER
from familychat_web.screens import Screen
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
KEPT = """
const done = arguments[arguments.length - 1], found = {};
(async () => {
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const one of await cache.keys()) found[new URL(one.url).pathname] = await (await cache.match(one)).text();
  }
  done(found);
})();
"""
IS_THERE_NOW = "return navigator.serviceWorker.getRegistration().then((one) => one?.active?.state === 'activated')"
WORKS = "return navigator.serviceWorker.controller?.state === 'activated'"


def shell(stranger: Browser) -> dict[str, Any]:
    """What the worker is told to keep."""
    told: dict[str, Any] = json.loads(
        stranger.get("/worker.js").text.splitlines()[0].removeprefix("const SHELL = ")[:-1]
    )
    return told


def installed(screen: Screen) -> Screen:
    """With the worker at work, which begins with the page after the one that brought it."""
    screen.until(lambda: screen.run(IS_THERE_NOW))
    screen.driver.refresh()
    screen.until(lambda: screen.run(WORKS))
    return screen


@contextmanager
def without_a_line(screen: Screen) -> Iterator[None]:
    """Neither the page nor the worker reaches the server."""
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    screen.cdp("Network.enable")
    screen.cdp("Network.emulateNetworkConditions", offline=True, **network)
    try:
        yield
    finally:
        screen.cdp("Network.emulateNetworkConditions", offline=False, **network)


# -- what it says of itself


def test_the_manifest_has_what_installing_needs(stranger: Browser) -> None:
    response = stranger.get("/manifest.webmanifest")
    assert response.headers["content-type"].startswith("application/manifest+json")
    told = response.json()
    assert (told["name"], told["start_url"], told["scope"], told["display"]) == ("familychat", "/", "/", "standalone")
    for icon in told["icons"]:
        got = stranger.get(icon["src"])
        assert got.headers["content-type"].partition(";")[0] == icon["type"]
        if icon["type"] == "image/png":
            assert "x".join(map(str, struct.unpack(">II", got.content[16:24]))) == icon["sizes"]
    assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}
    page = stranger.get("/sign-in").text
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert 'rel="apple-touch-icon"' in page


def test_the_manifest_speaks_the_browsers_language(stranger: Browser) -> None:
    assert stranger.get("/manifest.webmanifest", headers={"accept-language": "de"}).json()["lang"] == "de"


def test_chromium_would_install_it(wide: Screen) -> None:
    wide.open("/sign-in")
    told = wide.cdp("Page.getAppManifest")
    assert (told["url"], told["errors"]) == (wide.address + "/manifest.webmanifest", [])
    problems = [one["errorId"] for one in wide.cdp("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert problems == []


# -- what is kept


def test_the_worker_reaches_every_page_and_changes_with_the_files(stranger: Browser, family: Running) -> None:
    response = stranger.get("/worker.js")
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "public, no-cache"
    told = shell(stranger)
    assert told["version"] == family.app.state.site.assets.version
    names = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*")} - {"worker.js"}
    assert {file.split("/", 3)[3] for file in told["files"]} == names


def test_only_the_shell_is_kept_and_nothing_of_anybodys(
    wide: Screen, stranger: Browser, family: Running, model_server: FakeOpenAI
) -> None:
    model_server.scripts = [Script(pieces=["The canary ", "is blue."])]
    installed(wide).sign_in("child")
    csrf = wide.run("return document.querySelector('meta[name=csrf]').content")
    for path in ("/account", "/list?whole=1", "/search?whole=1&q=canary", "/api/me", "/new"):
        wide.open(path)
    wide.ask("Which canary?")
    wide.see(".answer", "is blue.")
    wide.see("#send")
    wide.driver.refresh()
    wide.see(".answer", "is blue.")
    wide.see("form[action='/sign-out'] button").click()
    wide.see("[name=username]")
    kept: dict[str, str] = wide.driver.execute_async_script(KEPT)
    assert set(kept) == {"/offline", *shell(stranger)["files"]}
    assert not [path for path, text in kept.items() for own in ("canary", csrf) if own in text]
    assert "child" not in kept["/offline"]


def test_a_new_version_takes_the_place_of_the_old_one(
    wide: Screen, family: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(wide)
    new = "0" * 16
    monkeypatch.setattr(family.app.state.site.assets, "version", new)
    wide.open("/sign-in")
    wide.until(lambda: wide.run("return navigator.serviceWorker.getRegistration().then((one) => !!one.waiting)"))
    wide.driver.get("about:blank")  # no page of the old one is left
    wide.open("/sign-in")
    wide.until(lambda: wide.run("return caches.keys()") == [f"familychat {new}"])


# -- when it can't be reached


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_without_a_line_a_friendly_page_says_so(wide: Screen, family: Running, theme: str) -> None:
    wide.driver.add_cookie({"name": "familychat_look", "value": f"{theme}.blue.larger."})
    wide.open("/sign-in")
    installed(wide)
    wide.until(lambda: f'data-theme="{theme}"' in wide.driver.execute_async_script(KEPT).get("/offline", ""))
    with without_a_line(wide):
        wide.open("/sign-in?next=/trash")
        wide.see("h1", "familychat can't be reached")
        look = wide.run("return {...document.documentElement.dataset}")
        assert (look["theme"], look["size"]) == (theme, "larger"), "as the page before"
        style = "return getComputedStyle(document.querySelector('.card')).borderRadius"
        assert wide.run(style) != "0px", "with its style sheet"
        wide.see("a", "Try again").click()
        wide.see("h1", "familychat can't be reached")
    wide.see("a", "Try again").click()
    wide.see("[name=username]")
    assert wide.driver.current_url == wide.address + "/sign-in?next=/trash", "it leads to where one wanted to go"


def test_what_isnt_a_page_fails_as_ever(wide: Screen) -> None:
    installed(wide).sign_in("child")
    ask = """
    const done = arguments[arguments.length - 1], [path, method] = arguments;
    fetch(path, { method }).then((response) => done(response.status), () => done("no line"));
    """
    assert wide.driver.execute_async_script(ask, "/api/me", "GET") == 200
    with without_a_line(wide):
        for path, method in [("/api/me", "GET"), ("/list", "GET"), ("/c/x/events", "GET"), ("/sign-out", "POST")]:
            assert wide.driver.execute_async_script(ask, path, method) == "no line"


def test_the_offline_page_speaks_the_language_of_the_page_before(stranger: Browser) -> None:
    assert '<html lang="de" ' in stranger.get("/offline?language=de").text
    assert '<html lang="fr" ' in stranger.get("/offline?language=nonsense", headers={"accept-language": "fr"}).text


def test_the_offline_page_has_nothing_of_who_asks(child: Browser) -> None:
    text = child.get("/offline").text
    assert "child" not in text
    assert '<meta name="csrf" content="">' in text


def test_a_server_that_is_gone(driver: webdriver.Chrome, tmp_path: Path) -> None:
    with family_page(tmp_path / "data", password=PASSWORD) as running:
        screen = Screen(driver, running.address, PASSWORD).fresh()
        installed(screen)
    screen.open("/")
    screen.see("h1", "familychat can't be reached")
    driver.get("about:blank")
