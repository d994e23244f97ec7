"""The steps of a decision."""

from __future__ import annotations

from dataclasses import dataclass

from familychat.errors import FamilychatError


@dataclass(frozen=True, slots=True)
class Finding:
    """One step of a decision: a sentence, and what is raised if it speaks against it."""

    text: str
    error: FamilychatError | None = None

    @property
    def is_fine(self) -> bool:
        return self.error is None
