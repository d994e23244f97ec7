"""How an import says no."""

from __future__ import annotations

from familychat.errors import ImportRefusedError

KEPT = "The library stays as it was."


def refused(what: str, todo: str) -> ImportRefusedError:
    """The error to raise: what happened, what was kept, what to do next."""
    return ImportRefusedError(f"{what} {KEPT}", todo)


def listed(names: list[str], most: int = 20) -> str:
    """Names for a sentence, the first ``most`` of them."""
    shown = ", ".join(name[:60] for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
