"""Questions worth asking of a library, made from its own names."""

from __future__ import annotations

from familychat_music.columns import BEST, Columns
from familychat_music.linking import LinkedColumn, Linker
from familychat_music.phrases import Phrases
from familychat_music.schema import Role


def suggestions(linker: Linker, columns: Columns, words: Phrases, limit: int = 6) -> list[str]:
    """Up to ``limit`` questions that the library can answer, in the language of ``words``."""
    values = {role: _most_used(linker, role) for role in (Role.ARTIST, Role.GENRE)}
    artist, genre = values[Role.ARTIST], values[Role.GENRE]
    found = []
    if artist:
        found.append(words.say("suggestions", "artist_songs", artist=artist))
    if columns.has(Role.DURATION):
        found.append(words.say("suggestions", "longest"))
    if genre and columns.ref(Role.YEAR) and columns.schema.newest_year:
        decade = (columns.schema.newest_year // 10 - 1) * 10
        found.append(words.say("suggestions", "genre_decade", genre=genre, decade=decade))
    if genre:
        found.append(words.say("suggestions", "by_genre"))
    if columns.first(BEST):
        best = "best" if columns.has(Role.RATING) else "popular"
        found.append(words.say("suggestions", best))
    if artist:
        found += [words.say("suggestions", "artist_most"), words.say("suggestions", "artist_count", artist=artist)]
    return found[:limit]


def knows(columns: Columns, words: Phrases) -> str:
    """What a library tells of its songs: title, artist, year ..."""
    roles: dict[str, None] = {}
    for table in columns.schema.tables:
        for column in table.columns:
            if column.role is not None and column.role.value in words.sections["nouns"]:
                roles[words.noun(column.role.value, 2)] = None
    return ", ".join(roles)


def _most_used(linker: Linker, role: Role) -> str | None:
    column: LinkedColumn | None = next((known for known in linker.columns() if known.role is role), None)
    values = linker.values_of(column, 1) if column else []
    return values[0][0] if values else None
