"""Putting a backup in the place of what is there.

Killed at any point, the next start finds either all that was there before or all that was in the backup, without
having to mend anything, because exactly one step exchanges the one for the other:

1. Everything is unpacked and checked in the workspace, where nothing else looks.
2. Nobody may use the household from here on (the database's setup lock, and no living familychat).
3. The songs are put beside those in use, as versions that the database in place doesn't name. It doesn't see them.
4. The new settings are written beside the old ones, and the old ones are copied to where they will be kept.
5. The database in place is kept as a snapshot; then one rename puts the new one there. **This is the step.** It names
   the versions of step 3, which are all there, and no other.
6. The folder of the household's own tasks moves to where it will be kept, and the new one in its place; then one
   rename puts the new settings there. They are the only parts outside the database's reach: killed between 5 and the
   end of 6, the settings are still the old ones, the tasks the old ones or none, and restoring again brings the new.
7. Songs that the database in place doesn't name any more are moved to where they are kept. Nobody reads them.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from familychat.backups import own_tasks, saved_settings
from familychat.backups.archive import Progress, quiet
from familychat.backups.checking import Verified, inspect
from familychat.backups.making import MUSIC
from familychat.backups.manifest import DATABASE, SETTINGS, Manifest
from familychat.backups.places import sync_folder, workspace, writing
from familychat.clock import utc_now
from familychat.errors import ConflictError, SettingsError, StoreError
from familychat.family.ownership import record
from familychat.store.database import FILE_NAME
from familychat.store.files import data_folder, private_folder
from familychat.store.leases import live_processes
from familychat.store.snapshots import (
    check,
    library_versions,
    nobody_else,
    put_in_place,
    refuse_newer,
    set_library_version,
)
from familychat.wording import Text

_UNTOUCHED = Text("Nothing was changed.")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. ``snapshot`` is the database that was replaced, ``kept`` a folder with the songs, tasks and
    settings that were; None where there was nothing to replace. ``settings`` and ``tasks`` say whether these are others
    than before. ``recorded`` is false if the audit log couldn't be written."""

    manifest: Manifest
    snapshot: Path | None
    kept: Path | None
    settings: bool
    tasks: bool
    recorded: bool = False


def restore(
    data_dir: Path,
    config_path: Path,
    path: Path,
    passphrase: str | None = None,
    *,
    settings: bool = True,
    progress: Progress = quiet,
    sure: Callable[[Verified], None] = lambda _: None,
) -> Restored:
    """Put a backup in place, after checking all of it. What it replaces is kept in the data folder.

    ``sure`` is called once the backup was found sound and before anything is changed, and may raise. The settings
    file keeps its own data folder, and its secrets if the backup has none; without ``settings`` it stays as it is. The
    household's own tasks stay if the backup is from before they were saved.

    Raises :class:`ConflictError` while another familychat runs, :class:`familychat.errors.StoreTooNewError` if a newer
    one made the backup or uses the data folder, :class:`familychat.errors.StoreCorruptError` for a damaged backup, and
    :class:`familychat.errors.InvalidInputError` for a wrong or missing passphrase. Then nothing was changed.
    """
    database = data_dir / FILE_NAME
    _refuse_running(database)
    _refuse_newer_installation(database)
    data_folder(data_dir, FILE_NAME)
    with workspace(data_dir) as work:
        opened = work / "opened"
        verified = inspect(path, passphrase, opened, everything=True, progress=progress)
        new_settings = None
        if settings and (opened / SETTINGS).exists():
            new_settings = saved_settings.merged(opened / SETTINGS, config_path, secrets=verified.manifest.secrets)
        sure(verified)
        with nobody_else(database):
            _refuse_newer_installation(database)  # one may have been here meanwhile
            done = _put_all_in_place(database, opened, verified, config_path, new_settings)
        made = f"made {verified.manifest.created_at}"
        return replace(done, recorded=record(database, "backup.restore", str(path), made))


def _refuse_running(database: Path) -> None:
    """Said before the long work; :func:`nobody_else` looks again when it counts."""
    if live_processes(database.parent):
        raise ConflictError(
            "familychat is still running. Nothing was changed.",
            "Close it in every window, and stop its server; then try again.",
        )


def _refuse_newer_installation(database: Path) -> None:
    if database.exists():
        refuse_newer(
            check(database),
            Text(
                "The database in your data folder was written by a newer familychat (it knows %(version)s). "
                "Nothing was changed."
            ),
        )


def _put_all_in_place(
    database: Path, opened: Path, verified: Verified, config_path: Path, new_settings: bytes | None
) -> Restored:
    stamp = utc_now().strftime("%Y%m%dT%H%M%S%fZ")
    kept = database.parent / f"before-restore-{stamp}"
    added: list[Path] = []
    ready = None
    try:
        with writing(database.parent, _UNTOUCHED):
            _add_music(database.parent / MUSIC, opened, verified.manifest, added)
            if new_settings is not None:
                ready = saved_settings.prepare(config_path, new_settings)
                _keep_settings(config_path, kept)
            snapshot = put_in_place(database, opened / DATABASE, verified.rows)
    except BaseException:
        _take_back(database, added, ready, kept)
        raise
    sync_folder(database.parent)
    tasks = verified.manifest.tasks_saved and own_tasks.exchange(database.parent, opened, kept)
    if ready is not None:
        _exchange_settings(ready, config_path)
    with writing(kept, Text("The backup was restored; music that it replaced still lies in the data folder.")):
        _set_music_aside(database, kept)
    return Restored(verified.manifest, snapshot, kept if kept.exists() else None, ready is not None, tasks)


def _add_music(music: Path, opened: Path, manifest: Manifest, added: list[Path]) -> None:
    """Step 3. Where other songs already have a library's version, the new database points at a version of its own."""
    for library_id, (version, entry) in manifest.libraries.items():
        folder = private_folder(private_folder(music) / library_id)
        if _holds(folder / f"{version}.db", entry.size, entry.sha256):
            continue
        taken = [int(one.stem) for one in folder.iterdir() if one.stem.isdecimal()]
        chosen = max(taken) + 1 if version in taken else version
        if chosen != version:
            set_library_version(opened / DATABASE, library_id, chosen)
        place = folder / f"{chosen}.db"
        added.append(place)
        (opened / entry.name).replace(place)
        sync_folder(folder)


def _take_back(database: Path, added: list[Path], ready: Path | None, kept: Path) -> None:
    """After trouble on the way to the one step: remove what it brought, unless the step was taken after all."""
    with contextlib.suppress(OSError, StoreError):
        versions = library_versions(database) if database.exists() else {}
        for file in added:
            if file.stem != str(versions.get(file.parent.name)):
                file.unlink(missing_ok=True)
        if ready is not None:
            ready.unlink(missing_ok=True)
            (kept / SETTINGS).unlink(missing_ok=True)
            kept.rmdir()


def _holds(path: Path, size: int, sha256: str) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _keep_settings(config_path: Path, kept: Path) -> None:
    if config_path.exists():
        copy = private_folder(kept) / SETTINGS
        copy.touch(mode=0o600)
        copy.write_bytes(config_path.read_bytes())


def _exchange_settings(ready: Path, config_path: Path) -> None:
    path = config_path.resolve()
    try:
        ready.replace(path)
    except OSError as error:
        raise SettingsError(
            Text(
                "Everything else was restored, but the settings file %(path)s "
                "can't be written: %(reason)s. It is as it was.",
                path=path,
                reason=error.strerror,
            ),
            Text("The restored settings are in %(path)s.", path=ready),
        ) from error
    sync_folder(path.parent)


def _set_music_aside(database: Path, kept: Path) -> None:
    """Step 7, from what the database in place says now."""
    music = database.parent / MUSIC
    versions = library_versions(database)
    for folder in sorted(music.iterdir()) if music.is_dir() else []:
        if not folder.is_dir() or folder.name.startswith("import-"):
            continue
        for file in sorted(folder.iterdir()):
            if file.stem != str(versions.get(folder.name)):
                file.replace(private_folder(private_folder(kept / MUSIC) / folder.name) / file.name)
        if not any(folder.iterdir()):
            folder.rmdir()
