"""Which familychat processes are alive.

Each process holds a lock on a small file of its own. The operating system lets go of the lock when the process
ends, however it ends, so a lock that can be taken marks a process that is gone.
"""

from __future__ import annotations

from pathlib import Path

from familychat.clock import new_id
from familychat.store.files import private_folder

FOLDER = "running"


class Lease:
    """This process's sign of life, until :meth:`release` or the end of the process."""

    def __init__(self, data_dir: Path) -> None:
        import filelock

        self.id = new_id()
        folder = private_folder(data_dir / FOLDER)
        self._path = folder / f"{self.id}.lock"
        self._lock = filelock.FileLock(self._path, mode=0o600)
        self._lock.acquire(timeout=5)

    def release(self) -> None:
        self._lock.release(force=True)
        self._path.unlink(missing_ok=True)


def live_processes(data_dir: Path, *, own: str | None = None) -> set[str]:
    """The lease ids of the processes alive on a data folder, ``own`` left out; files of dead ones are removed."""
    import filelock

    alive = set()
    for path in (data_dir / FOLDER).glob("*.lock"):
        if path.stem == own:
            continue
        lock = filelock.FileLock(path, mode=0o600)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            alive.add(path.stem)
        else:
            lock.release()
            path.unlink(missing_ok=True)
    return alive
