"""Who is asking: the peer, or whom a configured proxy says it asks for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

from litestar.types import HTTPScope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_WITH_PORT = re.compile(r"\[(.*)\](?::\d+)?|([^:]*):\d+")


class Proxies:
    """The proxies that are believed. From anybody else, ``X-Forwarded-*`` changes nothing."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(one) for one in trusted]

    def address_of(self, scope: HTTPScope, headers: Mapping[str, str]) -> str:
        """Where the request comes from: the last one in the chain that isn't a proxy of ours."""
        peer = (scope.get("client") or ("", 0))[0]
        found = _parsed(peer)
        if found is None or not self._trusts(found):
            return str(found or peer)
        for hop in reversed(headers.get("x-forwarded-for", "").split(",")):
            address = _parsed(hop.strip())
            if address is None:
                break
            found = address
            if not self._trusts(found):
                break
        return str(found)

    def scheme_of(self, scope: HTTPScope, headers: Mapping[str, str]) -> str:
        """``http`` or ``https``, as the browser sees it."""
        peer = _parsed((scope.get("client") or ("", 0))[0])
        said = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        if peer is not None and self._trusts(peer) and said in {"http", "https"}:
            return said
        return scope["scheme"]

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _parsed(text: str) -> Address | None:
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2] or ""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
