"""Who is asking, through which proxies."""

from __future__ import annotations

from typing import Any, cast

import pytest
from litestar.types import HTTPScope

from familychat_web.proxies import Proxies

OURS = Proxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])


def scope(peer: str | None, scheme: str = "http") -> HTTPScope:
    asked: dict[str, Any] = {"client": (peer, 1) if peer else None, "scheme": scheme}
    return cast(HTTPScope, asked)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("127.0.0.1", "198.51.100.1, nonsense, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("fd00::5", "2001:db8::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::ffff:192.0.2.1", "198.51.100.1", "192.0.2.1"),
        (None, "198.51.100.1", ""),
    ],
)
def test_the_last_one_that_is_no_proxy_of_ours(peer: str | None, forwarded: str, address: str) -> None:
    assert OURS.address_of(scope(peer), {"x-forwarded-for": forwarded}) == address


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("127.0.0.1", "http, HTTPS", "https"),
        ("127.0.0.1", "gopher", "http"),
        ("127.0.0.1", "", "http"),
        ("192.0.2.1", "https", "http"),
        (None, "https", "http"),
    ],
)
def test_tls_in_front_of_it(peer: str | None, said: str, scheme: str) -> None:
    assert OURS.scheme_of(scope(peer), {"x-forwarded-proto": said}) == scheme
