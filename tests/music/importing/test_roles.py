"""What headers and cells say about a column."""

from __future__ import annotations

import pytest

from familychat_music.importing.roles import column_of, role_of_header
from familychat_music.schema import Column, Kind, Role

HEADERS = {
    Role.TITLE: "Title,TITLE,Song Title,SongTitle,song_title,TrackName,track_name,Titel,Título,Titre,Titolo,"
    "गाना,गीत,gaana,geet",
    Role.ARTIST: "Artist,artist_name,Artist(s),Künstler,KÜNSTLER,Kunstler,Interpret,Artiste,Artista,Track Artist,"
    "गायक,gayak,gayika",
    Role.ALBUM: "Album,album-name,AlbumTitle,Albumtitel,एल्बम,Disco",
    Role.ALBUM_ARTIST: "AlbumArtist,album_artist,Album Artist",
    Role.COMPOSER: "Composer,Komponist,संगीतकार,sangeetkar,Music Director,Compositeur",
    Role.LYRICIST: "Lyricist,गीतकार,geetkar,Parolier,Texter",
    Role.GENRE: "Genre,Genres,Género,Musikrichtung,शैली,playlist_genre",
    Role.YEAR: "Year,Jahr,Año,Année,Année de sortie,Anno,साल,saal,Release Year,Year (of release)",
    Role.RELEASE_DATE: "Release Date,album_release,Released,track_album_release_date,Erscheinungsdatum,Date de sortie",
    Role.DURATION: "Duration,duration_ms,duration_sec,Length (sec),Länge,Dauer,Durée,Length [mm:ss],Time (min),"
    "अवधि,avadhi",
    Role.TRACK: "Track Number,track_no,Track No.,TrackNumber",
    Role.PLAY_COUNT: "Play Count,Plays,playcount",
    Role.LANGUAGE: "Language,Sprache,Langue,भाषा,bhasha",
    Role.FILM: "Film,Movie,फ़िल्म,film ka naam",
    Role.PATH: "Path,File Name,Dateipfad",
}


@pytest.mark.parametrize(
    ("role", "header"), [(role, text) for role, texts in HEADERS.items() for text in texts.split(",")]
)
def test_known_headers(role: Role, header: str) -> None:
    assert role_of_header(header) is role


@pytest.mark.parametrize("role", list(Role))
def test_each_role_has_its_own_name(role: Role) -> None:
    assert role_of_header(role.value) is role


@pytest.mark.parametrize(
    "header",
    ["", "Name", "ID", "artist_id", "track_uri", "Mood Tag", "Danceability", "#", "Number", "Owned by", "x" * 5000,
     "album count", "???", "Date", "Time", "Type"],
)  # fmt: skip
def test_headers_that_prove_nothing(header: str) -> None:
    assert role_of_header(header) is None


@pytest.mark.parametrize(
    ("name", "values", "column"),
    [
        ("Name", ["Hello", "Joga"], Column("Name", Kind.TEXT, Role.TITLE)),
        ("Name", [1, 2, 3], Column("Name", Kind.NUMBER)),
        ("track", [1, 2, 3], Column("track", Kind.NUMBER, Role.TRACK)),
        ("track", ["Hello", "Joga"], Column("track", Kind.TEXT, Role.TITLE)),
        ("Milliseconds", [343719, 200000], Column("Milliseconds", Kind.NUMBER, Role.DURATION, 0.001)),
        ("duration", [343719, 200000], Column("duration", Kind.NUMBER, Role.DURATION, 0.001)),
        ("duration_seconds", [225.5, 180], Column("duration_seconds", Kind.NUMBER, Role.DURATION)),
        ("duration_seconds", [3, 2], Column("duration_seconds", Kind.NUMBER, Role.DURATION)),
        ("length", ["3:45", "4:01"], Column("length", Kind.TEXT, Role.DURATION)),
        ("year", [1999, 2001], Column("year", Kind.NUMBER, Role.YEAR)),
        ("year", ["1999", "2001"], Column("year", Kind.TEXT, Role.YEAR)),
        ("year", ["Ox", "Rat"], Column("year", Kind.TEXT)),
        ("release_date", ["1999-05-01", "2001"], Column("release_date", Kind.TEXT, Role.RELEASE_DATE)),
        ("release_date", ["1999-05-01", "2001-01"], Column("release_date", Kind.DATE, Role.RELEASE_DATE)),
        ("key", ["C#m", "8A", "D"], Column("key", Kind.TEXT, Role.KEY)),
        ("key", [10, 20], Column("key", Kind.NUMBER)),
        ("date", ["1999-05-01"], Column("date", Kind.DATE, Role.RELEASE_DATE)),
        ("plays", [], Column("plays", Kind.TEXT, Role.PLAY_COUNT)),
        ("cover", [b"\x00", b"\x01"], Column("cover", Kind.TEXT)),
    ],
)
def test_columns_of_a_database(name: str, values: list[object], column: Column) -> None:
    assert column_of(name, values) == column


@pytest.mark.parametrize(
    ("table", "role"),
    [("artists", Role.ARTIST), ("Genre", Role.GENRE), ("Album", Role.ALBUM), ("Track", Role.TITLE), ("Customer", None)],
)
def test_a_bare_name_means_what_its_table_is(table: str, role: Role | None) -> None:
    assert column_of("Name", ["Hello", "Joga"], table).role is role
