"""The door every task comes through, ours and anybody's."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from familychat.events import Event
from familychat.models import Parameters, User
from familychat.store.database import Database
from familychat.turn import Turn
from familychat.wording import Text

_log = logging.getLogger(__name__)


@runtime_checkable
class Task(Protocol):
    """A thing to use a model for.

    ``name`` is what grants and commands say (``general``), ``title`` and ``description`` are for people. ``run``
    yields the events of one turn, usually from :meth:`familychat.turn.Turn.complete`; it ends when the answer is
    done, and raises :class:`familychat.errors.FamilychatError` when there can't be one.

    A task may have more, which is read by the functions below: ``opening``, a line to begin with; ``suggestions``,
    questions to choose from, or ``suggestions_for(database, user, language)``, which returns those; ``defaults``,
    :class:`TaskDefaults`; and ``continues``, true if the model can go on with an answer that was stopped.
    """

    name: str
    title: str
    description: str

    def run(self, turn: Turn) -> AsyncGenerator[Event, None]: ...


@dataclass(frozen=True, slots=True)
class TaskDefaults:
    """What a conversation that begins with a task gets where the person chose nothing."""

    model: str | None = None
    parameters: Parameters = field(default_factory=Parameters)

    def fill(self, chosen: Parameters) -> Parameters:
        """``chosen``, with the defaults where it leaves the choice."""
        own = self.parameters
        return Parameters(
            own.temperature if chosen.temperature is None else chosen.temperature,
            own.top_p if chosen.top_p is None else chosen.top_p,
            own.max_tokens if chosen.max_tokens is None else chosen.max_tokens,
        )


def opening_of(task: Task) -> str:
    """The line that a conversation with the task begins with; empty if it has none."""
    opening: str = getattr(task, "opening", "")
    return opening


def suggestions_of(task: Task) -> tuple[str, ...]:
    """Questions that people may begin with."""
    return tuple(getattr(task, "suggestions", ()))


def suggestions_for(task: Task, database: Database, user: User, language: str) -> tuple[str, ...]:
    """As :func:`suggestions_of`, for this person and in this language if the task has such; that may take a while."""
    own = getattr(task, "suggestions_for", None)
    if own is None:
        return suggestions_of(task)
    try:
        return tuple(map(str, own(database, user, language)))
    except Exception as error:  # noqa: BLE001 -- a task is anybody's code, and people can do without
        _log.warning("the task %s couldn't suggest anything: %s", task.name, type(error).__name__)
        return ()


def defaults_of(task: Task) -> TaskDefaults:
    """Model and parameters that a conversation with the task begins with."""
    defaults: TaskDefaults = getattr(task, "defaults", TaskDefaults())
    return defaults


def complaint_about(made: object, name: str) -> Text | None:
    """What keeps ``made`` from being the task ``name``: something about one of its attributes; None if nothing does.

    Whatever a plugin's attributes raise when they are read goes through.
    """
    from familychat.chat import check_parameters  # which imports the registry, and so this

    if not isinstance(made, Task) or made.name != name:
        return Text("it isn't a task of that name")
    suggestions = getattr(made, "suggestions", ())
    if isinstance(suggestions, str):
        return Text("its suggestions must be several texts")
    texts = (made.title, made.description, opening_of(made), *suggestions)
    if not all(isinstance(text, str) for text in texts):
        return Text("its title, description, opening and suggestions must be text")
    defaults = defaults_of(made)
    if not isinstance(defaults, TaskDefaults):
        return Text("its defaults must be TaskDefaults")
    check_parameters(defaults.parameters)
    return None
