"""Small pieces of the sentences that people read."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 question``, ``1,200 questions``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
