"""Bytes that no description knows, to every route: nothing breaks inside, and each answer is a page or a problem."""

from __future__ import annotations

import contextlib
import http.client
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

import pytest

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.settings import Settings
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat.testing import FakeOpenAI
from familychat_web import create_app
from familychat_web.describing import completed
from familychat_web.errors import PROBLEM
from familychat_web.looks import COOKIE
from familychat_web.rates import Rates
from familychat_web.testing import Running, family_page
from familychat_web.visits import SESSION, STRANGER, csrf_token

PASSWORD = "quiet little river"
AT = "2026-01-31T18:05:00.123Z"
TIMES = 8
"""For each route and method."""

APP = create_app(Settings(data_dir=Path("nowhere")))
ROUTES = sorted((method, route.path) for route in APP.routes for method in getattr(route, "methods", ()))
DESCRIBED = completed(APP.openapi_schema.to_schema(), APP)["paths"]
NASTY = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", "\u202e\U0001f469".encode(), b"../../etc/passwd", b"%2e%2e%2f", b"{{7*7}}",
    b"'--", b"1e999", b"-1", b"9" * 40, b"NaN", b"\r\nX: y", b";", b"=", b"[]", b"{}", b'{"text": ', b"a" * 3000, b"",
    b"\xc3", b" ",
)  # fmt: skip
TYPES = (
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data",
    "text/plain; charset=nothing", "application/reports+json", ";;;", "application/x-www-form-urlencoded; charset=x",
)  # fmt: skip
HEADERS = (
    "accept", "accept-encoding", "accept-language", "authorization", "cookie", "expect", "if-none-match",
    "last-event-id", "origin", "range", "referer", "sec-fetch-site", "x-csrf-token", "x-forwarded-for",
)  # fmt: skip
LOOKS_FINE = re.compile(r"text/html\b|" + re.escape(PROBLEM))


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    def household(settings: Settings) -> Household:
        return Household(settings, servers=ServerChoice(settings, FakeOpenAI().transport()))

    fake: dict[str, Any] = {"server_kind": "openai", "server_url": "http://fake", "titles": "words"}
    folder = tmp_path_factory.mktemp("family") / "data"
    with family_page(folder, "child", password=PASSWORD, household=household, **fake) as running:
        yield running


class Monkey:
    """Types whatever it finds; always the same for the same seed."""

    def __init__(self, method: str, path: str) -> None:
        self._dice = random.Random(f"{method} {path}")
        told = DESCRIBED[re.sub(r"\{(\w+):\w+\}", r"{\1}", path)].get(method.lower(), {})
        self._query = [one["name"] for one in told.get("parameters", ()) if one.get("in") == "query"]
        content = told.get("requestBody", {}).get("content", {})
        form = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
        self._fields = [*form.get("properties", ()), "next"]

    def some(self) -> bytes:
        if self._dice.random() < 0.5:
            return self._dice.choice(NASTY)
        return self._dice.randbytes(self._dice.randrange(1, 40))

    def path(self, template: str, there: dict[str, str]) -> str:
        """Mostly to what is there."""

        def filled(place: re.Match[str]) -> str:
            known = there.get(place[1]) if self._dice.random() < 0.7 else None
            return known or quote_from_bytes(self.some() or b"x", safe="")

        path = re.sub(r"\{(\w+):\w+\}", filled, template)
        query = "&".join(f"{name}={self._quoted()}" for name in (*self._query, "x") if self._dice.random() < 0.7)
        return f"{path}?{query}" if query else path

    def _quoted(self) -> str:
        some = self.some()
        return quote_from_bytes(some, safe="") if self._dice.random() < 0.7 else re.sub(rb"[^!-~]", b"", some).decode()

    def headers(self) -> dict[str, bytes]:
        """Some that can be sent at all; what breaks HTTP itself isn't a request."""
        chosen = self._dice.sample(HEADERS, self._dice.randrange(8))
        found = {name: re.sub(rb"[\x00-\x1f\x7f]", b"", self.some()).strip() for name in chosen}
        if "cookie" in found:
            found["cookie"] = b"; ".join(name.encode() + b"=" + found["cookie"] for name in (SESSION, STRANGER, COOKIE))
        return found

    def body(self) -> tuple[str, bytes]:
        if self._dice.random() < 0.6:
            return TYPES[1], b"&".join(name.encode() + b"=" + self.some() for name in self._fields)
        return self._dice.choice(TYPES), self._dice.choice([self.some(), b"--x\r\n\r\n" + self.some()])


@dataclass(slots=True)
class Signed:
    """A session of the admin's, made anew whenever a request ended it."""

    family: Running
    token: str = ""

    def there(self) -> dict[str, str]:
        """Something of theirs for the places in a path."""
        home = self.family.home
        mum = home.accounts.people.by_username("mum")
        assert mum is not None
        found = home.conversations.newest(mum, 1)
        if not found:
            made = ConversationStore(home.database).add(mum.id, AT, title="Why?", task="general")
            MessageStore(home.database).add_question(made, "Why?", None, AT)
            found = [home.conversations.get(mum, made.id)]
        return {"conversation_id": found[0].id, "message_id": found[0].head_id or "", "format_name": "md"}

    def headers(self) -> dict[str, bytes]:
        sign_in = self.family.home.sign_in
        if sign_in.user_of(self.token) is None:
            _, self.token = sign_in.sign_in("mum", PASSWORD, kind="web")
        return {"cookie": f"{SESSION}={self.token}".encode(), "x-csrf-token": csrf_token(self.token).encode()}


@pytest.fixture(scope="module")
def signed(family: Running) -> Signed:
    return Signed(family)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_breaks(family: Running, signed: Signed, method: str, path: str) -> None:
    monkey = Monkey(method, path)
    for number in range(TIMES):
        family.app.state.site.rates = Rates()
        sent = monkey.headers() | (signed.headers() if number % 4 else {})
        media_type, body = monkey.body() if method != "GET" or number == TIMES - 1 else ("", b"")
        where = monkey.path(path, signed.there())
        status, told, content = asked(family, method, where, sent | {"content-type": media_type.encode()}, body)
        about = f"{method} {where} {sent} {body!r}: {status} {told}"
        assert status < 500 or status == 501, about  # a model server that can't do that
        assert "x-request-id" in told, about
        if status >= 400:
            assert LOOKS_FINE.match(told["content-type"]), about
            assert content.startswith(b"{") == told["content-type"].startswith(PROBLEM), about


def asked(
    family: Running, method: str, path: str, headers: dict[str, bytes], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to exactly these bytes."""
    connection = http.client.HTTPConnection(urlsplit(family.address).netloc, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            if value:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
