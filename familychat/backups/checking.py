"""Opening a backup to see that it holds what it should, and unpacking it on the way."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from familychat.backups.archive import Archive, Progress, opened, quiet
from familychat.backups.manifest import DATABASE, Manifest, damaged
from familychat.backups.places import workspace, writing
from familychat.errors import StoreFullError
from familychat.store.snapshots import check, library_versions, refuse_newer
from familychat.wording import Text

_LIBRARY_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class Verified:
    """What a sound backup holds: its manifest, and the rows of each table of its database."""

    manifest: Manifest
    rows: dict[str, int]


def verify(data_dir: Path, path: Path, passphrase: str | None = None, *, progress: Progress = quiet) -> Verified:
    """Open a backup and check every byte of it, and its database as a database. The data folder lends the room.

    Raises :class:`familychat.errors.StoreCorruptError`, :class:`familychat.errors.StoreTooNewError`, and
    :class:`familychat.errors.InvalidInputError` for a wrong or missing passphrase.
    """
    with workspace(data_dir) as work:
        return inspect(path, passphrase, work / "opened", everything=False, progress=progress)


def inspect(
    path: Path, passphrase: str | None, folder: Path, *, everything: bool, progress: Progress = quiet
) -> Verified:
    """As :func:`verify`, with the database, and with ``everything`` all files, left unpacked in a new ``folder``."""
    with opened(path, passphrase) as archive:
        manifest = archive.manifest
        _refuse_without_room(folder.parent, archive, everything=everything)
        with writing(folder, Text("Nothing was changed.")):
            folder.mkdir(mode=0o700)
        for entry in sorted(manifest.files, key=lambda entry: entry.name != DATABASE):  # what matters most first
            if everything or entry.name == DATABASE:
                archive.unpack(entry, folder / entry.name, progress)
            else:
                archive.check(entry, progress)
    return Verified(manifest, _checked_database(folder / DATABASE, manifest))


def _refuse_without_room(folder: Path, archive: Archive, *, everything: bool) -> None:
    """A backup that claims to hold more than fits, honestly or not, is refused before it fills the disk."""
    files = archive.manifest.files
    needed = sum(entry.size for entry in files if everything or entry.name == DATABASE)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreFullError(
            Text(
                "The backup needs %(needed)s MB at %(path)s, and %(free)s MB are free. Nothing was changed.",
                needed=f"{needed / 1e6:,.0f}",
                path=folder.parent,
                free=f"{free / 1e6:,.0f}",
            ),
            "Make some room, then try again.",
        )


def _checked_database(path: Path, manifest: Manifest) -> dict[str, int]:
    found = check(path)
    # A newer database may well look wrong to this version: that it is newer comes first.
    refuse_newer(
        found, Text("The backup was written by a newer familychat (it knows %(version)s). Nothing was changed.")
    )
    if not found.ok:
        raise damaged(Text("its database is damaged (%(reason)s)", reason=found.problems[0]))
    if found.migrations != manifest.migrations:
        raise damaged(Text("its database isn't the one that it lists"))
    wanted = library_versions(path)
    there = {library_id: version for library_id, (version, _) in manifest.libraries.items()}
    missing = set(manifest.missing)
    for library_id, version in wanted.items():
        if not _LIBRARY_ID.fullmatch(library_id) or (library_id not in missing and there.get(library_id) != version):
            raise damaged(Text("a music library is missing from it"))
    if there.keys() - wanted.keys():
        raise damaged(Text("it holds music that its database doesn't know"))
    return found.rows
