"""How long ``familychat --help`` takes as a whole process, against a hello-world Typer app in the same run.

Both are small scripts, as an installed command is, run by the same interpreter. Their bytecode is cached in a folder of
its own, as after an installation, whatever the environment says about it. ``--explain`` lists the slowest imports.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import Row, finish, median, report

REPETITIONS = 15
EXPLAINED = 10
OURS = """
from familychat_cli.main import main

main()
"""
HELLO = '''
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    """Say hello."""
    print(f"Hello {name}")


app()
'''


def environment(folder: Path) -> dict[str, str]:
    """This process's environment, with bytecode cached in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def command(folder: Path, name: str, source: str, *flags: str) -> list[str]:
    """Write a script, and say how to ask it for its help."""
    script = folder / name
    script.write_text(source)
    return [sys.executable, *flags, str(script), "--help"]


def seconds(arguments: list[str], env: dict[str, str]) -> float:
    """Wall-clock seconds of one process."""
    began = time.perf_counter()
    subprocess.run(arguments, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> list[Row]:
    """Run the two in turn and compare their medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = environment(folder)
        ours, theirs = command(folder, "familychat", OURS), command(folder, "hello", HELLO)
        for warming in (ours, theirs):
            seconds(warming, env)
        pairs = [(seconds(ours, env), seconds(theirs, env)) for _ in range(REPETITIONS)]
    return report(
        "familychat --help",
        [
            Row("familychat --help", median([one for one, _ in pairs]) * 1000, "ms"),
            Row("hello-world Typer app --help", median([two for _, two in pairs]) * 1000, "ms"),
            Row("ratio (median of pairs)", median([one / two for one, two in pairs]), "times", 1.5),
        ],
    )


def imports(text: str) -> list[tuple[float, float, str]]:
    """What ``-X importtime`` wrote: own milliseconds, milliseconds with what it imports, module."""
    lines = [line.removeprefix("import time:").split("|") for line in text.splitlines() if line.count("|") == 2]
    return [(int(own) / 1000, int(total) / 1000, name.strip()) for own, total, name in lines if own.strip().isdigit()]


def slowest(source: str, name: str) -> None:
    """Print the modules of one script that cost most by themselves."""
    with tempfile.TemporaryDirectory() as folder:
        env = environment(Path(folder))
        arguments = command(Path(folder), name, source, "-X", "importtime")
        runs = [subprocess.run(arguments, env=env, capture_output=True, check=True) for _ in range(2)]
    found = imports(runs[-1].stderr.decode())
    print(f"\nSlowest of the {len(found)} imports of {name} --help (ms alone, ms with what it imports)")
    for own, total, module in sorted(found, reverse=True)[:EXPLAINED]:
        print(f"  {own:8.2f} {total:8.2f}  {module}")


if __name__ == "__main__":
    rows = main()
    if "--explain" in sys.argv[1:]:
        slowest(OURS, "familychat")
        slowest(HELLO, "hello")
    finish(rows)
