"""Progress bars on standard error."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from familychat_cli.output import clean, err, note

if TYPE_CHECKING:
    from familychat.llm.base import Progress


async def show_progress(steps: AsyncGenerator[Progress, None]) -> None:
    """A bar, in bytes where the total is known; in a pipe, one line whenever the step changes."""
    from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    shown = ""
    with Bar(*columns, console=err(), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        async with aclosing(steps):
            async for step in steps:
                if not sys.stderr.isatty() and step.text != shown:
                    note(step.text)
                shown = step.text
                bar.update(task, description=clean(step.text), completed=step.done or 0, total=step.total)
