"""What the tests of backups share: a small household with something in it, and a look at what it holds."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from familychat.backups import BackupOptions, Made, Restored, create, default_folder, restore
from familychat.household import Household
from familychat.settings import Settings
from familychat.store.database import Database
from familychat.store.libraries import LibraryStore

State = tuple[list[str], dict[str, str], dict[str, Any], dict[str, str]]


@dataclass(frozen=True)
class Place:
    """A data folder and a settings file."""

    root: Path

    @property
    def data_dir(self) -> Path:
        return self.root / "data"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    @property
    def database(self) -> Path:
        return self.data_dir / "familychat.db"

    def put(self, *subjects: str) -> None:
        """Let the database hold exactly these words."""
        with Database(self.database) as database:
            database.execute("DELETE FROM sign_in_failures")
            for subject in subjects:
                database.insert("sign_in_failures", {"subject": subject, "failures": 1, "last_failed_at": "x"})

    def music(self, name: str, song: str) -> Path:
        """Bring in a library with this one song, or its next version; returns the file."""
        with Database(self.database) as database:
            store = LibraryStore(database)
            found = store.put(
                store.by_name(name), name=name, source="x", source_path="/x", songs=1, report={}, at="2026"
            )
        path = self.data_dir / "music" / found.id / f"{found.version}.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE songs (title)")
            connection.execute("INSERT INTO songs VALUES (?)", [song])
        return path

    def task(self, name: str, text: str) -> Path:
        """Let a file among the household's own tasks hold exactly this."""
        path = self.data_dir / "tasks" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(text)
        return path

    def start(self) -> None:
        """Open the household and close it again."""
        Household(Settings(data_dir=self.data_dir)).close()

    def state(self) -> State:
        """The words, the song of each library, the settings, and the household's own tasks."""
        with Database(self.database) as database:
            words = [row["subject"] for row in database.rows("SELECT subject FROM sign_in_failures ORDER BY subject")]
            songs = {}
            for library in LibraryStore(database).all():
                path = self.data_dir / "music" / library.id / f"{library.version}.db"
                songs[library.name] = song_in(path) if path.exists() else "gone"
        tasks = {path.name: path.read_text() for path in (self.data_dir / "tasks").glob("*.toml") if path.is_file()}
        return words, songs, self.settings(), tasks

    def settings(self) -> dict[str, Any]:
        return tomllib.loads(self.config.read_text()) if self.config.exists() else {}

    def create(self, passphrase: str | None = None, **options: Any) -> Made:
        chosen = BackupOptions(passphrase=passphrase, **options)
        return create(self.data_dir, self.config, default_folder(self.data_dir), chosen)

    def restore(self, path: Path, passphrase: str | None = None, **options: Any) -> Restored:
        return restore(self.data_dir, self.config, path, passphrase, **options)

    def copy(self, name: str) -> Place:
        """The same household once more, from where it can go its own way."""
        shutil.copytree(self.root, self.root.with_name(name))
        return Place(self.root.with_name(name))

    def files(self) -> dict[str, bytes]:
        """Every file, without those that only say who is busy."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and path.suffix != ".lock" and not path.name.endswith(("-shm", "-wal"))
        }


def song_in(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT title FROM songs").fetchone()[0])


@pytest.fixture
def make_place(tmp_path: Path) -> Callable[[str], Place]:
    """Names a place where nothing is yet."""

    def make(name: str) -> Place:
        (tmp_path / name).mkdir()
        return Place(tmp_path / name)

    return make


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    """A household with the word ``first``, the library ``Grandma`` and settings with a secret."""
    place = make_place("home")
    place.put("first")
    place.music("Grandma", "Waltz")
    place.config.write_text('model = "maker/tiny"\n# old: sk-older\n[server]\nkind = "openai"\napi_key = "sk-secret"\n')
    return place
