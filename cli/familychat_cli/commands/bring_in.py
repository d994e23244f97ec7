"""``familychat import``: bring in conversations from other programs, or from elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from familychat_cli import invocation, options
from familychat_cli.output import emit_json, note, say
from familychat_cli.progress import counting

if TYPE_CHECKING:
    from familychat.importing import Report

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, zips or folders; they stay as they are.")]


def import_(
    files: Files,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come in.")] = False,
    json: options.Json = False,
) -> None:
    """Bring in conversations: familychat's own, ChatGPT's, Claude's, Open WebUI's, LM Studio's. What is here stays."""
    from familychat.importing import bring_in_all

    reports: list[Report] = []
    with invocation.signed_in() as (home, user), counting("Reading") as tell:
        for file in files:
            for report in bring_in_all(home.conversations, user, file.expanduser(), dry_run=dry_run, progress=tell):
                reports.append(report)
                if not json:
                    _show(report, dry_run=dry_run)
    if json:
        emit_json([asdict(report) for report in reports])
    elif len(reports) > 1:
        say(_summed(sum(report.added for report in reports), sum(report.here for report in reports), dry_run=dry_run))


def _show(report: Report, *, dry_run: bool) -> None:
    if report.refused:
        note(report.refused, style="yellow")
        return
    say(f"{report.file} ({report.format}): {_summed(report.added, report.here, dry_run=dry_run)}")
    for skipped in report.skipped:
        note(f"  left out: {skipped.name}. {skipped.why}", style="yellow")
    if report.left_out > len(report.skipped):
        note(f"  and {report.left_out - len(report.skipped)} more were left out.", style="yellow")


def _summed(added: int, here: int, *, dry_run: bool) -> str:
    counted = f"{added} conversation{'s' if added != 1 else ''}"
    came = f"{counted} would come in" if dry_run else f"{counted} came in"
    return f"{came}; {here} {'are' if here != 1 else 'is'} here already." if here else f"{came}."
