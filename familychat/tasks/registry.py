"""The tasks that are installed, found by their entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from familychat.errors import TaskError
from familychat.tasks.base import Task

GROUP = "familychat.tasks"
DEFAULT_TASK = "general"


class TaskRegistry:
    """Tasks by name. One is loaded when it is first used, so a broken plugin harms nobody else."""

    def __init__(self, entries: tuple[EntryPoint, ...] | None = None) -> None:
        found = tuple(entry_points(group=GROUP)) if entries is None else entries
        self._entries = {entry.name: entry for entry in found}
        self._loaded: dict[str, Task] = {}

    def names(self) -> list[str]:
        """Every installed task, whether it can be loaded or not."""
        return sorted(self._entries)

    def get(self, name: str) -> Task:
        """The task; raises :class:`TaskError` if there is none or it is broken."""
        if name not in self._loaded:
            entry = self._entries.get(name)
            if entry is None:
                raise TaskError(f"There is no task {name}.", f"There are: {', '.join(self.names())}.")
            self._loaded[name] = _load(entry)
        return self._loaded[name]


def _load(entry: EntryPoint) -> Task:
    try:
        task = entry.load()()
    except Exception as error:  # a plugin can fail in any way; it is named, and the rest works
        raise TaskError(
            f"The task {entry.name} (from {entry.value}) is broken: {error}.", "Update or remove what brought it."
        ) from error
    if not isinstance(task, Task) or task.name != entry.name:
        raise TaskError(f"The task {entry.name} (from {entry.value}) isn't a task of that name.")
    return task
