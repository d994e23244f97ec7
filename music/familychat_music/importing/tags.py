"""What audio files say about themselves, in one vocabulary."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from familychat_music.importing.cells import Cell
from familychat_music.schema import Role

_ID3 = {
    "TIT2": Role.TITLE, "TPE1": Role.ARTIST, "TALB": Role.ALBUM, "TPE2": Role.ALBUM_ARTIST, "TCOM": Role.COMPOSER,
    "TEXT": Role.LYRICIST, "TCON": Role.GENRE, "TDRC": Role.RELEASE_DATE, "TDOR": Role.RELEASE_DATE,
    "TYER": Role.RELEASE_DATE, "TRCK": Role.TRACK, "TPOS": Role.DISC, "TBPM": Role.BPM, "TKEY": Role.KEY,
    "TLAN": Role.LANGUAGE, "TMOO": Role.MOOD, "TPUB": Role.LABEL, "COMM": Role.COMMENT,
}  # fmt: skip
_MP4 = {
    "\xa9nam": Role.TITLE, "\xa9ART": Role.ARTIST, "\xa9alb": Role.ALBUM, "aART": Role.ALBUM_ARTIST,
    "\xa9wrt": Role.COMPOSER, "\xa9gen": Role.GENRE, "\xa9day": Role.RELEASE_DATE, "trkn": Role.TRACK,
    "disk": Role.DISC, "tmpo": Role.BPM, "\xa9cmt": Role.COMMENT,
}  # fmt: skip
_VORBIS = {
    "title": Role.TITLE, "artist": Role.ARTIST, "album": Role.ALBUM, "albumartist": Role.ALBUM_ARTIST,
    "album artist": Role.ALBUM_ARTIST, "composer": Role.COMPOSER, "lyricist": Role.LYRICIST, "genre": Role.GENRE,
    "date": Role.RELEASE_DATE, "year": Role.RELEASE_DATE, "tracknumber": Role.TRACK, "discnumber": Role.DISC,
    "bpm": Role.BPM, "key": Role.KEY, "initialkey": Role.KEY, "language": Role.LANGUAGE, "mood": Role.MOOD,
    "label": Role.LABEL, "organization": Role.LABEL, "comment": Role.COMMENT, "description": Role.COMMENT,
}  # fmt: skip
_ASF = {
    "title": Role.TITLE, "author": Role.ARTIST, "wm/albumtitle": Role.ALBUM, "wm/albumartist": Role.ALBUM_ARTIST,
    "wm/composer": Role.COMPOSER, "wm/writer": Role.LYRICIST, "wm/genre": Role.GENRE, "wm/year": Role.RELEASE_DATE,
    "wm/tracknumber": Role.TRACK, "wm/partofset": Role.DISC, "wm/beatsperminute": Role.BPM,
    "wm/initialkey": Role.KEY, "wm/language": Role.LANGUAGE, "wm/mood": Role.MOOD, "wm/publisher": Role.LABEL,
    "description": Role.COMMENT,
}  # fmt: skip
_NAMES = {**_ID3, **_MP4, **_VORBIS, **_ASF}
MAX_TAG = 2_000
"""Characters of a tag that are kept."""
STUMBLES = (
    ValueError, TypeError, LookupError, AttributeError, EOFError, ArithmeticError, AssertionError, RecursionError,
    struct.error,
)  # fmt: skip
"""mutagen promises its own error only, but crafted files make it stumble in other ways too."""


class UnreadableError(Exception):
    """The file isn't the audio file that its name says."""


def read_tags(path: Path) -> dict[Role, Cell]:
    """The tags of an audio file, and its length, bitrate and size; ``UnreadableError`` if it can't be read."""
    import mutagen

    try:
        audio = mutagen.File(path)
        if audio is None or audio.info is None:
            raise UnreadableError(path.name)
        found = _named(audio.tags)
        found[Role.DURATION] = round(float(getattr(audio.info, "length", 0) or 0), 3) or None
        bitrate = getattr(audio.info, "bitrate", 0) or 0
        found[Role.BITRATE] = round(bitrate / 1000) or None
        found[Role.FILE_SIZE] = path.stat().st_size
    except (mutagen.MutagenError, OSError, *STUMBLES) as problem:
        raise UnreadableError(path.name) from problem
    return found


def _named(tags: Any) -> dict[Role, Cell]:
    """The tags that mean something to us; the first of several names for the same thing counts."""
    found: dict[Role, Cell] = {}
    for key, value in tags.items() if tags is not None else ():
        name = str(key)
        role = _NAMES.get(name) or _NAMES.get(name.partition(":")[0]) or _NAMES.get(name.lower())
        if role is not None and role not in found and (text := _text(value)):
            found[role] = text
    return found


def _text(value: Any) -> str:
    """A tag's values, joined by semicolons. A track given as (3, 12) is 3."""
    values = getattr(value, "genres", None) or getattr(value, "text", value)  # an ID3 genre may be a number
    if not isinstance(values, (list, tuple)):
        values = [values]
    texts = [str(one[0] or "") if isinstance(one, tuple) else str(one) for one in values]
    pieces = [piece.strip() for text in texts for piece in text.split("\0")]
    return "; ".join(dict.fromkeys(piece for piece in pieces if piece))[:MAX_TAG]
