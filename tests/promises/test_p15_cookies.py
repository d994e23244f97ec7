"""Promise 15: cookies are HttpOnly and SameSite, ``__Host-`` and Secure under TLS.

Plain HTTP on other than loopback is announced.
"""

from __future__ import annotations

import ssl
from http.cookies import Morsel, SimpleCookie
from pathlib import Path

import httpx
import pytest

from familychat.settings import Settings
from familychat_cli.testing import CommandLine
from familychat_web import create_app
from familychat_web.testing import Running, certificate, served

PASSWORD = "quiet little river"


def cookies_of(*responses: httpx.Response) -> list[Morsel[str]]:
    found: list[Morsel[str]] = []
    for response in responses:
        for header in response.headers.get_list("set-cookie"):
            found += SimpleCookie(header).values()
    return found


def all_cookies(running: Running, verify: ssl.SSLContext | bool = True) -> list[Morsel[str]]:
    """Every cookie that the page sets, on the way in, with a choice, and out again."""
    home, link = running.home, running.app.state.site.setup_link
    browser = running.browser(verify=verify)
    asked = browser.get(link.path(home) or "")
    begun = browser.post(asked.request.url.path, username="mum", password=PASSWORD, again=PASSWORD)
    assert begun.status_code == 303, begun.text
    browser.get("/account")
    look = browser.post("/account/look", theme="dark", accent="blue", size="normal", language="")
    browser.get("/")
    out = browser.post("/sign-out")
    return cookies_of(asked, begun, look, out)


def test_over_plain_http(data_dir: Path) -> None:
    with served(create_app(Settings(data_dir=data_dir))) as running:
        found = all_cookies(running)
    assert {one.key for one in found} == {"familychat_session", "familychat_visit", "familychat_look"}
    assert [one.key for one in found if not (one["httponly"] and one["samesite"] == "lax" and one["path"] == "/")] == []
    assert [one.key for one in found if one["secure"] or one["domain"]] == []


def test_under_tls(data_dir: Path, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    with served(create_app(Settings(data_dir=data_dir)), server) as running:
        found = all_cookies(running, ssl.create_default_context(cafile=str(cert)))
    assert len(found) >= 5
    assert [one.key for one in found if not one.key.startswith("__Host-")] == []
    fine = [one for one in found if one["secure"] and one["httponly"] and one["samesite"] == "lax"]
    assert [one.key for one in found if one not in fine or one["path"] != "/" or one["domain"]] == []


def test_a_cookie_without_the_prefix_counts_for_nothing_under_tls(data_dir: Path, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    with served(create_app(Settings(data_dir=data_dir)), server) as running:
        verify = ssl.create_default_context(cafile=str(cert))
        running.app.state.site.setup_link.use(
            running.home,
            (running.app.state.site.setup_link.path(running.home) or "").rpartition("/")[2],
            "mum",
            PASSWORD,
        )
        _, token = running.home.sign_in.sign_in("mum", PASSWORD, kind="web")
        browser = running.browser(verify=verify)
        browser.client.cookies.set("familychat_session", token)
        assert browser.get("/api/me").status_code == 401
        browser.client.cookies.set("__Host-familychat_session", token)
        assert browser.get("/api/me").status_code == 200


@pytest.mark.parametrize(("host", "announced"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_plain_http_for_others_is_announced(cli: CommandLine, host: str, announced: bool) -> None:
    with cli.start("serve", "--host", host, "--port", "0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"familychat is at http://")
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert (b"read along" in errors) is announced
    assert process.returncode == 0
