"""A question on libraries of 10,000, 200,000 and 1,000,000 songs: link, draft, guard and run.

Everyday questions on the same kind of list, each asked several times; the model's part is left out, since it doesn't
depend on the library's size.
"""

from __future__ import annotations

import asyncio
import csv
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from importing import HEADER, songs
from measuring import Row, finish, median, report

from familychat_music.engine import MusicEngine
from familychat_music.importing import import_library
from familychat_music.index import build_index
from familychat_music.runner import Runner

SIZES = (10_000, 200_000, 1_000_000)
REPETITIONS = 3
BOUND_MS = 25.0
GROWTH_BOUND = 50.0
"""Of the time from the smallest library to the largest, which is a hundred times as large."""

QUESTIONS = (
    "which song by {artist} is the longest?",
    "how many songs by {artist}",
    "songs by {misspelt} from the nineties",
    "top 5 most popular rock songs by {artist}",
    "who sings {title}",
    "average length of songs by {artist}",
    "how many songs per genre",
    "how long is {title}",
    "what genre is {title}",
    "songs by {artist} longer than five minutes but not live ones",
)


def titled(count: int) -> Iterator[tuple[object, ...]]:
    """The songs of the import's benchmark, each title made of one to four of 20,000 words."""
    chance = random.Random(11)
    parts = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u")]
    vocabulary = ["".join(chance.choices(parts, k=chance.randint(2, 4))) for _ in range(20_000)]
    for song in songs(count):
        yield (" ".join(chance.choices(vocabulary, k=chance.randint(1, 4))).title(), *song[1:])


async def ask_all(size: int, folder: Path) -> list[float]:
    """The median milliseconds of each question on a library of this size."""
    source, library, index = (folder / f"{size}.{ending}" for ending in ("csv", "db", "index"))
    rows = list(titled(size))
    with source.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        out.writerows(rows)
    import_library(source, library)
    build_index(library, index)
    title, artist = str(rows[size // 2][HEADER.index("track_name")]), str(rows[size // 2][HEADER.index("artist")])
    names = {"artist": artist, "title": title, "misspelt": artist[:2] + artist[3:]}
    taken = []
    with Runner() as runner:
        engine = MusicEngine(library, index, runner)
        for question in QUESTIONS:
            times = [await _ask(engine, question.format(**names)) for _ in range(REPETITIONS)]
            taken.append(median(times))
        engine.close()
    return taken


async def _ask(engine: MusicEngine, question: str) -> float:
    began = time.perf_counter()
    drafts = engine.propose(question).drafts
    if drafts[0].sql is not None:
        await engine.run(drafts[0].sql)
    return (time.perf_counter() - began) * 1000


def main() -> list[Row]:
    """The median of the questions on each size, and how it grows."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            taken = asyncio.run(ask_all(size, Path(folder)))
            bound = BOUND_MS if size == 200_000 else None
            found.append(Row(f"a question on {size:,} songs, median", median(taken), "ms", bound))
    growth = found[-1].value / found[0].value
    found.append(Row("growth from 10,000 to 1,000,000 (in proportion: 100)", growth, "times", GROWTH_BOUND))
    return report("Questions on music libraries", found)


if __name__ == "__main__":
    finish(main())
