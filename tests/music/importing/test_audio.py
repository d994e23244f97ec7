"""Folders of audio files."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutagen
import mutagen.asf
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import mutagen.ogg
import mutagen.oggopus
import mutagen.oggvorbis
import pytest

from familychat.errors import ImportRefusedError

LIBRARY: Any = mutagen
"""The same library, whose functions have no types."""
MP3_FRAME = b"\xff\xfb\x90\x64" + b"\0" * 413
"""1152 samples of silence at 44,100 Hz, 128 kbit/s."""


def mp3(path: Path) -> None:
    path.write_bytes(MP3_FRAME * 100)
    tags = LIBRARY.id3.ID3()
    tags.add(LIBRARY.id3.TIT2(text="Hello"))
    tags.add(LIBRARY.id3.TPE1(text=["Adele", "Bono"]))
    tags.add(LIBRARY.id3.TALB(text="25"))
    tags.add(LIBRARY.id3.TRCK(text="3/12"))
    tags.add(LIBRARY.id3.TDRC(text="2015-11-20"))
    tags.add(LIBRARY.id3.TCON(text=["17", "Metal"]))
    tags.add(LIBRARY.id3.TCOM(text="Kurstin"))
    tags.add(LIBRARY.id3.COMM(lang="eng", desc="", text="nice"))
    tags.save(path)


def flac(path: Path) -> None:
    info = struct.pack(">HH", 4096, 4096) + b"\0" * 6
    info += ((44_100 << 44) | (1 << 41) | (15 << 36) | 44_100 * 7).to_bytes(8, "big") + b"\0" * 16
    path.write_bytes(b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info)
    audio = LIBRARY.flac.FLAC(path)
    audio.update({"title": "Joga", "artist": "Bjork", "album": "Homogenic", "date": "1997", "albumartist": "Bjork"})
    audio.save()


def ogg(path: Path, packets: list[bytes], position: int) -> None:
    pages = []
    for sequence, packet in enumerate(packets):
        page = LIBRARY.ogg.OggPage()
        page.packets, page.sequence, page.serial = [packet], sequence, 1
        page.first, page.last = sequence == 0, sequence == len(packets) - 1
        page.position = position if page.last else 0
        pages.append(page.write())
    path.write_bytes(b"".join(pages))


def vorbis(path: Path) -> None:
    head = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, 2, 44_100, 0, 128_000, 0, 0xB8, 1)
    comment = b"\x03vorbis" + struct.pack("<I", 1) + b"x" + struct.pack("<I", 0) + b"\x01"
    ogg(path, [head, comment, b"\x05vorbis" + b"\0" * 20, b"\0" * 10], 44_100 * 5)
    audio = LIBRARY.oggvorbis.OggVorbis(path)
    audio.update({"title": "Vespertine", "artist": "Bjork"})
    audio.save()


def opus(path: Path) -> None:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 1) + b"x" + struct.pack("<I", 0)
    ogg(path, [head, tags, b"\0" * 10], 48_000 * 4)
    audio = LIBRARY.oggopus.OggOpus(path)
    audio.update({"title": "Opus One", "artist": "Tommy"})
    audio.save()


def atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def m4a(path: Path) -> None:
    header = struct.pack(">IIIII", 0, 0, 0, 1000, 6000) + b"\0" * 80
    media = atom(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 1000, 6000, 0, 0))
    media += atom(b"hdlr", b"\0" * 8 + b"soun" + b"\0" * 13)
    sound = b"\0" * 6 + struct.pack(">HIIHHHHI", 1, 0, 0, 2, 16, 0, 0, 44_100 << 16)
    entry = atom(b"none", sound + atom(b"free", b""))
    table = atom(b"stbl", atom(b"stsd", struct.pack(">II", 0, 1) + entry))
    track = atom(b"trak", atom(b"mdia", media + atom(b"minf", table)))
    path.write_bytes(
        atom(b"ftyp", b"M4A \0\0\0\0M4A ") + atom(b"moov", atom(b"mvhd", header) + track) + atom(b"mdat", b"\0" * 50)
    )
    audio = LIBRARY.mp4.MP4(path)
    audio.add_tags()
    audio["\xa9nam"], audio["\xa9ART"], audio["trkn"] = ["Umbrella"], ["Rihanna"], [(2, 9)]
    audio.save()


def wma(path: Path) -> None:
    def part(identity: str, content: bytes) -> bytes:
        return bytes.fromhex(identity) + struct.pack("<Q", len(content) + 24) + content

    properties = (
        b"\0" * 16 + struct.pack("<QQQQQQ", 0, 0, 0, 90_000_000, 0, 1000) + struct.pack("<IIII", 0, 0, 0, 64_000)
    )
    parts = part("a1dcab8c47a9cf118ee400c00c205365", properties)
    extension = bytes.fromhex("11d2d3abbaa9cf118ee600c00c205365") + struct.pack("<HI", 6, 0)
    parts += part("b503bf5f2ea9cf118ee300c00c205365", extension)
    header = struct.pack("<IBB", 2, 1, 2) + parts
    path.write_bytes(part("3026b2758e66cf11a6d900aa0062ce6c", header))
    audio = LIBRARY.asf.ASF(path)
    audio.add_tags() if audio.tags is None else None
    audio["Title"], audio["Author"], audio["WM/AlbumTitle"] = ["Old Song"], ["Old Singer"], ["Old Album"]
    audio.save()


MAKERS: dict[str, tuple[Callable[[Path], None], tuple[object, ...]]] = {
    "mp3": (mp3, ("Hello", "Adele; Bono", 2.612)),
    "flac": (flac, ("Joga", "Bjork", 7)),
    "ogg": (vorbis, ("Vespertine", "Bjork", 5)),
    "opus": (opus, ("Opus One", "Tommy", 4)),
    "m4a": (m4a, ("Umbrella", "Rihanna", 6)),
    "wma": (wma, ("Old Song", "Old Singer", 8)),
}


@pytest.mark.parametrize("suffix", MAKERS)
def test_each_format(imported: Any, tmp_path: Path, suffix: str) -> None:
    make, expected = MAKERS[suffix]
    folder = tmp_path / "music" / "inner"
    folder.mkdir(parents=True)
    make(folder / f"one.{suffix.upper()}")
    done = imported(tmp_path / "music")
    ((title, artist, seconds, kind, path),) = done.rows(
        "SELECT title, artist, duration_seconds, format, path FROM songs"
    )
    assert (title, artist) == expected[:2]
    assert seconds == pytest.approx(expected[2], abs=0.1)
    assert (kind, path) == (suffix, f"inner/one.{suffix.upper()}")


def test_all_the_tags(imported: Any, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    mp3(folder / "one.mp3")
    flac(folder / "two.flac")
    done = imported(folder)
    assert done.report.source_kind == "audio"
    assert done.names == [
        "title", "artist", "album", "album_artist", "composer", "genre", "release_date", "year", "track",
        "duration_seconds", "comment", "bitrate", "file_size", "format", "path",
    ]  # fmt: skip
    columns = "album, album_artist, composer, genre, release_date, year, track, comment"
    assert done.rows(f"SELECT {columns} FROM songs") == [
        ("25", None, "Kurstin", "Rock; Metal", "2015-11-20", 2015, 3, "nice"),
        ("Homogenic", "Bjork", None, None, "1997", 1997, None, None),
    ]


def test_unreadable_files_are_named_and_skipped(imported: Any, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    mp3(folder / "good.mp3")
    (folder / "Untitled Song.mp3").write_bytes(MP3_FRAME * 50)
    (folder / "bad.mp3").write_bytes(b"nothing")
    (folder / "bad.flac").write_bytes(b"fLaC" + b"\xff" * 50)
    (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    os.mkfifo(folder / "pipe.mp3")
    (folder / "gone.ogg").symlink_to(folder / "nowhere.ogg")
    done = imported(folder)
    assert sorted(done.column("title")) == ["Hello", "Untitled Song"]
    assert done.report.notes == (
        "4 files could not be read and were left out: bad.flac, bad.mp3, gone.ogg, pipe.mp3.",
        "1 file has no title tag; the file's name stands in for it.",
    )


@pytest.mark.parametrize("suffix", MAKERS)
@pytest.mark.parametrize("seed", range(8))
def test_damaged_files_never_stop_an_import(imported: Any, tmp_path: Path, suffix: str, seed: int) -> None:
    import random

    folder = tmp_path / "music"
    folder.mkdir()
    mp3(folder / "good.mp3")
    for number in range(25):
        path = folder / f"bad-{number}.{suffix}"
        MAKERS[suffix][0](path)
        content = bytearray(path.read_bytes())
        chance = random.Random(f"{seed} {number}")
        for _ in range(1 + number):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.randrange(1, len(content) + 1)])
    assert "Hello" in imported(folder).column("title")


def test_folders_without_audio(imported: Any, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    with pytest.raises(ImportRefusedError, match="no audio files"):
        imported(folder)
    (folder / "bad.mp3").write_bytes(b"nothing")
    with pytest.raises(ImportRefusedError, match="None of the audio files"):
        imported(folder)
