"""Making a backup while familychat is in use."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from familychat.backups import archive, own_tasks, saved_settings
from familychat.backups.archive import SQLITE_MARK, Progress, Source, quiet
from familychat.backups.checking import inspect
from familychat.backups.manifest import DATABASE, SETTINGS, Manifest, music_name
from familychat.backups.places import sync_folder, unfinished, workspace, writing
from familychat.backups.rotation import remove_outdated
from familychat.clock import Clock, timestamp, utc_now
from familychat.errors import NotFoundError, StoreCorruptError
from familychat.family.ownership import record
from familychat.store.database import FILE_NAME
from familychat.store.snapshots import check, library_versions, refuse_newer, take_snapshot
from familychat.wording import Text

MUSIC = "music"
_TRIES = 5
_KEPT = Text("No backup was made; the earlier ones are as they were.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOptions:
    """How to make a backup.

    ``passphrase`` (None: not encrypted) encrypts it, ``secrets`` keeps the secret settings, and an ``automatic`` one
    is named as such, after which the automatic ones in the folder that are no longer needed are removed.
    """

    passphrase: str | None = None
    secrets: bool = False
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup; ``size`` in bytes. ``removed`` are the old automatic ones that made room for it.

    ``recorded`` is false if the audit log couldn't be written.
    """

    path: Path
    size: int
    manifest: Manifest
    removed: tuple[Path, ...]
    recorded: bool


def create(
    data_dir: Path,
    config_path: Path,
    folder: Path,
    options: BackupOptions | None = None,
    *,
    clock: Clock = utc_now,
    progress: Progress = quiet,
) -> Made:
    """Save database, music libraries, own tasks and settings to one new file in ``folder``, and open it as a check.

    The file gets its name once all of it is on the disk and was read again; a killed one leaves none of that name.
    Raises :class:`NotFoundError` if there is no database, :class:`familychat.errors.ConflictError` while another
    backup is on its way, and :class:`familychat.errors.StoreError` if something can't be read or written.
    """
    options = options or BackupOptions()
    database = data_dir / FILE_NAME
    if not database.exists():
        raise NotFoundError(Text("There is no database at %(path)s.", path=database), "familychat chat makes one.")
    moment = clock()
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(workspace(data_dir))
        settings = saved_settings.saved(config_path, secrets=options.secrets)
        tasks, left_out = own_tasks.saved(data_dir, _KEPT)
        about, sources = stack.enter_context(_gathered(database, work, options, moment))
        about = replace(about, tasks_saved=True, tasks_left_out=left_out)
        sources += tasks
        if settings is not None:
            sources.append(Source(SETTINGS, io.BytesIO(settings), len(settings)))
        with writing(folder, _KEPT):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path, final = stack.enter_context(unfinished(folder, work, moment, automatic=options.automatic))
            with path.open("wb") as file:
                manifest = archive.write(file, sources, about, passphrase=options.passphrase, progress=progress)
                file.flush()
                os.fsync(file.fileno())
        inspect(path, options.passphrase, work / "opened", everything=False, progress=progress)
        with writing(folder, _KEPT):
            size = path.stat().st_size
            path.replace(final)
            sync_folder(folder)
    removed = remove_outdated(folder) if options.automatic else ()
    kind = "encrypted" if options.passphrase is not None else "not encrypted"
    return Made(final, size, manifest, removed, record(database, "backup.create", str(final), kind))


@contextlib.contextmanager
def _gathered(
    database: Path, work: Path, options: BackupOptions, moment: datetime
) -> Iterator[tuple[Manifest, list[Source]]]:
    """A copy of the database and the music that belongs to exactly this copy, all of it open to be read.

    An import or a removal in just that moment can take a library's file away under us: then the database is copied
    again. A file that is missing both times is really gone; everything else is saved all the same.
    """
    from familychat import __version__

    copy, before = work / DATABASE, None
    for _ in range(_TRIES):
        with writing(work, _KEPT):
            copy.unlink(missing_ok=True)
            take_snapshot(database, destination=copy)
        found = check(copy)
        refuse_newer(
            found,
            Text("The database was written by a newer familychat (it knows %(version)s). Nothing was changed."),
        )
        if not found.ok:
            raise StoreCorruptError(
                Text(
                    "The database is damaged: %(reason)s. No backup was made; the earlier ones are as they were.",
                    reason=found.problems[0],
                ),
                "familychat db restore brings back a snapshot, familychat backup restore a backup.",
            )
        with contextlib.ExitStack() as files:
            music, missing = _open_music(files, database.parent / MUSIC, library_versions(copy))
            if missing and missing != before:
                before = missing
                continue
            file = files.enter_context(copy.open("rb"))
            about = Manifest(
                created_at=timestamp(moment),
                familychat=__version__,
                migrations=found.migrations,
                secrets=options.secrets,
                missing=missing,
            )
            yield about, [Source(DATABASE, file, copy.stat().st_size), *music]
            return
    raise StoreCorruptError(
        "The music libraries kept changing. No backup was made; the earlier ones are as they were.",
        "Try again once an import is done.",
    )


def _open_music(
    files: contextlib.ExitStack, folder: Path, versions: dict[str, int]
) -> tuple[list[Source], tuple[str, ...]]:
    """The files of these libraries, held open so that nobody can take them away any more, and those not there."""
    music, missing = [], []
    for library_id, version in versions.items():
        try:
            file = files.enter_context((folder / library_id / f"{version}.db").open("rb"))
            sound = file.read(len(SQLITE_MARK)) == SQLITE_MARK
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
        except OSError:
            sound = False
        if sound:
            music.append(Source(music_name(library_id, version), file, size))
        else:
            missing.append(library_id)
    return music, tuple(missing)
