"""Where an export goes: a file, a folder with one file for each conversation, a zip file, or standard output."""

from __future__ import annotations

import contextlib
import re
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from familychat.documents import ConversationDocument
from familychat.errors import FamilychatError, InvalidInputError
from familychat.export.formats import FORMATS, Format, format_named
from familychat.export.names import file_names, safe_name
from familychat.export.writing import make_folder, new_file, refuse_taken, translated
from familychat.wording import Text

STANDARD_OUTPUT = "-"
TOGETHER_NAME = "Conversations"
"""Of the file, the folder or the zip's member that holds several."""

_LOOKS_LIKE_A_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,7}")


class Place(Enum):
    """The kinds of target."""

    FILE = "file"
    FOLDER = "folder"
    ZIP = "zip"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Target:
    """A place and its path; standard output has none."""

    place: Place
    path: Path
    format: Format


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: ``files`` are all of them, ``target`` what a person opens."""

    target: Target
    conversations: int
    files: list[Path]


def target_for(to: str | None, format_name: str | None, titles: Sequence[str]) -> Target:
    """Where and how to write conversations of these titles, by what a person said; None: nothing was said.

    A path that ends in a format's suffix is a file, one that ends in .zip a zip file, any other a folder. Raises
    :class:`InvalidInputError` if that can't be.
    """
    wanted = format_named(format_name) if format_name else None
    path = _path(to) if to else None
    made = wanted or _guessed(path) or FORMATS["md"]
    single = made.together or len(titles) == 1
    if to == STANDARD_OUTPUT:
        target = Target(Place.OUTPUT, Path(to), made)
    elif path is None:
        name = safe_name(titles[0]) if len(titles) == 1 else TOGETHER_NAME
        target = (
            Target(Place.FILE, Path(name + made.suffix), made) if single else Target(Place.FOLDER, Path(name), made)
        )
    else:
        with translated(path):
            target = Target(_place(path, to or "", wanted), path, made)
    if target.place in {Place.FILE, Place.OUTPUT} and not single:
        raise InvalidInputError(
            Text(
                "One %(suffix)s file holds one conversation, and these are %(count)s. Nothing was written.",
                suffix=made.suffix,
                count=f"{len(titles):,}",
            ),
            "Name a folder or a .zip file, or choose json or csv.",
        )
    made.check()
    return target


def _path(to: str) -> Path:
    path = Path(to)
    with contextlib.suppress(RuntimeError):  # nobody is called that: then it is a name with a tilde
        path = path.expanduser()
    return path


def _guessed(path: Path | None) -> Format | None:
    names = (*FORMATS, *(other for made in FORMATS.values() for other in made.also))
    suffix = path.suffix.casefold().removeprefix(".") if path else ""
    return format_named(suffix) if suffix in names else None


def _place(path: Path, to: str, wanted: Format | None) -> Place:
    if path.is_dir() or to.endswith(("/", "\\")):
        return Place.FOLDER
    if path.suffix.casefold() == ".zip":
        return Place.ZIP
    if path.exists() or _guessed(path):
        return Place.FILE
    if not _LOOKS_LIKE_A_SUFFIX.fullmatch(path.suffix):
        return Place.FOLDER
    if wanted is None:
        raise InvalidInputError(
            Text("familychat can't write %(suffix)s files. Nothing was written.", suffix=path.suffix),
            Text("Choose one of %(formats)s with --format, or name a folder.", formats=", ".join(FORMATS)),
        )
    return Place.FILE


def write(
    target: Target,
    titles: Sequence[str],
    documents: Iterable[ConversationDocument],
    output: BinaryIO,
    *,
    replace: bool = False,
) -> Written:
    """Write the conversations, of which these are the titles; ``output`` is what is standard output.

    Only one of them is in memory at a time. Nothing that is there is replaced unless ``replace`` is said. Raises
    :class:`ConflictError` before anything is written, and a :class:`StoreError` if the disk is full or can't be
    written; then what has a name in a folder is whole, and a file or zip wasn't written at all.
    """
    if target.place is Place.FOLDER:
        files = _write_folder(target, titles, documents, replace=replace)
    elif target.place is Place.OUTPUT:
        with translated(Text("standard output")):
            output.writelines(target.format.pieces(documents))
            output.flush()
        files = []
    else:
        with new_file(target.path, replace=replace) as file:
            if target.place is Place.ZIP:
                _write_zip(target.format, titles, documents, file)
            else:
                file.writelines(target.format.pieces(documents))
        files = [target.path]
    return Written(target, len(titles), files)


def _names(made: Format, titles: Sequence[str]) -> list[str]:
    return file_names([TOGETHER_NAME] if _are_together(made, titles) else titles, made.suffix)


def _are_together(made: Format, titles: Sequence[str]) -> bool:
    return made.together and len(titles) > 1


def _files(
    made: Format, titles: Sequence[str], documents: Iterable[ConversationDocument]
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The name and the pieces of each file of a folder or a zip file."""
    names = _names(made, titles)
    groups = [documents] if _are_together(made, titles) else ([document] for document in documents)
    for name, group in zip(names, groups, strict=True):
        yield name, made.pieces(group)


def _write_folder(
    target: Target, titles: Sequence[str], documents: Iterable[ConversationDocument], *, replace: bool
) -> list[Path]:
    names = _names(target.format, titles)
    with translated(target.path):
        refuse_taken([target.path / name for name in names], replace=replace)
        make_folder(target.path)
    done: list[Path] = []
    try:
        for name, pieces in _files(target.format, titles, documents):
            with new_file(target.path / name, replace=replace) as file:
                file.writelines(pieces)
            done.append(target.path / name)
    except FamilychatError as error:
        if not done:
            raise
        kept = Text(
            "%(what)s %(count)s of %(all)s files had been written to %(path)s and are whole.",
            what=error.message,
            count=f"{len(done):,}",
            all=f"{len(names):,}",
            path=target.path,
        )
        raise type(error)(kept, error.hint) from error
    return done


def _write_zip(made: Format, titles: Sequence[str], documents: Iterable[ConversationDocument], file: BinaryIO) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, pieces in _files(made, titles, documents):
            info = zipfile.ZipInfo(name, time.localtime()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with archive.open(info, "w", force_zip64=True) as member:
                member.writelines(pieces)
