"""The tasks there are: plugins by their entry points, files that are shipped, and files of the household.

Of two tasks with one name, in whatever letter case, what comes with the program wins over plugins, and plugins win over
the household's files; the other is named as a problem. Two from the same of these places are both left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from familychat.errors import FamilychatError, InvalidInputError, TaskError, UnknownTaskError
from familychat.tasks.base import Task, complaint_about
from familychat.tasks.definitions import DefinedTask, TaskDefinition, parse
from familychat.tasks.folder import SUFFIX, TaskFile, TaskFolder
from familychat.wording import Text

GROUP = "familychat.tasks"
DEFAULT_TASK = "general"
OWN_DISTRIBUTION = "familychat"
_LONGEST_REASON = 300


class Origin(StrEnum):
    """Where a task comes from; an earlier one wins."""

    PROGRAM = "program"
    PLUGIN = "plugin"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A task that works. ``place`` is its class, package or file; ``text`` is its TOML, None for code."""

    task: Task
    origin: Origin
    place: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class TaskProblem:
    """A task that was left out: what it is called or would be, and what to do about it, in whole sentences."""

    name: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    origin: Origin
    place: str
    make: Callable[[], Task]
    text: str | None = None

    @property
    def key(self) -> str:
        return self.name.casefold()


@dataclass(frozen=True, slots=True)
class _Known:
    """``sources`` by name, and the places of all that want a name by its key."""

    sources: dict[str, _Source]
    problems: tuple[TaskProblem, ...]
    claims: dict[str, tuple[str, ...]]


class TaskRegistry:
    """Tasks by name. A plugin is loaded when it is first used, so a broken one harms nobody else.

    ``entries`` replaces what is installed, and ``folder`` holds the household's own task files. They are looked at
    anew each time, so that a task which another process adds is there at once.
    """

    def __init__(self, entries: tuple[EntryPoint, ...] | None = None, *, folder: Path | None = None) -> None:
        self.folder = TaskFolder(folder) if folder else None
        self._entries = tuple(entry_points(group=GROUP)) if entries is None else entries
        self._loaded: dict[str, Task] = {}
        self._failed: dict[str, TaskProblem] = {}
        self._files: tuple[TaskFile, ...] | None = None
        self._known = _Known({}, (), {})

    def names(self) -> list[str]:
        """Every task there is, whether it can be loaded or not."""
        return sorted(self._look().sources)

    def get(self, name: str) -> Task:
        """The task; raises :class:`TaskError` if there is none or it is broken."""
        return self.find(name).task

    def find(self, name: str) -> KnownTask:
        """The task and where it comes from; raises as :meth:`get`."""
        known = self._look()
        source = known.sources.get(name)
        if source is None:
            left_out = next((problem for problem in known.problems if problem.name == name), None)
            if left_out is not None:
                raise TaskError(left_out.message, left_out.hint)
            raise UnknownTaskError(
                Text("There is no task %(name)s.", name=name),
                Text("There are: %(names)s.", names=", ".join(self.names())),
            )
        return KnownTask(self._load(source), source.origin, source.place, source.text)

    def all(self) -> list[KnownTask]:
        """Every task that works, by name. Loads all plugins."""
        return [found for name in self.names() if (found := self._working(name)) is not None]

    def problems(self) -> list[TaskProblem]:
        """What was left out: broken plugins and files, and clashes of names. Loads all plugins."""
        self.all()
        return [*self._look().problems, *(self._failed[name] for name in sorted(self._failed))]

    def claims(self, name: str) -> tuple[str, ...]:
        """The places that bring a task of this name, in whatever letter case; more than one in a clash."""
        return self._look().claims.get(name.casefold(), ())

    def _working(self, name: str) -> KnownTask | None:
        try:
            return self.find(name)
        except TaskError:
            return None

    def _load(self, source: _Source) -> Task:
        if source.origin is Origin.FILE:
            return source.make()  # from a file that may say something else next time
        name = source.name
        if name in self._failed:
            raise TaskError(self._failed[name].message, self._failed[name].hint)
        if name not in self._loaded:
            try:
                self._loaded[name] = source.make()
            except TaskError as error:
                self._failed[name] = TaskProblem(name, error.message, error.hint)
                raise
        return self._loaded[name]

    def _look(self) -> _Known:
        """What there is now, read anew only if one of the files changed."""
        files, trouble = self._own_files()
        if files != self._files:
            own = (_file_source(file, file.definition) for file in files if file.definition is not None)
            known = _sorted_out([*_shipped(), *map(_entry_source, self._entries), *own])
            broken = (TaskProblem(f.path.stem, f.trouble.message, f.trouble.hint) for f in files if f.trouble)
            self._known = replace(known, problems=(*known.problems, *broken))
            self._files = files
        if trouble is None:
            return self._known
        return replace(self._known, problems=(*self._known.problems, trouble))

    def _own_files(self) -> tuple[tuple[TaskFile, ...], TaskProblem | None]:
        if self.folder is None:
            return (), None
        try:
            return self.folder.files(), None
        except InvalidInputError as error:
            return (), TaskProblem(self.folder.path.name, error.message, error.hint)


def _sorted_out(sources: list[_Source]) -> _Known:
    """Who gets a name that several want."""
    taken: dict[str, list[_Source]] = {}
    problems: list[TaskProblem] = []
    for origin in Origin:
        here: dict[str, list[_Source]] = {}
        for source in (one for one in sources if one.origin is origin):
            here.setdefault(source.key, []).append(source)
        for key, several in here.items():
            if key in taken:
                problems += [_outdone(one, taken[key][0]) for one in several]
                continue
            taken[key] = several
            if len(several) > 1:
                problems += [_one_of_several(one, several) for one in several]
    alone = [several[0] for several in taken.values() if len(several) == 1]
    claims = {key: tuple(one.place for one in sources if one.key == key) for key in taken}
    return _Known({source.name: source for source in alone}, tuple(problems), claims)


def _outdone(source: _Source, winner: _Source) -> TaskProblem:
    return TaskProblem(
        source.name,
        Text(
            "The task %(name)s from %(place)s is left out: %(other)s brings one of that name.",
            name=source.name,
            place=source.place,
            other=winner.place,
        ),
        "Give it another name." if source.origin is Origin.FILE else "Ask its makers for another name, or remove it.",
    )


def _one_of_several(source: _Source, several: list[_Source]) -> TaskProblem:
    others = ", ".join(one.place for one in several if one is not source)
    return TaskProblem(
        source.name,
        Text(
            "The task %(name)s from %(place)s is left out: %(other)s brings one of that name, too.",
            name=source.name,
            place=source.place,
            other=others,
        ),
        "Give one of them another name." if source.origin is Origin.FILE else "Remove one of them.",
    )


@cache
def _shipped() -> tuple[_Source, ...]:
    folder = resources.files("familychat.tasks").joinpath("shipped")
    files = sorted((path for path in folder.iterdir() if path.name.endswith(SUFFIX)), key=lambda path: path.name)
    return tuple(_shipped_source(path.name, path.read_text("utf-8")) for path in files)


def _shipped_source(file_name: str, text: str) -> _Source:
    definition = parse(text, file_name)
    return _Source(definition.name, Origin.PROGRAM, OWN_DISTRIBUTION, lambda: DefinedTask(definition), text)


def _file_source(file: TaskFile, definition: TaskDefinition) -> _Source:
    return _Source(definition.name, Origin.FILE, str(file.path), lambda: DefinedTask(definition), file.text)


def _entry_source(entry: EntryPoint) -> _Source:
    name, version = _package(entry)
    if name == OWN_DISTRIBUTION:
        return _Source(entry.name, Origin.PROGRAM, name, lambda: _loaded(entry))
    return _Source(entry.name, Origin.PLUGIN, f"{name} {version}" if name else entry.value, lambda: _loaded(entry))


def _package(entry: EntryPoint) -> tuple[str, str]:
    """Name and version of what brought it, where that says so: a half-removed package may have lost both."""
    try:
        return (entry.dist.name, entry.dist.version) if entry.dist is not None else ("", "")
    except Exception:  # noqa: BLE001 -- what reading such a package raises differs between versions of Python
        return "", ""


def _loaded(entry: EntryPoint) -> Task:
    try:
        made = entry.load()()
        complaint = complaint_about(made, entry.name)
    except (Exception, SystemExit) as error:  # a plugin can fail in any way; it is named, and the rest works
        reason = str(error) if isinstance(error, FamilychatError) else f"{type(error).__name__}: {error}"
        raise _broken(entry, reason) from error
    if complaint is not None:
        raise _broken(entry, complaint)
    task: Task = made
    return task


def _broken(entry: EntryPoint, reason: str) -> TaskError:
    shown = reason if isinstance(reason, Text) else " ".join(reason[:_LONGEST_REASON].split()).rstrip(":.")
    return TaskError(
        Text(
            "The task %(name)s (from %(place)s) is broken: %(reason)s.",
            name=entry.name,
            place=entry.value,
            reason=shown,
        ),
        "Update or remove what brought it.",
    )
