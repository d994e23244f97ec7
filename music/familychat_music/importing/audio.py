"""A folder of audio files, read as a list with one row per file."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from pathlib import Path

from familychat.wording import Counted, Text
from familychat_music.importing.cells import Batch, Cell, Grid
from familychat_music.importing.refusals import listed, refused
from familychat_music.importing.tags import UnreadableError, read_tags
from familychat_music.schema import Role

SUFFIXES = frozenset({".mp3", ".flac", ".m4a", ".ogg", ".oga", ".opus", ".wma"})
MAX_FILES = 1_000_000
"""More files in a folder are not read: a wrong folder, such as a whole disk."""
BATCH = 100
NAMED_UNREADABLE = 20
"""So many unreadable files are named."""

COLUMNS = (
    Role.TITLE, Role.ARTIST, Role.ALBUM, Role.ALBUM_ARTIST, Role.COMPOSER, Role.LYRICIST, Role.GENRE,
    Role.RELEASE_DATE, Role.TRACK, Role.DISC, Role.DURATION, Role.BPM, Role.KEY, Role.LANGUAGE, Role.MOOD,
    Role.LABEL, Role.COMMENT, Role.BITRATE, Role.FILE_SIZE, Role.FORMAT, Role.PATH,
)  # fmt: skip


class AudioSource:
    """All the audio files in a folder and the folders in it; links to other folders are not followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: list[Path] = []
        self._read = 0
        self._grid = Grid("audio")

    def open(self) -> Grid:
        """Find the files."""
        for folder, folders, names in os.walk(self._folder):
            folders.sort()
            self._paths += [Path(folder, name) for name in sorted(names) if Path(name).suffix.lower() in SUFFIXES]
            if len(self._paths) > MAX_FILES:
                raise refused(
                    Text("%(path)s holds more than %(most)s audio files.", path=self._folder, most=f"{MAX_FILES:,}"),
                    Text("Choose a smaller folder."),
                )
        if not self._paths:
            raise refused(
                Text("There are no audio files in %(path)s.", path=self._folder),
                Text("Choose a folder with %(suffixes)s files.", suffixes=", ".join(sorted(SUFFIXES))),
            )
        return self._grid

    def batches(self) -> Generator[Batch, None, None]:
        """The names of the columns, then a row for each file that can be read."""
        yield [[role.value for role in COLUMNS]]
        unreadable: list[str] = []
        untitled = self._read = 0
        batch: Batch = []
        for path in self._paths:
            self._read += 1
            try:
                tags = self._tags(path)
            except UnreadableError:
                unreadable.append(self._relative(path))
                continue
            untitled += Role.TITLE not in tags
            batch.append(self._row(path, tags))
            if len(batch) >= BATCH:
                yield batch
                batch = []
        self._grid.notes = _notes(unreadable, untitled)
        if len(unreadable) == len(self._paths):
            raise refused(
                Text("None of the audio files in %(path)s can be read.", path=self._folder),
                Text("Check that they can be played."),
            )
        yield batch

    def fraction(self) -> float | None:
        """How many of the files have been read."""
        return self._read / max(1, len(self._paths))

    def _tags(self, path: Path) -> dict[Role, Cell]:
        """A file's tags; anything but a plain file isn't even opened."""
        try:
            is_file = stat.S_ISREG(path.stat().st_mode)
        except OSError:
            is_file = False
        if not is_file:
            raise UnreadableError(path.name)
        return read_tags(path)

    def _row(self, path: Path, tags: dict[Role, Cell]) -> list[Cell]:
        relative = self._relative(path)
        own: dict[Role, Cell] = {
            Role.TITLE: relative.rpartition("/")[2].rpartition(".")[0],
            Role.FORMAT: path.suffix[1:].lower(),
            Role.PATH: relative,
        }
        return [tags.get(role, own.get(role)) for role in COLUMNS]

    def _relative(self, path: Path) -> str:
        """The path inside the folder, with slashes; what isn't Unicode in it is replaced."""
        text = path.relative_to(self._folder).as_posix()
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _notes(unreadable: list[str], untitled: int) -> list[str]:
    notes: list[str] = []
    if unreadable:
        notes.append(
            Counted(
                len(unreadable),
                "%(count)s file could not be read and was left out: %(names)s.",
                "%(count)s files could not be read and were left out: %(names)s.",
                names=listed(unreadable, NAMED_UNREADABLE),
            )
        )
    if untitled:
        notes.append(
            Counted(
                untitled,
                "%(count)s file has no title tag; the file's name stands in for it.",
                "%(count)s files have no title tag; the file's name stands in for it.",
            )
        )
    return notes
