"""The one music list that was uploaded and waits to be brought in; and the way to the music engine.

The engine is imported when it is needed: it takes a while, and few pages need it.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from familychat.store.files import private_folder

if TYPE_CHECKING:
    from familychat.household import Household
    from familychat.models import User
    from familychat_music.importing import ImportReport, Progress
    from familychat_music.libraries import Imported, Libraries

LONGEST_NAME = 60
"""Letters of a file's name, of four bytes at most: file systems take 255 bytes."""

_ODD = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


@dataclass(frozen=True, slots=True)
class Choosable:
    """A column of a file that waits: ``key`` is what a mapping calls it, ``role`` what it was taken for (None: nothing
    in particular), ``example`` one of its values."""

    key: str
    role: str | None
    example: str


@dataclass(slots=True)
class Upload:
    """A file that waits. ``sheet`` is the worksheet to take, if one was named.

    ``columns`` are those that it was found to have, and ``mapping`` says what some of them are instead.
    """

    path: Path
    sheet: str | None = None
    columns: tuple[Choosable, ...] = ()
    mapping: dict[str, str] = field(default_factory=dict)
    held: ExitStack = field(default_factory=ExitStack)


class MusicDesk:
    """Holds one upload at a time, for all admins; another one takes its place."""

    def __init__(self) -> None:
        self.upload: Upload | None = None

    def take(self, data_dir: Path, said: str) -> Upload:
        """A place for a file that is called ``said`` where it comes from. What waited before is removed.

        What a killed process left is removed with the next import, as it leaves no lock.
        """
        from familychat_music.libraries import FOLDER  # noqa: PLC0415 -- as the module says
        from familychat_music.versions import working_folder  # noqa: PLC0415

        self.clear()
        held = ExitStack()
        folder = held.enter_context(working_folder(private_folder(data_dir / FOLDER)))
        self.upload = Upload(folder / file_name(said), held=held)
        return self.upload

    def clear(self) -> None:
        """Remove what waits."""
        if self.upload is not None:
            self.upload.held.close()
            self.upload = None


def file_name(said: str) -> str:
    """The name alone, without what a file system or a library's name can't have."""
    name = _ODD.sub("", re.split(r"[/\\]", said)[-1]).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    end = (dot + suffix)[:8]
    return (stem[: LONGEST_NAME - len(end)] or "Music") + end


def libraries(home: Household) -> Libraries:
    """The household's music libraries."""
    from familychat_music.libraries import Libraries as Music  # noqa: PLC0415

    return Music(home.database, home.clock)


def bring_in(home: Household, by: User, waiting: Upload, name: str | None, progress: Progress) -> Imported:
    """Bring in what waits as the list called ``name``; without one, only look what would become of it.

    It may take the place of another: the page said so before.
    """
    from familychat_music.importing.report import ImportOptions  # noqa: PLC0415

    return libraries(home).bring_in(
        by,
        waiting.path,
        name=name,
        options=ImportOptions(sheet=waiting.sheet, mapping=waiting.mapping),
        replace=True,
        dry_run=name is None,
        progress=progress,
    )


def columns_of(report: ImportReport) -> tuple[Choosable, ...]:
    """The columns of the file that a report tells of."""
    is_database = report.source_kind == "sqlite"
    found: dict[str, Choosable] = {}
    for table in report.tables if is_database else report.tables[:1]:  # the others are made from the first one
        for column in table.columns:
            key = f"{table.name}.{column.source}" if is_database else column.source
            found.setdefault(key, Choosable(key, column.role and column.role.value, column.example))
    return tuple(found.values())


def roles() -> list[str]:
    """What a column can be, and that it is left out."""
    from familychat_music.importing.plan import IGNORE  # noqa: PLC0415
    from familychat_music.schema import Role  # noqa: PLC0415

    return [*(role.value for role in Role), IGNORE]


def suggestions(home: Household, by: User, name: str, language: str) -> list[str]:
    """Questions that a list can answer."""
    from familychat_music.runner import Runner  # noqa: PLC0415

    music = libraries(home)
    engine = music.open(music.managed(by, name), Runner())
    try:
        return engine.suggestions(language)
    finally:
        engine.close()
