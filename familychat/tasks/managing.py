"""What the household does with its tasks: look at them, add and change its own, switch any of them off."""

from __future__ import annotations

from dataclasses import dataclass, fields

from familychat.clock import Clock, timestamp
from familychat.errors import ConflictError, InvalidInputError, TaskError
from familychat.family.permissions import Permissions, require_admin_now
from familychat.models import User
from familychat.store.audit import ABOUT_EVERYONE, AuditStore
from familychat.store.database import Database
from familychat.store.people import PeopleStore
from familychat.store.task_states import TaskStateStore
from familychat.tasks.base import Task
from familychat.tasks.definitions import TaskDefinition, parse
from familychat.tasks.folder import SUFFIX, TaskFile, TaskFolder
from familychat.tasks.registry import KnownTask, TaskProblem, TaskRegistry
from familychat.wording import Text

TYPED = Text("What you gave")


@dataclass(frozen=True, slots=True)
class ShelvedTask:
    """A task as one person finds it: whether they may use it, which nobody may while it isn't ``on``."""

    known: KnownTask
    allowed: bool
    on: bool


class TaskShelf:
    """The household's tasks. Methods that take ``by`` are for admins and say so with :class:`NotAllowedError`.

    Every change is in the audit log, for everybody to read. One that is refused leaves all files as they were.
    """

    def __init__(self, database: Database, registry: TaskRegistry, permissions: Permissions, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._permissions = permissions
        self._people = PeopleStore(database)
        self._states = TaskStateStore(database)
        self._audit = AuditStore(database)

    def all(self, user: User) -> list[ShelvedTask]:
        """Every task that works, by name."""
        off = self._states.all_off()
        return [self._shelved(user, known, off) for known in self._registry.all()]

    def usable(self, user: User) -> list[Task]:
        """The tasks that a person may use now, by name."""
        return [one.known.task for one in self.all(user) if one.allowed]

    def get(self, user: User, name: str) -> ShelvedTask:
        """One task; raises :class:`TaskError` if there is none or it is broken."""
        return self._shelved(user, self._registry.find(name), self._states.all_off())

    def problems(self) -> list[TaskProblem]:
        """What was left out, and why."""
        return self._registry.problems()

    def add(self, by: User, text: bytes | str, *, place: str = TYPED) -> ShelvedTask:
        """Make a task of a TOML text, which ``place`` names in errors. Nobody may use it before a rule allows it.

        Raises :class:`InvalidInputError` for a text that is no task and :class:`ConflictError` for a taken name.
        """
        definition = parse(text, place)
        with self._database.transaction():
            self._require_admin(by)
            folder = self._folder()
            self._require_free(definition.name)
            path = folder.path / f"{definition.name}{SUFFIX}"
            if any(file.path.name.casefold() == path.name for file in folder.files()):
                raise ConflictError(
                    Text("There is a file %(path)s already. Nothing was changed.", path=path),
                    Text("familychat tasks edit %(name)s changes it.", name=definition.name),
                )
            self._record(by, "task.add", definition.name, definition.title)
            folder.write(path, _unmarked(text), replace=False)
        return self.get(by, definition.name)

    def own(self, by: User, name: str) -> TaskFile:
        """The file of one of the household's own tasks, also of a broken one, by its name or its file's.

        Raises :class:`TaskError` if there is none and :class:`ConflictError` for a task that isn't the household's own.
        """
        self._require_admin(by)
        return self._own(name)

    def edit(
        self, by: User, name: str, text: bytes | str, *, place: str = TYPED, before: str | None = None
    ) -> TaskDefinition:
        """Change one of the household's own tasks, or mend a broken one; a working one keeps its name.

        ``before`` is the text that was changed: if somebody else changed it meanwhile, :class:`ConflictError` is
        raised. Else raises as :meth:`add` and :meth:`own`.
        """
        definition = parse(text, place)
        with self._database.transaction():
            self._require_admin(by)
            file = self._own(name)
            if before is not None and file.text != before:
                raise ConflictError(
                    Text("%(path)s was changed by somebody else meanwhile, and stays so.", path=file.path),
                    "Look at it, then try again.",
                )
            old = file.definition if self._works(file) else None
            if old is None:
                self._require_free(definition.name, besides=file)
            elif old.name != definition.name:
                raise InvalidInputError(
                    Text(
                        "The task %(name)s keeps its name, which rules and conversations know. Nothing was changed.",
                        name=old.name,
                    ),
                    "familychat tasks add makes one of another name.",
                )
            if file.text != _unmarked(text):
                self._record(by, "task.edit", definition.name, _difference(old, definition))
                self._folder().write(file.path, _unmarked(text), replace=True)
        return definition

    def remove(self, by: User, name: str) -> None:
        """Delete one of the household's own tasks, or a broken file. Conversations with it can still be read.

        Raises as :meth:`own`.
        """
        with self._database.transaction():
            self._require_admin(by)
            file = self._own(name)
            if file.definition is not None and self._works(file):
                self._states.switch(file.definition.name, off=False, at=self._now())
            self._record(by, "task.remove", name, file.path.name)
            self._folder().remove(file.path)

    def switch(self, by: User, name: str, *, off: bool) -> bool:
        """Switch a task off for the whole household, or on again; false if it was so already.

        Raises :class:`TaskError` if there is no task of that name; a broken one can be switched, too.
        """
        with self._database.transaction():
            self._require_admin(by)
            if name not in self._registry.names() and not self._states.is_off(name):
                self._registry.find(name)
            changed = self._states.switch(name, off=off, at=self._now())
            if changed:
                self._record(by, "task.disable" if off else "task.enable", name)
            return changed

    def _shelved(self, user: User, known: KnownTask, off: frozenset[str]) -> ShelvedTask:
        name = known.task.name
        return ShelvedTask(known, self._permissions.may_use(user, f"task:{name}"), name.casefold() not in off)

    def _require_admin(self, by: User) -> None:
        require_admin_now(self._people, by)

    def _now(self) -> str:
        return timestamp(self._clock())

    def _record(self, by: User, action: str, name: str, details: str = "") -> None:
        self._audit.add(self._now(), by.username, action, name, details, about_id=ABOUT_EVERYONE)

    def _folder(self) -> TaskFolder:
        if self._registry.folder is None:
            raise TaskError("No folder for tasks of your own is set.", "Open the household with its data folder.")
        return self._registry.folder

    def _works(self, file: TaskFile) -> bool:
        """Whether this file is what a task's name stands for."""
        definition = file.definition
        return definition is not None and self._registry.claims(definition.name) == (str(file.path),)

    def _require_free(self, name: str, besides: TaskFile | None = None) -> None:
        own = None if besides is None else str(besides.path)
        taken = next((place for place in self._registry.claims(name) if place != own), None)
        if taken is not None:
            raise ConflictError(
                Text("There is a task %(name)s already, from %(place)s. Nothing was changed.", name=name, place=taken),
                "Choose another.",
            )

    def _own(self, name: str) -> TaskFile:
        files = self._folder().files()
        called = [file for file in files if file.definition is not None and file.definition.name == name]
        by_file = next((file for file in files if file.path.stem == name), None)
        if by_file is not None and (by_file.definition is None or by_file in called or not called):
            return by_file
        if len(called) > 1:
            stems = " or ".join(file.path.stem for file in called)
            raise ConflictError(
                Text("Several files say that they are %(name)s. Nothing was changed.", name=name),
                Text("Name one: %(names)s.", names=stems),
            )
        if called:
            return called[0]
        place = self._registry.find(name).place
        raise ConflictError(
            Text(
                "The task %(name)s isn't one of your own: it comes with %(place)s. Nothing was changed.",
                name=name,
                place=place,
            ),
            Text(
                "familychat tasks disable %(name)s switches it off, familychat tasks add makes one of your own.",
                name=name,
            ),
        )


def _unmarked(text: bytes | str) -> str:
    """Text that was parsed already, without a byte order mark."""
    return text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")


def _difference(old: TaskDefinition | None, new: TaskDefinition) -> str:
    """The names of what is different."""
    if old is None:
        return "mended"
    return ", ".join(one.name for one in fields(new) if getattr(old, one.name) != getattr(new, one.name))
