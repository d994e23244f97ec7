"""Whoever sends nothing, or hardly anything, holds no connection open."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from familychat.settings import Settings
from familychat_web import create_app
from familychat_web.errors import PROBLEM
from familychat_web.patience import Patience
from familychat_web.testing import Running, served

SHORT = Patience(head=0.6, quiet=0.4, window=0.8, least=1000.0)
FOR_EVER = 8.0
"""Seconds after which a connection counts as left open. uvicorn itself closes idle ones after five, but not these."""
STEP = 0.1


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("page")
    with served(create_app(Settings(data_dir=folder / "data"), patience=SHORT)) as running:
        yield running


@contextlib.contextmanager
def connected(page: Running) -> Iterator[socket.socket]:
    target = urlsplit(page.address)
    with socket.create_connection((target.hostname or "", target.port or 0), timeout=FOR_EVER) as connection:
        yield connection


def head(page: Running, method: str, path: str, *more: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", f"Host: {urlsplit(page.address).netloc}", *more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def form(page: Running, how_long: str, accept: str = "application/json") -> bytes:
    """The head of a form that is sent; ``how_long`` is the header that tells the length of its body."""
    return head(
        page, "POST", "/sign-in", "Content-Type: application/x-www-form-urlencoded", f"Accept: {accept}", how_long
    )


def answered(connection: socket.socket) -> int:
    """The status of an answer, which is read to its end."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def to_the_end(connection: socket.socket) -> bytes:
    """Whatever comes until the server closes the connection; fails if it doesn't."""
    came = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            came += piece
    return came


def trickle(connection: socket.socket, piece: Callable[[int], bytes]) -> bytes:
    """Send a little every now and then, until the server closes the connection; returns what it said."""
    came = b""
    end = time.monotonic() + FOR_EVER
    connection.settimeout(STEP)
    for number in range(int(FOR_EVER / STEP)):
        with contextlib.suppress(TimeoutError):
            try:
                connection.sendall(piece(number))
                if not (more := connection.recv(65536)):
                    return came
                came += more
            except (ConnectionResetError, BrokenPipeError):
                return came
        assert time.monotonic() < end
    raise AssertionError("it was left open")


def check_408(answer: bytes) -> None:
    told, _, body = answer.partition(b"\r\n\r\n")
    lines = told.decode().lower().split("\r\n")
    assert lines[0] == "http/1.1 408 request timeout"
    assert {"connection: close", f"content-type: {PROBLEM}", "x-content-type-options: nosniff"} <= set(lines)
    assert json.loads(body)["status"] == 408


def test_a_body_that_stalls(page: Running) -> None:
    with connected(page) as connection:
        began = time.monotonic()
        connection.sendall(form(page, "Content-Length: 100") + b"username=")
        check_408(to_the_end(connection))
        assert SHORT.quiet <= time.monotonic() - began < FOR_EVER / 2


def test_one_that_stalls_without_a_length(page: Running) -> None:
    with connected(page) as connection:
        connection.sendall(form(page, "Transfer-Encoding: chunked") + b"5\r\nuser")
        check_408(to_the_end(connection))


def test_a_body_that_trickles(page: Running) -> None:
    with connected(page) as connection:
        connection.sendall(form(page, "Content-Length: 10000"))
        check_408(trickle(connection, lambda _: b"x"))


def test_a_body_in_pieces_that_is_quick_enough(page: Running) -> None:
    pieces, size = 12, 400
    with connected(page) as connection:
        connection.sendall(form(page, f"Content-Length: {pieces * size}"))
        for _ in range(pieces):
            connection.sendall(b"x" * size)
            time.sleep(STEP)
        assert answered(connection) == 403


def test_a_browser_hears_it_as_a_page(page: Running) -> None:
    with connected(page) as connection:
        connection.sendall(form(page, "Content-Length: 100", "text/html"))
        answer = to_the_end(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"came too slowly" in answer
    assert b"</html>" in answer


@pytest.mark.parametrize("begun", [b"", b"GET /health/live HTTP/1.1\r\nHost: lo"])
def test_a_head_that_stalls(page: Running, begun: bytes) -> None:
    with connected(page) as connection:
        connection.sendall(begun)
        assert to_the_end(connection) == b""


def test_a_head_that_trickles(page: Running) -> None:
    with connected(page) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\n")
        assert trickle(connection, lambda number: f"X-{number}: 1\r\n".encode()) == b""


def test_the_head_of_a_second_request(page: Running) -> None:
    with connected(page) as connection:
        connection.sendall(head(page, "GET", "/health/live"))
        assert answered(connection) == 200
        connection.sendall(b"GET /health/live HT")
        assert to_the_end(connection) == b""


@pytest.mark.parametrize("rest", [b"", b"x"])
def test_the_rest_of_a_body_that_nobody_wants(page: Running, rest: bytes) -> None:
    """It was answered at once; browsers send all of it nevertheless, and that is waited for only while it comes."""
    with connected(page) as connection:
        connection.sendall(head(page, "POST", "/nothing", "Content-Length: 1000000"))
        assert answered(connection) == 404
        trickle(connection, lambda _: rest)


def test_several_requests_on_one_connection(page: Running) -> None:
    with connected(page) as connection:
        for _ in range(5):
            connection.sendall(form(page, "Content-Length: 4") + b"x=yz")
            assert answered(connection) == 403
            time.sleep(SHORT.head / 2)


def test_what_takes_long_inside_is_waited_for(page: Running) -> None:
    """The clock is the sender's alone."""
    home = page.home
    sign_in = home.sign_in.sign_in

    def slow(*args: object, **named: object) -> object:
        time.sleep(2 * SHORT.window)
        return sign_in(*args, **named)  # type: ignore[arg-type]

    browser = page.browser()
    home.sign_in.sign_in = slow  # type: ignore[assignment, method-assign]
    try:
        assert browser.sign_in("nobody", "nothing").status_code == 401
    finally:
        home.sign_in.sign_in = sign_in  # type: ignore[method-assign]


def test_whoever_goes_away_in_the_middle_breaks_nothing(page: Running, caplog: pytest.LogCaptureFixture) -> None:
    with connected(page) as connection:
        connection.sendall(form(page, "Content-Length: 100") + b"username=")
    assert page.browser().get("/health/live").status_code == 200
    end = time.monotonic() + FOR_EVER
    while ("/sign-in", 400) not in {(getattr(one, "route", ""), getattr(one, "status", 0)) for one in caplog.records}:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


@pytest.mark.parametrize("sent", [b"\x00\xff\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET /\r\n" + b"x" * 70_000])
def test_what_isnt_http_is_a_problem_like_all_others(page: Running, sent: bytes) -> None:
    with connected(page) as connection:
        connection.sendall(sent)
        answer = to_the_end(connection)
    told, _, body = answer.partition(b"\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 400 ")
    assert b"content-security-policy: " in told
    assert set(json.loads(body)) == {"type", "title", "status", "detail", "hint", "request_id"}
