"""The link index: the keys that SQLite makes for plain names are the ones that Python makes for any."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from familychat_music.index import build_index
from familychat_music.text import ARTICLES, base_text, link_key

NAMES = st.one_of(
    st.text(alphabet="abdeflntTAN 017", min_size=1, max_size=20),
    st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text),
    st.builds(" ".join, st.lists(st.sampled_from([*ARTICLES, "The", "n", "feat", "ft", "Rose", "$un", "(live)", "-"]))),
)


def entries(folder: Path, values: list[str], index: str) -> dict[str, tuple[str, str | None, int]]:
    """The keys, the keys of the bare names, and the uses that an index of these titles has."""
    library, target = folder / "library.db", folder / "library.index"
    library.unlink(missing_ok=True)
    with closing(sqlite3.connect(library)) as connection, connection:
        connection.execute("CREATE TABLE songs (id INTEGER PRIMARY KEY, title TEXT)")
        connection.executemany("INSERT INTO songs (title) VALUES (?)", [(value,) for value in values])
        connection.execute(index)
    build_index(library, target)
    with closing(sqlite3.connect(target)) as connection:
        return {row[0]: row[1:] for row in connection.execute("SELECT text, key, base, uses FROM linked_value")}


@settings(max_examples=60, deadline=None)
@example(["The n Roll", "Rock n Roll", "A Gift ", "the", "The  Wall", "A", " a b", "Soft ft Ann", "ABBA", "$un"])
@given(st.lists(NAMES.filter(bool), min_size=1, max_size=30))
def test_both_ways_of_making_keys_give_the_same(tmp_path_factory: object, values: list[str]) -> None:
    folder = Path(tmp_path_factory.mktemp("index"))  # type: ignore[attr-defined]
    wanted = {}
    for value in values:
        base = base_text(value)
        bare = None if base == value else link_key(base) or None
        wanted[value] = (link_key(value), bare, values.count(value))
    assert entries(folder, values, "CREATE INDEX songs_title ON songs (title)") == wanted
    assert entries(folder, values, "SELECT 1") == wanted
