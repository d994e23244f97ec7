"""The ways to SQL side by side, with a model of this computer's model server: a Markdown table.

    python contrib/evaluation/compare.py LIBRARY FILE.jsonl... [--methods plan,first,chance,direct]

LIBRARY is a spreadsheet, imported here into a temporary folder. The model server is the one that familychat would use;
FAMILYCHAT_* variables choose another.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from familychat.consulting import ModelAccess
from familychat.llm.discovery import ServerChoice
from familychat.settings import config_path_from, load_settings
from familychat_music.engine import MusicEngine
from familychat_music.evaluation import Evaluation, Method, evaluate, read_questions
from familychat_music.importing import import_library
from familychat_music.index import build_index
from familychat_music.runner import Runner

NAMES = {
    Method.PLAN: "drafts, chosen by the model",
    Method.FIRST: "drafts, the likeliest by points alone",
    Method.CHANCE: "drafts, chosen by chance",
    Method.DIRECT: "the model alone, given the schema",
    Method.FREE: "free, with the engine's help",
    Method.AUTO: "auto",
}


async def compare(library: Path, files: list[Path], methods: list[Method]) -> list[tuple[Method, list[Evaluation]]]:
    """Every method over every file."""
    settings = load_settings({}, os.environ, config_path_from(os.environ))
    servers = ServerChoice(settings)
    with tempfile.TemporaryDirectory() as folder, Runner() as runner:
        database, index = Path(folder) / "library.db", Path(folder) / "library.index"
        import_library(library, database)
        build_index(database, index)
        engine = MusicEngine(database, index, runner)
        found = []
        for method in methods:
            access = ModelAccess(servers, lambda _name: None, wanted=None, default=settings.model)
            found.append((method, [await evaluate(read_questions(path), engine, access, method) for path in files]))
        engine.close()
    await servers.aclose()
    return found


def table(results: list[tuple[Method, list[Evaluation]]]) -> str:
    """One row per method, the files together."""
    lines = ["| way | questions | right rows | declined rightly | all right | SQL that ran | median |"]
    lines.append("|---|---|---|---|---|---|---|")
    for method, parts in results:
        answerable, right = sum(p.answerable for p in parts), sum(p.answered_right for p in parts)
        beyond, declined = sum(p.unanswerable for p in parts), sum(p.declined_right for p in parts)
        written, ran = sum(p.written for p in parts), sum(p.ran for p in parts)
        seconds = sorted(second for part in parts for second in part.seconds)
        lines.append(
            f"| {NAMES[method]} | {answerable + beyond} | {_share(right, answerable)} | {_share(declined, beyond)} | "
            f"{_share(right + declined, answerable + beyond)} | {_share(ran, written)} | "
            f"{seconds[len(seconds) // 2]:.3f} s |"
        )
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} ({part}/{whole})" if whole else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--methods", default="plan,first,chance,direct")
    arguments = parser.parse_args()
    methods = [Method(name) for name in arguments.methods.split(",")]
    print(table(asyncio.run(compare(arguments.library, arguments.files, methods))))


if __name__ == "__main__":
    main()
