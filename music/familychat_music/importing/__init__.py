"""From a spreadsheet, a database or a folder of audio files to a music library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from familychat_music.importing.report import ColumnReport, ImportOptions, ImportReport, OddCell, TableReport

__all__ = [
    "ColumnReport",
    "ImportOptions",
    "ImportReport",
    "OddCell",
    "Progress",
    "TableReport",
    "import_library",
]

Progress = Callable[[int, float | None], None]
"""Hears how many rows are in, and how much of the file that is (0 to 1, None if unknown). It may raise to stop."""

_NO_OPTIONS = ImportOptions()


def import_library(
    source: Path,
    destination: Path,
    options: ImportOptions = _NO_OPTIONS,
    *,
    progress: Progress | None = None,
) -> ImportReport:
    """Read a music list into a new library file.

    ``source`` is a workbook (xlsx, xlsb, xls, ods), a text with separated cells (csv, tsv), an SQLite database or a
    folder of audio files; what it is shows in its content, not in its name. ``destination`` must not exist yet. It
    appears only when it is complete: until then the rows go to a file beside it, ``.part`` added to the name, which is
    taken away if anything fails, an exception from ``progress`` included. ``progress`` is called a few times a second.

    Raises ImportRefusedError.
    """
    from familychat_music.importing.importer import run_import

    return run_import(source, destination, options, progress)
