"""What can't be taken is refused with a reason, quickly, and leaves nothing behind."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from familychat.errors import ImportRefusedError
from familychat_music.importing import import_library


@pytest.mark.parametrize("rows", [(), ((),), (("", " "),)])
def test_an_empty_list(imported: Any, csv_file: Any, xlsx_file: Any, rows: Any) -> None:
    with pytest.raises(ImportRefusedError, match="empty"):
        imported(xlsx_file(*rows))
    with pytest.raises(ImportRefusedError, match=r"empty|not a table"):
        imported(csv_file(*rows))


def test_headings_without_songs(imported: Any, csv_file: Any, xlsx_file: Any) -> None:
    for path in (csv_file(("Title", "Artist")), xlsx_file(("Title", "Artist"), ())):
        with pytest.raises(ImportRefusedError, match="no songs below"):
            imported(path)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("list.csv", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 20, "JPEG picture"),
        ("list.xlsx", b"%PDF-1.4\n%\xe2\xe3", "PDF"),
        ("list.csv", bytes(range(256)) * 100, "not a text"),
        ("list.xls", b"<html><table><tr><td>Title</td></tr></table></html>", "web page"),
        ("list.csv", b"Dear diary,\nthis is only a letter.\nNothing more", "not a table"),
        ("list.xlsx", b"PK\x03\x04 and then rubbish", "damaged"),
        ("list.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "not a spreadsheet"),
        ("song.mp3", b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\0" * 50, "audio file.*folder"),
        ("list.db", b"SQLite format 3\0" + b"\xff" * 200, "damaged"),
        ("list.csv", b"", "is empty"),
    ],
)
def test_other_files(imported: Any, tmp_path: Path, name: str, content: bytes, match: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportRefusedError, match=match) as caught:
        imported(path)
    assert "The library stays as it was." in caught.value.message
    assert caught.value.hint.endswith(".")


def test_another_office_document(imported: Any, tmp_path: Path) -> None:
    path = tmp_path / "letter.docx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("word/document.xml", "<w/>")
    with pytest.raises(ImportRefusedError, match="not a spreadsheet"):
        imported(path)


def test_a_damaged_workbook(imported: Any, xlsx_file: Any) -> None:
    path = xlsx_file(("Title", "Artist"), ("Hello", "Adele"))
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 2] = b"\0" * (len(content) // 2 - len(content) // 3)
    path.write_bytes(content)
    with pytest.raises(ImportRefusedError, match="damaged"):
        imported(path)


def test_passwords(imported: Any, tmp_path: Path, ole_file: Any, ods_file: Any) -> None:
    path = tmp_path / "secret.xlsx"
    path.write_bytes(ole_file("EncryptedPackage", b"x" * 5000))
    locked = ods_file(("Title",), manifest="<manifest><encryption-data/></manifest>")
    for one in (path, locked):
        with pytest.raises(ImportRefusedError, match="password"):
            imported(one)


def test_a_missing_file_and_a_taken_destination(tmp_path: Path, csv_file: Any) -> None:
    with pytest.raises(ImportRefusedError, match="no file"):
        import_library(tmp_path / "none.csv", tmp_path / "library.db")
    there = tmp_path / "there.db"
    there.write_text("kept")
    with pytest.raises(ImportRefusedError, match="already"):
        import_library(csv_file(("Title", "Artist"), ("a", "b")), there)
    assert there.read_text() == "kept"


def test_a_missing_folder_for_the_library(tmp_path: Path, csv_file: Any) -> None:
    with pytest.raises(ImportRefusedError, match=r"could not be written|stopped"):
        import_library(csv_file(("Title", "Artist"), ("a", "b")), tmp_path / "no" / "library.db")


def test_pipes_and_devices_are_not_opened(imported: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "songs.csv"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(ImportRefusedError, match="neither a file nor a folder"):
            imported(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(imported: Any, csv_file: Any) -> None:
    path = csv_file(("Title", "Artist"), ("a", "b"))
    path.chmod(0)
    with pytest.raises(ImportRefusedError, match="can't be read"):
        imported(path)


def test_nul_bytes_are_left_out(imported: Any, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_bytes(b"Title,Artist\nHel\0lo,Adele\n" + b"Joga,Bjork\n" * 50)
    assert imported(path).column("title")[0] == "Hello"


def test_a_quotation_mark_that_is_never_closed(imported: Any, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_text('Title,Artist\nHello,Adele\n"Joga,Bjork\n' + "a,b\n" * 60_000, encoding="utf-8")
    with pytest.raises(ImportRefusedError, match="quotation mark"):
        imported(path)
