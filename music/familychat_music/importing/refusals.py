"""How an import says no."""

from __future__ import annotations

from familychat.errors import ImportRefusedError
from familychat.wording import Text


def refused(what: Text, todo: Text) -> ImportRefusedError:
    """The error to raise: what happened, what was kept, what to do next."""
    return ImportRefusedError(Text("%(what)s The library stays as it was.", what=what), todo)


def listed(names: list[str], most: int = 20) -> str:
    """Names for a sentence, the first ``most`` of them."""
    shown = ", ".join(name[:60] for name in names[:most])
    if len(names) <= most:
        return shown
    return Text("%(names)s and %(count)s more", names=shown, count=len(names) - most)
