"""What browsers report of the content security policy: counted, bounded, and nothing of it kept."""

from __future__ import annotations

import json
import logging
import shutil
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from familychat.settings import Settings
from familychat_web import create_app
from familychat_web.controllers.reports import MOST_AT_ONCE, NEW, OFTEN, OLD
from familychat_web.testing import Browser, Running, certificate, served

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")


def counted(family: Running) -> dict[str, int]:
    """How often what was stopped, by ``directive blocked``."""
    found = {}
    for line in family.app.state.site.counts.lines():
        if line.startswith("familychat_csp_reports_total{"):
            name, _, number = line.rpartition(" ")
            _, directive, _, blocked, _ = name.split('"')
            found[f"{directive} {blocked}"] = int(number)
    return found


def old(**told: Any) -> bytes:
    return json.dumps({"csp-report": {"document-uri": "http://canary", **told}}).encode()


def new(*violations: dict[str, Any]) -> bytes:
    told = [{"type": "csp-violation", "url": "http://canary", "age": 1, "body": one} for one in violations]
    return json.dumps([*told, {"type": "deprecation", "body": {"id": "canary"}}]).encode()


def send(browser: Browser, kind: str, body: bytes, **headers: str) -> httpx.Response:
    return browser.client.post("/csp-reports", content=body, headers={"content-type": kind, **headers})


@pytest.mark.parametrize(
    ("kind", "body", "noted"),
    [
        (OLD, old(**{"effective-directive": "img-src", "blocked-uri": "https://canary.example"}), "img-src elsewhere"),
        (OLD, old(**{"violated-directive": "style-src 'self'", "blocked-uri": "inline"}), "style-src inline"),
        (OLD, old(**{"effective-directive": "script-src", "blocked-uri": "data"}), "script-src data"),
        (OLD, old(**{"effective-directive": "font-src", "blocked-uri": "chrome-extension://canary"}), "font-src other"),
        (OLD, old(), "other other"),
        (NEW, new({"effectiveDirective": "connect-src", "blockedURL": "ws://canary.test"}), "connect-src elsewhere"),
        (NEW, new({"effectiveDirective": "frame-src", "blockedURL": "http://127.0.0.1:1/canary"}), "frame-src self"),
        (NEW, new({"effectiveDirective": 'canary"} 1', "blockedURL": None}), "other other"),
        (NEW, new({"effectiveDirective": "media-src", "blockedURL": "http://[canary"}), "media-src other"),
    ],
)  # fmt: skip
def test_only_the_directive_and_the_kind_are_noted(
    family: Running, stranger: Browser, caplog: pytest.LogCaptureFixture, kind: str, body: bytes, noted: str
) -> None:
    before = counted(family).get(noted, 0)
    with caplog.at_level(logging.INFO):
        assert send(stranger, kind, body).status_code == 204
    assert counted(family)[noted] == before + 1
    assert f"the content security policy stopped something: {noted.replace(' ', ', ')}" in caplog.messages
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("familychat")]
    assert "canary" not in "".join(ours) + "".join(family.app.state.site.counts.lines())


def test_many_at_once(family: Running, stranger: Browser) -> None:
    one = {"effectiveDirective": "worker-src", "blockedURL": "blob"}
    assert send(stranger, NEW, new(one, one, one)).status_code == 204
    assert counted(family)["worker-src blob"] == 3


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", old(), 415),
        ("text/plain", old(), 415),
        (OLD, b"", 422),
        (OLD, b"\xff", 422),
        (OLD, b"[]", 422),
        (OLD, b'{"csp-report": {"blocked-uri": 1}}', 422),
        (NEW, b'[{"type": "csp-violation", "body": []}]', 422),
        (NEW, b"[" * 50_000, 422),
        (NEW, b" " * (MOST_AT_ONCE + 1), 413),
    ],
)
def test_nothing_else_is_taken(family: Running, stranger: Browser, kind: str, body: bytes, status: int) -> None:
    before = counted(family)
    assert send(stranger, kind, body).status_code == status
    assert counted(family) == before


def test_other_sites_cant_fill_the_counts(family: Running, stranger: Browser) -> None:
    before = counted(family)
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert send(stranger, OLD, old(), **headers).status_code == 403
    assert counted(family) == before


def test_it_cant_be_done_too_often(family: Running, stranger: Browser) -> None:
    for _ in range(OFTEN.amount):
        assert send(stranger, OLD, old()).status_code == 204
    before = counted(family)
    refused = send(stranger, OLD, old())
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) <= OFTEN.seconds
    assert counted(family) == before
    assert stranger.get("/sign-in").status_code == 200, "the rest goes on"


@pytest.fixture(scope="module", params=["http", "https"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("page")
    tls = None
    if request.param == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate(folder))
    with served(create_app(Settings(data_dir=folder / "data")), tls) as running:
        yield running


@pytest.fixture(scope="module")
def chromium(page: Running) -> Iterator[webdriver.Chrome]:
    """It goes before the page does, which would wait for its connections."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    # Reports wait for others up to a minute otherwise.
    flags = ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "short-reporting-delay")
    for flag in (*flags, "ignore-certificate-errors"):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver aren't installed")
def test_a_browser_reports_what_it_stopped(page: Running, chromium: webdriver.Chrome) -> None:
    """By the newer way under TLS, and by the older one without."""
    chromium.get(page.address + "/sign-in")
    assert counted(page) == {}
    chromium.execute_script("document.body.append(Object.assign(new Image(), {src: 'http://evil.example/x.png'}))")
    end = time.monotonic() + 20
    while not counted(page) and time.monotonic() < end:
        time.sleep(0.05)
    assert counted(page) == {"img-src elsewhere": 1}
