"""Backups: one file with the database, music libraries, own tasks and settings, checked by opening it.

:func:`create` makes one while familychat is in use, :func:`verify` opens one, :func:`restore` puts one in place, and
:func:`backups` lists those in a folder.
"""

from __future__ import annotations

from familychat.backups.archive import Progress
from familychat.backups.checking import Verified, verify
from familychat.backups.making import BackupOptions, Made, create
from familychat.backups.manifest import Manifest
from familychat.backups.places import Backup, backups, default_folder, find_backup, is_encrypted
from familychat.backups.restoring import Restored, restore
from familychat.backups.rotation import outdated

__all__ = [
    "Backup",
    "BackupOptions",
    "Made",
    "Manifest",
    "Progress",
    "Restored",
    "Verified",
    "backups",
    "create",
    "default_folder",
    "find_backup",
    "is_encrypted",
    "outdated",
    "restore",
    "verify",
]
