"""The door every task comes through, ours and anybody's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, runtime_checkable

from familychat.events import Event
from familychat.turn import Turn


@runtime_checkable
class Task(Protocol):
    """A thing to use a model for.

    ``name`` is what grants and commands say (``general``), ``title`` and ``description`` are for people. ``run``
    yields the events of one turn, usually from :meth:`familychat.turn.Turn.complete`; it ends when the answer is
    done, and raises :class:`familychat.errors.FamilychatError` when there can't be one.
    """

    name: str
    title: str
    description: str

    def run(self, turn: Turn) -> AsyncGenerator[Event, None]: ...
