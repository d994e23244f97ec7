"""The files of a library's versions: where a new one is made, and when the old ones go."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

WORKING = "import-"
"""What the folders of imports under way begin with."""
STILL_OPENED = 60.0
"""Seconds for which the files of a version stay after the next one took their place."""


def retire(folder: Path, version: int) -> None:
    """Remove the files of versions before this one, except those that somebody may only now be opening.

    Who looked the library up before it changed still finds the files that it had then; the next import removes them.
    """
    now = time.time()
    for old in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another import of the same library clears away, too
            if old.stem == str(version - 1):
                os.utime(old)
            elif old.stem != str(version) and abs(now - old.stat().st_mtime) > STILL_OPENED:
                old.unlink()


@contextlib.contextmanager
def working_folder(parent: Path) -> Iterator[Path]:
    """A folder for a new version's files, removed afterwards; what killed imports left is cleared away first.

    Each import holds a lock inside its folder, which the operating system lets go of when the process ends.
    """
    import filelock

    with contextlib.ExitStack() as stack:
        with filelock.FileLock(parent.with_suffix(".lock"), mode=0o600):
            for left in parent.glob(f"{WORKING}*"):
                _clear(left)
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=WORKING, dir=parent)))
            stack.enter_context(filelock.FileLock(work / "in-use.lock", mode=0o600))
        yield work


def _clear(left: Path) -> None:
    import filelock

    with contextlib.suppress(filelock.Timeout, OSError), filelock.FileLock(left / "in-use.lock", timeout=0):
        shutil.rmtree(left, ignore_errors=True)
