"""Promise 23: loopback by default, unknown Host refused, bodies limited while they are read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from familychat_cli.testing import CommandLine
from familychat_web.app import MOST_IN_A_BODY
from familychat_web.rates import Rates
from familychat_web.testing import Running, family_page

PASSWORD = "quiet little river"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("family") / "data"
    with family_page(folder, password=PASSWORD, web_allowed_hosts=("chat.home", "fd00::1")) as running:
        running.app.state.site.rates = Rates()
        yield running


def test_loopback_by_default(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1].decode()
        process.terminate()
        process.communicate(timeout=20)
    assert urlsplit(address).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST:8321", 200), ("127.0.0.1:1", 200), ("[::1]:8321", 200), ("chat.home", 200),
        ("Chat.Home.", 200), ("[fd00::1]", 200), ("evil.example", 421), ("localhost.evil.example", 421),
        ("chat.home.evil.example", 421), ("192.0.2.1", 421), ("127.0.0.1.evil.example", 421), ("", 400),
        ("localhost:port", 400), ("local host", 400), ("localhost@evil.example", 400), ("localhost/", 400),
    ],
)  # fmt: skip
def test_unknown_names_are_refused(family: Running, host: str, status: int) -> None:
    response = family.browser().client.get("/health/live", headers={"host": host})
    assert response.status_code == status


def raw(family: Running, sent: bytes) -> bytes:
    """What the server answers to exactly these bytes, until it closes the connection."""
    target = urlsplit(family.address)
    with socket.create_connection((target.hostname or "", target.port or 0), timeout=20) as connection:
        connection.sendall(sent)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: localhost\r\n"])
def test_there_is_exactly_one_name(family: Running, hosts: bytes) -> None:
    assert raw(family, b"GET /health/live HTTP/1.0\r\n" + hosts + b"\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_body_that_says_it_is_too_long_isnt_read(family: Running) -> None:
    browser = family.browser()
    browser.get("/sign-in")
    response = browser.post("/sign-in", username="mum", password="x" * MOST_IN_A_BODY, next="/")
    assert response.status_code == 413


def test_a_body_without_a_length_is_cut_off_while_it_is_read(family: Running) -> None:
    """It would go on for ever: that an answer comes at all shows that nobody waits for its end."""
    target = urlsplit(family.address)
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with socket.create_connection((target.hostname or "", target.port or 0), timeout=20) as connection:
        connection.sendall(head.encode())
        try:
            while sent < 100 * MOST_IN_A_BODY:
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:  # the server hung up
            pass
        else:
            raise AssertionError("all of it was taken")
    assert sent < 50 * MOST_IN_A_BODY


def test_nor_is_what_a_stranger_sends_where_nobody_asked(family: Running) -> None:
    response = family.browser().client.post("/nothing", content=b"x" * (2 * MOST_IN_A_BODY))
    assert response.status_code == 404
