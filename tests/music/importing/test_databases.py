"""SQLite databases are copied as they are, without anything in them being run."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from familychat.errors import ImportRefusedError
from familychat_music.schema import Kind, Role

CHINOOK = """
CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY, Name NVARCHAR(120) COLLATE NOCASE);
CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY, Title TEXT NOT NULL, ArtistId INTEGER REFERENCES Artist);
CREATE TABLE Track (
    TrackId INTEGER PRIMARY KEY, Name TEXT CHECK (length(Name) > 0), AlbumId INT REFERENCES Album (AlbumId),
    Milliseconds INTEGER, "odd ""name" DECIMAL(10, 2) DEFAULT (random()),
    Long TEXT GENERATED ALWAYS AS (Name || '!') STORED
);
CREATE TABLE Both (A INTEGER, B TEXT COLLATE RTRIM, PRIMARY KEY (B, A)) WITHOUT ROWID;
CREATE VIEW Everything AS SELECT * FROM Track;
CREATE TRIGGER Watch AFTER INSERT ON Track BEGIN SELECT 1; END;
CREATE VIRTUAL TABLE Words USING fts5(Name);
INSERT INTO Artist VALUES (7, 'Queen'), (8, x'ff00'), (9, NULL);
INSERT INTO Album VALUES (1, 'Jazz', 7);
INSERT INTO Track (TrackId, Name, AlbumId, Milliseconds, "odd ""name") VALUES (3, 'Mustapha', 1, 180123, 1.5);
INSERT INTO Both VALUES (1, 'x');
"""


@pytest.fixture
def database(tmp_path: Path) -> Any:
    """Write a database with a script."""

    def write(script: str, name: str = "source.db") -> Path:
        connection = sqlite3.connect(tmp_path / name)
        connection.executescript(script)
        connection.close()
        return tmp_path / name

    return write


def test_tables_are_copied_with_their_keys(imported: Any, database: Any) -> None:
    done = imported(database(CHINOOK))
    assert done.report.source_kind == "sqlite"
    assert [(table.name, table.rows) for table in done.report.tables] == [
        ("Album", 1), ("Artist", 3), ("Both", 1), ("Track", 1),
    ]  # fmt: skip
    assert done.rows("SELECT * FROM Artist") == [(7, "Queen"), (8, b"\xff\x00"), (9, None)]
    assert done.rows("SELECT * FROM Track") == [(3, "Mustapha", 1, 180123, 1.5)]
    assert done.rows("SELECT * FROM Album JOIN Artist USING (ArtistId) WHERE Name = 'queen'") == [
        (1, "Jazz", 7, "Queen")
    ]
    assert done.rows('SELECT "table", "from", "to" FROM pragma_foreign_key_list(\'Album\')') == [
        ("Artist", "ArtistId", "ArtistId")
    ]
    assert done.rows("SELECT name, type, pk FROM pragma_table_xinfo('Track')") == [
        ("TrackId", "INTEGER", 1), ("Name", "TEXT", 0), ("AlbumId", "INT", 0), ("Milliseconds", "INTEGER", 0),
        ('odd "name', "DECIMAL(10, 2)", 0),
    ]  # fmt: skip
    assert done.rows("SELECT name, pk FROM pragma_table_info('Both')") == [("A", 2), ("B", 1)]
    assert done.rows("SELECT A FROM Both WHERE B = 'x   '") == [(1,)]
    assert done.rows("SELECT tbl_name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1") == [
        ("Album",), ("Track",),
    ]  # fmt: skip


def test_what_is_left_out_is_said(imported: Any, database: Any) -> None:
    done = imported(database(CHINOOK))
    assert done.rows("SELECT DISTINCT type FROM sqlite_schema ORDER BY 1") == [("index",), ("table",)]
    notes = " ".join(done.report.notes)
    for word in ("views (Everything)", "triggers (Watch)", "virtual tables (Words)", "Track.Long"):
        assert word in notes
    ((sql,),) = done.rows("SELECT group_concat(sql) FROM sqlite_schema")
    for word in ("CHECK", "DEFAULT", "random", "GENERATED"):
        assert word not in sql


def test_the_columns_are_described(imported: Any, database: Any) -> None:
    done = imported(database(CHINOOK), mapping={"track.milliseconds": "bpm", 'Track.odd "name': "ignore"})
    found = {
        f"{table.name}.{column.name}": (column.kind, column.role)
        for table in done.report.tables for column in table.columns
    }  # fmt: skip
    assert found["Artist.Name"] == (Kind.TEXT, Role.ARTIST)
    assert found["Album.Title"] == (Kind.TEXT, Role.ALBUM)
    assert found["Track.Name"] == (Kind.TEXT, Role.TITLE)
    assert found["Track.Milliseconds"] == (Kind.NUMBER, Role.BPM)
    assert 'Track.odd "name' not in found
    with pytest.raises(ImportRefusedError, match="no column"):
        imported(database("CREATE TABLE a (b)", "b.db"), mapping={"a.c": "title"})
    with pytest.raises(ImportRefusedError, match="ties tables together"):
        imported(database(CHINOOK, "c.db"), mapping={"Album.ArtistId": "ignore"})


def test_a_flat_table_is_copied_as_it_is(imported: Any, database: Any) -> None:
    done = imported(database("CREATE TABLE t (Title, Length TEXT); INSERT INTO t VALUES ('Hello', '3:45'), (1, NULL)"))
    assert done.rows("SELECT * FROM t") == [("Hello", "3:45"), (1, None)]


@pytest.mark.parametrize(
    "script",
    [
        'CREATE TABLE "a; DROP TABLE x" ("b "" , c" TEXT, "d) e" "INTEGER) STRICT, x(")',
        "CREATE TABLE t (a 'type with '' quote', [b c] \"GENERATED ALWAYS AS (1)\", `d``e` INT)",
        'CREATE TABLE "sel\'ect" ("from" TEXT, "where" INT, "group")',
        "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b REFERENCES gone (x), c REFERENCES t)",
        "CREATE TABLE t (a COLLATE nocase, b /* COLLATE rtrim, */ TEXT -- COLLATE x,\n, c DEFAULT (1 COLLATE rtrim))",
        "CREATE TABLE t (a, b, FOREIGN KEY (a, b) REFERENCES u); CREATE TABLE u (x, y, PRIMARY KEY (x, y))",
        "CREATE TABLE t (rowid, oid, _rowid_)",
    ],
)
def test_hostile_names_and_types(imported: Any, database: Any, script: str) -> None:
    path = database(script)
    source = sqlite3.connect(path)
    names = [
        name for (name,) in source.execute("SELECT name FROM sqlite_schema WHERE sql > '' AND name NOT LIKE 'sqlite%'")
    ]
    columns = {name: source.execute("SELECT name FROM pragma_table_xinfo(?)", (name,)).fetchall() for name in names}
    source.close()
    done = imported(path)
    assert sorted(table.name for table in done.report.tables) == sorted(names)
    for name in names:
        found = done.connection.execute("SELECT name FROM pragma_table_xinfo(?)", (name,)).fetchall()
        assert found == columns[name]


def test_collations_are_read_from_the_right_place(imported: Any, database: Any) -> None:
    script = (
        "CREATE TABLE t (a COLLATE nocase, b /* COLLATE rtrim, */ TEXT, c CHECK (c COLLATE nocase <> 'x'),"
        " d COLLATE own)"
    )
    path = database("CREATE TABLE x (y)")
    with sqlite3.connect(path) as source:
        source.create_collation("own", lambda one, two: 0)
        source.execute(script)
    source.close()
    done = imported(path)
    assert done.rows("SELECT sql FROM sqlite_schema WHERE name = 't'") == [
        ('CREATE TABLE "t" ("a"  COLLATE NOCASE, "b" TEXT, "c" , "d" )',)
    ]


def test_the_source_stays_as_it_was(imported: Any, database: Any) -> None:
    path = database(CHINOOK)
    before = path.read_bytes()
    imported(path)
    assert path.read_bytes() == before


def test_a_database_in_wal_mode(imported: Any, tmp_path: Path) -> None:
    path = tmp_path / "wal.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE songs (title)")
    connection.execute("INSERT INTO songs VALUES ('Hello')")
    connection.commit()
    assert imported(path).rows() == [("Hello",)]
    copy = tmp_path / "copied.db"
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, copy)
    connection.close()
    assert imported(copy).rows() == [("Hello",)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_wal_database_in_a_read_only_folder(imported: Any, tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    folder.mkdir()
    connection = sqlite3.connect(folder / "wal.db")
    connection.executescript(
        "PRAGMA journal_mode = WAL; CREATE TABLE songs (title); INSERT INTO songs VALUES ('Hello')"
    )
    connection.close()
    folder.chmod(0o500)
    try:
        assert imported(folder / "wal.db").rows() == [("Hello",)]
    finally:
        folder.chmod(0o700)


def test_a_database_without_tables(imported: Any, database: Any) -> None:
    with pytest.raises(ImportRefusedError, match="no table"):
        imported(database("PRAGMA user_version = 3; CREATE VIEW v AS SELECT 1"))


def test_a_damaged_database(imported: Any, database: Any, tmp_path: Path) -> None:
    path = database("CREATE TABLE t (a); CREATE TABLE u (b)")
    with sqlite3.connect(path) as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 500)
    connection.close()
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(ImportRefusedError, match="damaged"):
        imported(path)
    assert not list(tmp_path.glob("library*"))


def test_a_database_that_another_program_writes(imported: Any, database: Any) -> None:
    path = database("CREATE TABLE t (a)")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ImportRefusedError, match="another program"):
        imported(path)
    connection.close()
