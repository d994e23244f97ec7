"""The household's own tasks in a backup: which files are saved, and how their folder is exchanged."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from familychat.backups.archive import Source
from familychat.backups.manifest import MOST_TASKS, task_name
from familychat.backups.places import sync_folder
from familychat.errors import InvalidInputError, StoreError
from familychat.store.files import private_folder
from familychat.tasks.definitions import MAX_FILE_BYTES
from familychat.tasks.folder import FOLDER, SUFFIX, read_task_file
from familychat.wording import Text


def saved(data_dir: Path, kept: Text) -> tuple[list[Source], tuple[str, ...]]:
    """The task files to save, and the names of those that can't be: links, too long ones, or oddly named.

    Whether a file says a task is not asked: it goes along as it is. ``kept`` is said in the errors. Raises
    :class:`StoreError` if the folder can't be read.
    """
    folder = data_dir / FOLDER
    try:
        names = _names(folder)
    except OSError as error:
        raise StoreError(
            Text(
                "The folder %(path)s can't be read: %(reason)s. %(kept)s", path=folder, reason=error.strerror, kept=kept
            ),
            "Check what it is, and who may read it.",
        ) from error
    sources: list[Source] = []
    left_out = []
    taken = set()
    for name in names:
        content = _content(folder / name) if len(sources) < MOST_TASKS else None
        inside = task_name(name)
        # Where names that differ only in case are the same, one of the two would cover the other.
        if content is None or inside is None or inside.casefold() in taken:
            left_out.append(_plain(name))
            continue
        taken.add(inside.casefold())
        sources.append(Source(inside, io.BytesIO(content), len(content)))
    return sources, tuple(left_out[:MOST_TASKS])


def exchange(data_dir: Path, opened: Path, kept: Path) -> bool:
    """Put the tasks in the folder ``opened`` in the place of those in use, whose whole folder moves to ``kept``.

    Two renames: killed between them, there are no own tasks, and both folders are whole where they lie. Returns
    false, with nothing changed, if both hold the same. Raises :class:`StoreError`, which says where the old ones are.
    """
    current, new, aside = data_dir / FOLDER, opened / FOLDER, kept / FOLDER
    if _same(current, new):
        return False
    try:
        if os.path.lexists(current):
            private_folder(kept)
            current.rename(aside)
            sync_folder(kept)
        if new.exists():
            sync_folder(new)
            new.rename(current)
        sync_folder(data_dir)
    except OSError as error:
        if not current.exists():
            with contextlib.suppress(OSError):
                aside.rename(current)
        raise StoreError(
            Text(
                "People, conversations and music were restored, but your household's own tasks can't be exchanged: "
                "%(reason)s. The settings are as they were, and your tasks are in %(path)s.",
                reason=error.strerror,
                path=current if current.exists() else aside,
            ),
            "Close what uses that folder, and restore once more.",
        ) from error
    return True


def _names(folder: Path) -> list[str]:
    """What the folder shows as tasks, whatever it is; none if it isn't there."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name.endswith(SUFFIX) and not name.startswith("."))


def _content(path: Path) -> bytes | None:
    """None for what is no ordinary file, can't be read, or is longer than a task may be."""
    try:
        content = None if path.is_symlink() else read_task_file(path)
    except InvalidInputError:
        return None
    return content if content is not None and len(content) <= MAX_FILE_BYTES else None


def _plain(name: str) -> str:
    """A name that may be none in UTF-8, so that it can be listed."""
    return name.encode(errors="backslashreplace").decode()


def _same(current: Path, new: Path) -> bool:
    try:
        names = _names(current)
        return names == _names(new) and all(_content(current / name) == _content(new / name) for name in names)
    except OSError:
        return False
