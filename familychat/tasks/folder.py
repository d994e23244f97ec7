"""The household's own tasks: a folder of TOML files, read anew when one of them changed."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from familychat.errors import ConflictError, InvalidInputError, StoreError
from familychat.tasks.definitions import MAX_FILE_BYTES, TaskDefinition, parse
from familychat.wording import Text

SUFFIX = ".toml"
FOLDER = "tasks"
"""Its name in the data folder."""

Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A file of the folder: what it says, or why that can't be a task. ``text`` is None if it can't be read."""

    path: Path
    text: str | None
    definition: TaskDefinition | None
    trouble: InvalidInputError | None = None


class TaskFolder:
    """A folder of task files. It needn't be there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: Signature | None = None
        self._files: tuple[TaskFile, ...] = ()

    def files(self) -> tuple[TaskFile, ...]:
        """Every task file, by file name. Raises :class:`InvalidInputError` if the folder can't be read."""
        seen = self._signature()
        if seen != self._seen:
            self._files = tuple(_read(self.path / name) for name, *_ in seen)
            self._seen = seen
        return self._files

    def write(self, path: Path, text: str, *, replace: bool) -> None:
        """Save a file of the folder, whole or not at all, readable by its owner only.

        Raises :class:`familychat.errors.ConflictError` if there is one and ``replace`` isn't said, or if it is a link,
        and :class:`familychat.errors.StoreError` if it can't be written; then the old one is as it was.
        """
        from familychat.export.writing import new_file
        from familychat.store.files import private_folder

        private_folder(self.path)
        if path.is_symlink():
            raise ConflictError(
                Text("%(path)s is a link. It was left as it is.", path=path), "Put the file itself there."
            )
        try:
            with new_file(path, replace=replace) as file:
                file.write(text.encode())
        except (StoreError, InvalidInputError) as error:
            raise type(error)(
                Text("%(path)s can't be written. The tasks are as they were.", path=path),
                Text("Check that there is room, and who may write there."),
            ) from error

    def remove(self, path: Path) -> None:
        """Delete a file. Raises :class:`StoreError` if that can't be."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                Text("%(path)s can't be removed: %(reason)s.", path=path, reason=error.strerror),
                "Check who owns its folder.",
            ) from error

    def _signature(self) -> Signature:
        """Changes whenever a file does. Links are seen as themselves."""
        try:
            with os.scandir(self.path) as entries:
                found = [
                    (entry.name, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
                    for entry in entries
                    if entry.name.endswith(SUFFIX) and not entry.name.startswith(".")
                    for status in [entry.stat(follow_symlinks=False)]
                ]
        except FileNotFoundError:  # the folder, or a file that was removed in just that moment
            return () if not self.path.exists() else self._signature()
        except OSError as error:
            raise InvalidInputError(
                Text(
                    "The folder %(path)s can't be read: %(reason)s. The tasks in it are left out.",
                    path=self.path,
                    reason=error.strerror,
                ),
                "Check what it is, and who may read it.",
            ) from error
        return tuple(sorted(found))


def read_task_file(path: Path) -> bytes:
    """A file's bytes, at most one more than a task's may have. Raises :class:`InvalidInputError`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would let us wait for ever
            raise InvalidInputError(Text("%(path)s isn't an ordinary file.", path=path), "Name one that is.")
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or Text("the name can't be")
        raise InvalidInputError(
            Text("%(path)s can't be read: %(reason)s.", path=path, reason=reason), "Check its name and who may read it."
        ) from error


def _read(path: Path) -> TaskFile:
    text = None
    try:
        if path.is_symlink():  # it could make something else of the disk readable for everybody here
            raise InvalidInputError(Text("%(path)s isn't read: it is a link.", path=path), "Put the file itself there.")
        data = read_task_file(path)
        if len(data) <= MAX_FILE_BYTES:
            with contextlib.suppress(UnicodeDecodeError):
                text = data.decode("utf-8-sig")
        return TaskFile(path, text, parse(data, str(path)))
    except InvalidInputError as trouble:
        return TaskFile(path, text, None, trouble)
