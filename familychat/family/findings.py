"""The steps of a decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from familychat.errors import FamilychatError


@dataclass(frozen=True, slots=True)
class Finding:
    """One step of a decision: a sentence, and what is raised if it speaks against it.

    ``told`` is the sentence, or makes it when somebody wants to read it: most decisions are never explained.
    """

    told: str | Callable[[], str]
    error: FamilychatError | None = None

    @property
    def text(self) -> str:
        return self.told if isinstance(self.told, str) else self.told()

    @property
    def is_fine(self) -> bool:
        return self.error is None
