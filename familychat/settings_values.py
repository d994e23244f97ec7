"""Reading the values of settings: text from the environment, or what a TOML file holds.

Every reader gives the setting's value, or raises :class:`ValueError`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST_NAME = 253
_LABEL = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}", re.ASCII)

Reader = Callable[[Any], Any]


def text(raw: Any) -> str:
    """Text that isn't blank."""
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError
    return raw.strip()


def path(raw: Any) -> Path:
    """An absolute path; ``~`` is somebody's home."""
    given = text(raw)
    if "\0" in given:
        raise ValueError
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError:  # ~somebody who has no account here
        raise ValueError from None


def url(raw: Any) -> str:
    """The address of a model server, without ``/v1``."""
    given = text(raw).rstrip("/")
    parts = urlsplit(given)  # raises ValueError itself on a broken address
    odd = parts.query or parts.fragment or "@" in parts.netloc or not given.isprintable() or " " in given
    if parts.scheme not in {"http", "https"} or not parts.hostname or odd:
        raise ValueError
    _ = parts.port  # a port out of range is a ValueError
    return given.removesuffix("/v1")


def one_of(*choices: str) -> Reader:
    """One of these words."""

    def read(raw: Any) -> str:
        if raw not in choices:
            raise ValueError
        return str(raw)

    return read


def time_zone(raw: Any) -> str:
    """A name of the time zone database."""
    name = text(raw)
    try:
        ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise ValueError from error
    return name


def number(kind: type[int] | type[float], low: float, high: float) -> Reader:
    """A number within both bounds."""

    def read(raw: Any) -> int | float:
        if isinstance(raw, bool):
            raise ValueError  # noqa: TRY004 -- every reader speaks in ValueError
        value = kind(raw)
        if isinstance(raw, float) and kind is int and value != raw:
            raise ValueError
        if not low <= value <= high:
            raise ValueError
        return value

    return read


def hosts(raw: Any) -> tuple[str, ...]:
    """Host names and addresses without scheme and port, in small letters: a TOML array, or text with commas."""
    return _several(raw, _host)


def networks(raw: Any) -> tuple[str, ...]:
    """Addresses and networks such as ``10.0.0.0/8``, likewise."""
    return _several(raw, _network)


def _several(raw: Any, read: Callable[[str], str]) -> tuple[str, ...]:
    items = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError
    found = tuple(read(item.strip()) for item in items if item.strip())
    if not found:
        raise ValueError
    return found


def _host(text: str) -> str:
    name = text.lower().removesuffix(".")
    if ":" in name:
        return str(ipaddress.IPv6Address(name.removeprefix("[").removesuffix("]")))
    if len(name) > LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError
    return name


def _network(text: str) -> str:
    network = ipaddress.ip_network(text, strict=False)
    return str(network.network_address) if network.num_addresses == 1 else str(network)
