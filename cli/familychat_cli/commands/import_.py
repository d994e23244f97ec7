"""``familychat import``: bring conversations in from elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat.errors import ImportRefusedError
from familychat_cli import invocation, options
from familychat_cli.output import emit_json, note, say

if TYPE_CHECKING:
    from familychat.importers import Progress, Report

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="JSON files, zip archives, or folders. They stay as they are.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only look; store nothing.")]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format", "-f", help="familychat, chatgpt, claude, openwebui, lmstudio or plain; else it is found out."
    ),
]


def import_(files: Files, dry_run: DryRun = False, format_name: FormatName = None, json: options.Json = False) -> None:
    """Bring in conversations: familychat's own, or exports of ChatGPT, Claude, Open WebUI, LM Studio and proxies.

    What is here already stays as it is, so the same file can be brought in again.
    """
    from familychat.importers import bring_in
    from familychat.importers.detect import format_named

    if format_name:
        format_named(format_name)
    shown: list[dict[str, Any]] = []
    refused: list[ImportRefusedError] = []
    with invocation.signed_in() as (home, user):
        for file in files:
            try:
                with _progress(file) as progress:
                    report = bring_in(
                        home.conversations, user, file, format_name=format_name, dry_run=dry_run, progress=progress
                    )
            except ImportRefusedError as error:
                refused.append(error)
                shown.append({"path": str(file), "refused": str(error)})
                note(str(error), style="red")
            else:
                shown.append({**asdict(report), "refused": None})
                if not json:
                    _tell(report, dry_run=dry_run)
    if json:
        emit_json({"dry_run": dry_run, "files": shown})
    elif dry_run:
        note("Nothing was stored: this was only a look.")
    if refused:
        raise typer.Exit(refused[0].exit_code)


def _tell(report: Report, *, dry_run: bool) -> None:
    found = ", ".join(report.formats) or "nothing known"
    counts = [f"{_conversations(report.added)} {'would come in' if dry_run else 'came in'}"]
    if report.already_here:
        counts.append(f"{report.already_here:,} {'was' if report.already_here == 1 else 'were'} here already")
    if report.skipped_count:
        counts.append(f"{report.skipped_count:,} skipped")
    say(f"{report.path} ({found}): {', '.join(counts)}.")
    for skipped in report.skipped:
        note(f"  skipped {skipped.name}: {skipped.reason}", style="yellow")
    if report.skipped_count > len(report.skipped):
        note(f"  and {report.skipped_count - len(report.skipped):,} more", style="yellow")


def _conversations(count: int) -> str:
    return f"{count:,} conversation{'' if count == 1 else 's'}"


@contextmanager
def _progress(file: Path) -> Iterator[Progress | None]:
    """A bar on standard error, at a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    from familychat_cli.output import clean, err

    with Bar(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=err(), transient=True
    ) as bar:
        task = bar.add_task(clean(file.name), total=None)

        def show(done: int, total: int, found: int) -> None:
            described = f"{clean(file.name)}: {_conversations(found)}"
            bar.update(task, description=described, completed=done, total=total or None)

        yield show
