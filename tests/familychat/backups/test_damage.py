"""Files that are damaged, no backups, or made to do harm: refused in plain words, and nothing is touched."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import re
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from familychat.backups import verify
from familychat.backups.archive import Source, write
from familychat.backups.encryption import Cost
from familychat.errors import (
    FamilychatError,
    InvalidInputError,
    SettingsError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreTooNewError,
)

PASSPHRASE = "quiet little river"
QUICK = Cost(log2_n=14)
SOMEBODY = "0198c0de-0000-7000-8000-000000000000"


@pytest.fixture
def untouched(place: Any) -> Callable[..., str]:
    """Tries to verify and to restore a file; both must be refused, with nothing changed. Returns the message."""

    def attempt(path: Path, kind: type[FamilychatError], passphrase: str | None = None) -> str:
        before = place.files()
        with pytest.raises(kind) as verified:
            verify(place.data_dir, path, passphrase)
        with pytest.raises(kind) as restored:
            place.restore(path, passphrase)
        assert place.files() == before
        assert not (place.data_dir / "backup-work").exists()
        said = [re.sub(r"[\d,]+ MB are free", "some are free", str(one.value)) for one in (verified, restored)]
        assert said[0] == said[1]
        assert "Nothing was changed" in str(restored.value) or kind is InvalidInputError
        return str(restored.value)

    return attempt


@pytest.fixture
def sealed(place: Any, tmp_path: Path) -> Path:
    """An encrypted backup whose passphrase is quick to check."""
    made = place.create()
    path = tmp_path / "sealed.fcbackup"
    with zipfile.ZipFile(made.path) as archive, path.open("wb") as file:
        sources = [Source(one.name, io.BytesIO(archive.read(one.name)), one.size) for one in made.manifest.files]
        write(file, sources, made.manifest, passphrase=PASSPHRASE, cost=QUICK)
    return path


# -- accidents


@pytest.mark.parametrize("part", [0, 1, 4, 30, 0.1, 0.5, 0.9, 0.999])
def test_cut_off(place: Any, untouched: Callable[..., str], part: float) -> None:
    path = place.create().path
    content = path.read_bytes()
    path.write_bytes(content[: int(part if part >= 1 else part * len(content))])
    assert "can't be used" in untouched(path, StoreCorruptError)


@pytest.mark.parametrize("size", [8, 40, 67, 70, 1000, -1])
def test_cut_off_and_encrypted(sealed: Path, untouched: Callable[..., str], size: int) -> None:
    sealed.write_bytes(sealed.read_bytes()[:size])
    assert "can't be used" in untouched(sealed, StoreCorruptError, PASSPHRASE)


def test_any_flipped_byte_is_found_or_does_no_harm(place: Any) -> None:
    """Nothing but a zip's own remarks (such as the time of day of an entry) may differ unseen."""
    made = place.create()
    content = bytearray(made.path.read_bytes())
    refused = 0
    positions = range(0, len(content), max(1, len(content) // 250))
    for position in (*positions, *range(len(content) - 60, len(content))):
        content[position] ^= 0x41
        made.path.write_bytes(content)
        content[position] ^= 0x41
        try:
            found = verify(place.data_dir, made.path)
        except (StoreCorruptError, StoreTooNewError):
            refused += 1
        else:
            assert found.manifest == made.manifest
    assert refused > len(positions) * 0.8


def test_any_flipped_byte_of_an_encrypted_one_is_found(place: Any, sealed: Path) -> None:
    content = bytearray(sealed.read_bytes())
    for position in (*range(0, len(content), 400), *range(len(content) - 20, len(content))):
        content[position] ^= 0x41
        sealed.write_bytes(content)
        content[position] ^= 0x41
        with pytest.raises((StoreCorruptError, InvalidInputError)):
            verify(place.data_dir, sealed, PASSPHRASE)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0photo", b"SQLite format 3\0" * 9, b"PK\x03\x04"])
def test_not_a_backup(tmp_path: Path, untouched: Callable[..., str], content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    assert "can't be used" in untouched(path, StoreCorruptError)


def test_not_even_a_file(place: Any, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no-such"):
        with pytest.raises(StoreError, match="can't be read"):
            place.restore(path)
        with pytest.raises(StoreError, match="can't be read"):
            verify(place.data_dir, path)


# -- passphrases


def test_wrong_missing_and_needless_passphrases(place: Any, sealed: Path, untouched: Callable[..., str]) -> None:
    assert "doesn't fit" in untouched(sealed, InvalidInputError, "loud big river")
    assert "is encrypted" in untouched(sealed, InvalidInputError)
    assert "isn't encrypted" in untouched(place.create().path, InvalidInputError, PASSPHRASE)


# -- made by somebody who means harm, or by a newer version


class Forger:
    """A backup as it should be, and every way to make it otherwise."""

    def __init__(self, place: Any, tmp_path: Path) -> None:
        made = place.create()
        with zipfile.ZipFile(made.path) as archive:
            self.files = {one.name: archive.read(one.name) for one in made.manifest.files}
        made.path.unlink()
        self.manifest: dict[str, Any] = dataclasses.asdict(made.manifest)
        self.path = tmp_path / "forged.fcbackup"

    def write(self, change: Callable[[zipfile.ZipFile], object] = lambda _: None) -> Path:
        """With hashes that are right, whatever the files hold."""
        listed = [
            {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in self.files.items()
        ]
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
            archive.writestr("manifest.json", json.dumps({"files": listed} | {
                key: value for key, value in self.manifest.items() if key != "files"
            }))  # fmt: skip
            change(archive)
        return self.path

    def in_database(self, *statements: str) -> None:
        connection = sqlite3.connect(":memory:")
        with closing(connection):
            connection.deserialize(self.files["database.db"])
            for statement in statements:
                connection.execute(statement)
            connection.commit()
            self.files["database.db"] = connection.serialize()


@pytest.fixture
def forger(place: Any, tmp_path: Path) -> Forger:
    return Forger(place, tmp_path)


def test_the_forger_knows_the_trade(place: Any, forger: Forger) -> None:
    place.restore(forger.write())
    assert place.state()[0] == ["first"]


@pytest.mark.parametrize(
    "name",
    ["../outside.db", "/tmp/outside.db", "music/../../outside.db", f"music/{SOMEBODY}/../1.db", "C:\\outside.db",
     f"music/{SOMEBODY}/1.index", f"music/{SOMEBODY}/0.db", f"music/{SOMEBODY}/1.db/", "..", "terminal-session",
     "running/x.lock", "DATABASE.DB"],
)  # fmt: skip
@pytest.mark.parametrize("listed", [True, False])
def test_names_that_lead_elsewhere(
    forger: Forger, untouched: Callable[..., str], tmp_path: Path, name: str, listed: bool
) -> None:
    before = set(tmp_path.iterdir()) | {forger.path}
    if listed:
        forger.files[name] = b"SQLite format 3\0"
        forger.write()
    else:
        forger.write(lambda archive: archive.writestr(name, b"x"))
    untouched(forger.path, StoreCorruptError)
    assert set(tmp_path.iterdir()) == before
    assert not Path("/tmp/outside.db").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_twice(forger: Forger, untouched: Callable[..., str]) -> None:
    path = forger.write(lambda archive: archive.writestr("database.db", b"another"))
    assert "doesn't hold what a backup holds" in untouched(path, StoreCorruptError)


def test_a_link_is_never_made(place: Any, forger: Forger, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("settings.toml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    secret = tmp_path / "secret"
    secret.write_text('model = "leaked"')
    target = os.fsencode(secret)
    forger.files["settings.toml"] = target
    forger.write()
    with zipfile.ZipFile(forger.path) as archive:
        manifest = archive.read("manifest.json")
    with zipfile.ZipFile(forger.path, "w") as archive:
        for name in forger.files:
            archive.writestr(link if name == "settings.toml" else name, forger.files[name])
        archive.writestr("manifest.json", manifest)
    with pytest.raises(SettingsError, match="settings in the backup can't be used"):
        place.restore(forger.path)
    assert place.settings()["model"] == "maker/tiny"


def test_more_than_the_disk_holds(forger: Forger, untouched: Callable[..., str]) -> None:
    endless = 10**16
    forger.write()
    with zipfile.ZipFile(forger.path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    for entry in manifest["files"]:
        if entry["name"] == "database.db":
            entry["size"] = endless
    with zipfile.ZipFile(forger.path, "w") as archive:
        for name, content in forger.files.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.getinfo("database.db").file_size = endless
    assert "are free" in untouched(forger.path, StoreFullError)


def test_a_bomb_goes_off_nowhere(forger: Forger, untouched: Callable[..., str], tmp_path: Path) -> None:
    """Zeros pack a thousand to one: seen in the first block, and never more bytes than were announced."""
    forger.files["database.db"] = bytes(50_000_000)
    assert forger.write().stat().st_size < 300_000
    assert "isn't a database" in untouched(forger.path, StoreCorruptError)


def test_more_bytes_than_announced(forger: Forger, untouched: Callable[..., str]) -> None:
    forger.write()
    with zipfile.ZipFile(forger.path) as archive:
        manifest = archive.read("manifest.json")
    size = len(forger.files["database.db"])
    with zipfile.ZipFile(forger.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in forger.files.items():
            archive.writestr(name, content + bytes(10_000_000) if name == "database.db" else content)
        archive.writestr("manifest.json", manifest)
        archive.getinfo("database.db").file_size = size
    untouched(forger.path, StoreCorruptError)


def test_other_content_of_the_same_size(forger: Forger, untouched: Callable[..., str]) -> None:
    forger.write()
    with zipfile.ZipFile(forger.path) as archive:
        manifest = archive.read("manifest.json")
    forger.in_database("UPDATE sign_in_failures SET subject = 'tsrif'")
    with zipfile.ZipFile(forger.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in forger.files.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", manifest)
    assert "database.db isn't what was saved" in untouched(forger.path, StoreCorruptError)


def test_files_on_top_of_each_other(forger: Forger, untouched: Callable[..., str]) -> None:
    """Many entries that share one packed stretch are how a small zip becomes an endless one."""
    packed = os.urandom(30_000)
    first = f"music/{SOMEBODY}/1.db"

    def overlap(archive: zipfile.ZipFile) -> None:
        archive.writestr(zipfile.ZipInfo(first), packed)
        original = archive.getinfo(first)
        for number in range(2, 50):
            entry = zipfile.ZipInfo(f"music/{SOMEBODY}/{number}.db")
            entry.header_offset, entry.CRC = original.header_offset, original.CRC
            entry.compress_size = entry.file_size = len(packed)
            archive.filelist.append(entry)
            archive.NameToInfo[entry.filename] = entry

    assert "on top of each other" in untouched(forger.write(overlap), StoreCorruptError)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_packed_otherwise(forger: Forger, untouched: Callable[..., str], method: int) -> None:
    path = forger.write(lambda archive: archive.writestr(f"music/{SOMEBODY}/1.db", b"x" * 99, method))
    assert "packed in a way" in untouched(path, StoreCorruptError)


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"format": "familychat backup", "version": 1}',
     b'{"format": "something else", "version": 1}', b'{"format": 1}', b" " * 5_000_000],
    ids=["nothing", "empty", "list", "null", "no letters", "deep", "half", "another's", "a number", "endless"],
)  # fmt: skip
def test_a_list_of_contents_that_is_none(
    forger: Forger, untouched: Callable[..., str], manifest: bytes, tmp_path: Path
) -> None:
    with zipfile.ZipFile(forger.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in forger.files.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", manifest)
    assert "list of contents" in untouched(forger.path, StoreCorruptError)


def test_a_newer_format(forger: Forger, untouched: Callable[..., str]) -> None:
    forger.manifest |= {"version": 2, "migrations": "written otherwise then"}
    assert "Update familychat first" in untouched(forger.write(), StoreTooNewError)


def test_a_newer_database(forger: Forger, untouched: Callable[..., str]) -> None:
    forger.in_database("INSERT INTO _sqlite_migrations VALUES (99, 'familychat', 'm999_future', '2030')")
    forger.manifest["migrations"] = [*forger.manifest["migrations"], "m999_future"]
    assert "m999_future" in untouched(forger.write(), StoreTooNewError)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM _sqlite_migrations", "isn't a familychat database"),
        (
            "INSERT INTO extensions VALUES ('e', 'nobody', 'hours', NULL, NULL, '2026', '2026')",
            "points to a missing users",
        ),
        ("DELETE FROM _sqlite_migrations WHERE name LIKE 'm004%'", "isn't the one that it lists"),
        ("DELETE FROM libraries", "music that its database doesn't know"),
        ("UPDATE libraries SET version = 7", "a music library is missing"),
        ("UPDATE libraries SET id = '../../../etc'", "a music library is missing"),
    ],
)
def test_a_database_that_is_wrong(forger: Forger, untouched: Callable[..., str], statement: str, words: str) -> None:
    forger.in_database(statement)
    assert words in untouched(forger.write(), StoreCorruptError)


def test_a_database_damaged_inside(forger: Forger, untouched: Callable[..., str]) -> None:
    content = forger.files["database.db"]
    forger.files["database.db"] = content[:4096] + b"\xff" * 8192 + content[12288:]
    assert "its database is damaged" in untouched(forger.write(), StoreCorruptError)


@pytest.mark.parametrize(
    "content", [b"model = ", b"\xff", b'no_such = "setting"', b'[server]\nkind = "strange"\n', b"[a.b.c]\nd = 1\n"]
)
def test_settings_that_cannot_be_used(place: Any, forger: Forger, content: bytes) -> None:
    forger.files["settings.toml"] = content
    before = place.files()
    with pytest.raises(SettingsError, match=r"settings in the backup can't be used. Nothing was changed"):
        place.restore(forger.write())
    assert place.files() == before
    assert not place.restore(forger.path, settings=False).settings
