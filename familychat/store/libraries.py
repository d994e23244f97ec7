"""Music libraries: their names and versions. The songs themselves are files of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from familychat.clock import new_id
from familychat.models import MusicLibrary
from familychat.store.database import Database, Row

_COLUMNS = "id, name, version, source, source_path, songs, report, created_at, updated_at"


def _library(row: Row) -> MusicLibrary:
    values = dict(row) | {"report": json.loads(row["report"])}
    return MusicLibrary(**values)


class LibraryStore:
    """Rows of ``libraries``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[MusicLibrary]:
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM libraries ORDER BY name_key")  # noqa: S608
        return [_library(row) for row in rows]

    def by_name(self, name: str) -> MusicLibrary | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM libraries WHERE name_key = ?", [name.casefold()])  # noqa: S608
        return _library(row) if row else None

    def put(
        self, library: MusicLibrary | None, *, name: str, source: str, source_path: str, songs: int,
        report: Mapping[str, Any], at: str,
    ) -> MusicLibrary:  # fmt: skip
        """Add a library (None), or give one its next version."""
        values = [source, source_path, songs, json.dumps(report, ensure_ascii=False), at]
        if library is None:
            self._database.execute(
                "INSERT INTO libraries (id, name, name_key, version, source, source_path, songs, report, updated_at, "
                "created_at) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
                [new_id(), name, name.casefold(), *values, at],
            )
        else:
            self._database.execute(
                "UPDATE libraries SET version = version + 1, source = ?, source_path = ?, songs = ?, report = ?, "
                "updated_at = ? WHERE id = ?",
                [*values, library.id],
            )
        found = self.by_name(name)
        assert found is not None  # noqa: S101 -- just written
        return found

    def rename(self, library_id: str, name: str) -> None:
        self._database.execute(
            "UPDATE libraries SET name = ?, name_key = ? WHERE id = ?", [name, name.casefold(), library_id]
        )

    def remove(self, library_id: str) -> None:
        self._database.execute("DELETE FROM libraries WHERE id = ?", [library_id])
