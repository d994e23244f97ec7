"""Promise 20: every response, errors too, has CSP, nosniff and Referrer-Policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from familychat.settings import Settings
from familychat_web import create_app
from familychat_web.rates import Rates
from familychat_web.testing import Running, family_page

PASSWORD = "quiet little river"
POLICY = {
    "default-src 'self'", "img-src 'self' data:", "object-src 'none'", "base-uri 'none'", "form-action 'self'",
    "frame-ancestors 'none'", "manifest-src 'self'", "worker-src 'self'",
    "report-uri /csp-reports",
}  # fmt: skip
ROUTES = sorted(
    (method, re.sub(r"\{(\w+):\w+\}", r"\1", route.path))
    for route in create_app(Settings(data_dir=Path("nowhere"))).routes
    for method in getattr(route, "methods", ())
)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("family") / "data"
    with family_page(
        folder, password=PASSWORD, web_allowed_hosts=("chat.home",), web_trusted_proxies=("127.0.0.1",)
    ) as running:
        yield running


def check(response: httpx.Response) -> None:
    headers = response.headers
    policy = set(headers["content-security-policy"].split("; "))
    assert policy - {"report-to csp"} == POLICY
    assert ("reporting-endpoints" in headers) == ("report-to csp" in policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["permissions-policy"].startswith("microphone=(self), ")
    assert "server" not in headers
    assert "immutable" in headers["cache-control"] or headers["cache-control"] in {"no-store", "public, no-cache"}
    assert len(headers.get_list("content-security-policy")) == 1


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route(family: Running, method: str, path: str) -> None:
    family.app.state.site.rates = Rates()
    mum = family.signed_in("mum", PASSWORD)
    for browser in (mum, family.browser()):
        check(browser.client.request(method, path))
        check(browser.client.request(method, path, headers={"x-csrf-token": mum.csrf, "accept": "application/json"}))


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/api/nothing", {}, 404),
        ("PUT", "/sign-in", {}, 405),
        ("BREW", "/sign-in", {}, 405),
        ("GET", "/", {"host": "evil.example"}, 421),
        ("GET", "/", {"host": "a b"}, 400),
        ("POST", "/sign-in", {"content-type": "application/x-www-form-urlencoded"}, 413),
        ("POST", "/sign-in", {"content-type": "application/json"}, 403),
        ("GET", "/static/x/nothing.css", {}, 404),
        ("GET", "/static/x/..%2f..%2fapp.py", {}, 404),
    ],
)
def test_errors_too(family: Running, method: str, path: str, headers: dict[str, str], status: int) -> None:
    body = b"x" * 2_000_000 if status == 413 else None
    response = family.browser().client.request(method, path, headers=headers, content=body)
    assert response.status_code == status
    check(response)


class Broken:
    def usable(self, _user: object) -> None:
        raise RuntimeError("canary")


def test_what_breaks_inside_too(family: Running, caplog: pytest.LogCaptureFixture) -> None:
    family.app.state.site.rates = Rates()
    mum = family.signed_in("mum", PASSWORD)
    shelf = family.home.task_shelf
    family.home.task_shelf = Broken()  # type: ignore[assignment]
    page, problem = mum.get("/"), mum.client.get("/", headers={"accept": "application/json"})
    family.home.task_shelf = shelf
    assert (page.status_code, problem.status_code) == (500, 500)
    check(page)
    check(problem)
    assert "Traceback" not in page.text
    assert "canary" not in page.text + problem.text + caplog.text
    assert "GET /: RuntimeError in test_p20_headers.py" in caplog.text


def test_hsts_under_tls_only_and_not_for_this_computers_own_names(family: Running) -> None:
    def asked(host: str, scheme: str) -> httpx.Response:
        # The proxy in front of it, which is trusted here, speaks TLS.
        return family.browser().client.get("/health/live", headers={"host": host, "x-forwarded-proto": scheme})

    assert asked("chat.home", "https").headers["strict-transport-security"] == "max-age=31536000"
    for host, scheme in (("chat.home", "http"), ("localhost", "https"), ("127.0.0.1", "https")):
        assert "strict-transport-security" not in asked(host, scheme).headers


def test_reports_go_to_ourselves_in_the_way_that_browsers_heed(family: Running) -> None:
    """The newer way holds under TLS only, and beside it they don't look at the older one."""

    def asked(host: str, scheme: str) -> str | None:
        answer = family.browser().client.get("/health/live", headers={"host": host, "x-forwarded-proto": scheme})
        told: str | None = answer.headers.get("reporting-endpoints")
        return told

    assert asked("chat.home", "https") == asked("127.0.0.1", "https") == 'csp="/csp-reports"'
    assert asked("chat.home", "http") is asked("127.0.0.1", "http") is None
