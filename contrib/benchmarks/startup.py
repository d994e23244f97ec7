"""How long ``familychat --help`` takes as a whole process, against a hello-world Typer app in the same run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import Row, finish, median, report

REPETITIONS = 15
HELLO = '''
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    """Say hello."""
    print(f"Hello {name}")


app()
'''


def seconds(command: list[str]) -> float:
    """Wall-clock seconds of one process."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> bool:
    """Run the two in turn and compare their medians."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "hello.py"
        script.write_text(HELLO)
        ours = [sys.executable, "-m", "familychat_cli.main", "--help"]
        theirs = [sys.executable, str(script), "--help"]
        for command in (ours, theirs):
            seconds(command)
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(REPETITIONS)]
    a, b = median([one for one, _ in pairs]), median([two for _, two in pairs])
    return report(
        "familychat --help",
        [
            Row("familychat --help", a * 1000, "ms"),
            Row("hello-world Typer app --help", b * 1000, "ms"),
            Row("ratio (median of pairs)", median([one / two for one, two in pairs]), "times", 1.5),
        ],
    )


if __name__ == "__main__":
    finish(main())
