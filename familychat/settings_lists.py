"""Settings that are lists: read from a TOML array, or from text with commas."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

LONGEST_NAME = 253
_LABEL = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}", re.ASCII)


def hosts(raw: Any) -> tuple[str, ...]:
    """Host names and addresses without scheme and port, in small letters; raises :class:`ValueError`."""
    return _several(raw, _host)


def networks(raw: Any) -> tuple[str, ...]:
    """Addresses and networks such as ``10.0.0.0/8``; raises :class:`ValueError`."""
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
