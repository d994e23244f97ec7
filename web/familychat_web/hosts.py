"""By which names the page can be reached. Other names are refused: a web page elsewhere could be behind them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from litestar.types import HTTPScope

from familychat.errors import InvalidInputError, NotFoundError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?", re.ASCII | re.IGNORECASE)


class BadHostError(InvalidInputError):
    """The request doesn't say which host it is for, or says something that can't be one."""

    http_status = 400


class UnknownHostError(NotFoundError):
    """The page was asked for by a name that isn't its own."""

    http_status = 421


class Hosts:
    """The names that hold: this computer's own, the address that was asked at, and those that are configured."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = LOOPBACK | frozenset(allowed)

    def check(self, scope: HTTPScope) -> str:
        """The name that was asked for, without its port.

        Raises :class:`BadHostError` if there isn't exactly one, and :class:`UnknownHostError`.
        """
        said = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"host"]
        match = _HOST.fullmatch(said[0]) if len(said) == 1 else None
        if match is None:
            raise BadHostError("The request doesn't say by which name it reached this page.")
        name = (match[1] or match[2]).lower().removesuffix(".")
        if name in self._allowed or name == _own_address(scope):
            return name
        raise UnknownHostError(
            "This page isn't known under that name.",
            "Whoever looks after it can add the name: familychat config set web.allowed_hosts NAME",
        )


def _own_address(scope: HTTPScope) -> str | None:
    # The address that the connection came in at. A name that leads here is something else: anybody can make one.
    address = (scope.get("server") or ("", 0))[0]
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None
    return address.lower()
