"""Finding the columns of a library by what they mean."""

from __future__ import annotations

from collections.abc import Sequence

from familychat_music.building import path
from familychat_music.plan import Part, Ref
from familychat_music.schema import Column, Role, Schema, Table

_INSTEAD = {
    Role.YEAR: (Role.RELEASE_DATE,),
    Role.ARTIST: (Role.ALBUM_ARTIST, Role.COMPOSER),
    Role.COMPOSER: (Role.LYRICIST, Role.ARTIST),
    Role.LYRICIST: (Role.COMPOSER, Role.ARTIST),
    Role.FILM: (Role.ALBUM,),
    Role.POPULARITY: (Role.PLAY_COUNT, Role.RATING),
    Role.RATING: (Role.POPULARITY,),
    Role.PLAY_COUNT: (Role.POPULARITY,),
}
POPULAR = (Role.POPULARITY, Role.PLAY_COUNT, Role.RATING)
BEST = (Role.RATING, Role.POPULARITY, Role.PLAY_COUNT)


class Columns:
    """The columns of one library, by role. ``main`` is the table that holds the songs."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        titled = [table for table in schema.tables if any(c.role is Role.TITLE for c in table.columns)]
        largest = max(schema.tables, key=lambda table: table.row_count)
        self.main: Table = titled[0] if titled else largest

    def has(self, role: Role) -> bool:
        """Whether a column has exactly this role."""
        return any(column.role is role for table in self.schema.tables for column in table.columns)

    def ref(self, role: Role, *, single: bool = True, instead: bool = True) -> Ref | None:
        """The column for a role; with ``single`` the list of single names rather than cells with several.

        The closest to the songs wins. With ``instead``, a role that the library lacks is stood in for by the nearest
        one it has.
        """
        found = [
            (table, column)
            for table in self.schema.tables
            for column in table.columns
            if column.role is role and (table is self.main or path(self.schema, self.main.name, table.name) is not None)
        ]
        if found:
            table, column = min(found, key=lambda pair: self._distance(pair[0], single=single))
            return as_ref(table, column)
        for other in _INSTEAD.get(role, ()) if instead else ():
            standing_in = self.ref(other, single=single, instead=False)
            if standing_in is not None:
                year = role is Role.YEAR
                return Ref(standing_in.table, standing_in.column, standing_in.role, Part.YEAR if year else Part.WHOLE)
        return None

    def first(self, roles: Sequence[Role]) -> Ref | None:
        """The first of several roles that the library has."""
        return next((self.ref(role) for role in roles if self.has(role)), None)

    def _distance(self, table: Table, *, single: bool) -> tuple[int, int]:
        if self.is_list(table.name):
            return (0 if single else 9, 1)
        way = path(self.schema, self.main.name, table.name) or ()
        return (1, len(way))

    def is_list(self, table: str) -> bool:
        """Whether a table only lists the single names of the songs' cells."""
        return self.main.name == "songs" and table.startswith("song_")

    def is_entity(self, table: str) -> bool:
        """Whether each row of a table is one artist, album or genre."""
        return table != self.main.name and not self.is_list(table)


def as_ref(table: Table, column: Column) -> Ref:
    """A column as plans speak of it."""
    return Ref(table.name, column.name, column.role, scale=column.scale)
