"""What a library holds: its tables, columns and how they hang together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a column means, whatever it is called. An imported sheet's columns are named after their role."""

    TITLE = "title"
    ARTIST = "artist"
    ALBUM = "album"
    ALBUM_ARTIST = "album_artist"
    COMPOSER = "composer"
    LYRICIST = "lyricist"
    GENRE = "genre"
    YEAR = "year"
    RELEASE_DATE = "release_date"
    TRACK = "track"
    DISC = "disc"
    DURATION = "duration_seconds"
    DATE_ADDED = "date_added"
    LAST_PLAYED = "last_played"
    PLAY_COUNT = "play_count"
    RATING = "rating"
    POPULARITY = "popularity"
    BPM = "bpm"
    KEY = "key"
    LANGUAGE = "language"
    COUNTRY = "country"
    MOOD = "mood"
    FILM = "film"
    PLAYLIST = "playlist"
    LABEL = "label"
    COMMENT = "comment"
    BITRATE = "bitrate"
    FILE_SIZE = "file_size"
    FORMAT = "format"
    PATH = "path"


class Kind(StrEnum):
    """What the values of a column are, however they are stored."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``scale`` turns a duration stored in it into seconds (0.001 for milliseconds)."""

    name: str
    kind: Kind
    role: Role | None = None
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``primary_key`` is empty if it has none."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    row_count: int = 0

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``table.column`` points at ``to_table.to_column``."""

    table: str
    column: str
    to_table: str
    to_column: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A library's tables, the foreign keys between them, and the newest year of its songs."""

    tables: tuple[Table, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    newest_year: int | None = None

    def table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)
