"""The one renderer of a turn's events in the terminal: live Markdown for people, plain text for pipes."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Protocol

from familychat.events import (
    Completed,
    Delta,
    Event,
    Failed,
    Loading,
    Notice,
    Queued,
    Reasoning,
    Rows,
    Sql,
    Started,
    Stopped,
)
from familychat_cli.output import clean, err, note, out

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.live import Live
    from rich.segment import Segments

    from familychat.models import Message, Usage

REFRESHES_PER_SECOND = 10
LINES_BELOW = 2
"""Kept free under a growing block, so that it never pushes itself out of the window."""


class Renderer(Protocol):
    """Shows events as they come. Used as a context manager around one turn."""

    def __enter__(self) -> Renderer: ...

    def __exit__(self, *exc: object) -> None: ...

    def show(self, event: Event) -> None: ...


def renderer() -> Renderer:
    """Live for a terminal, plain for anything else."""
    return LiveRenderer() if sys.stdout.isatty() else PlainRenderer()


def waiting_text(event: Queued | Loading) -> str:
    """What a person reads while nothing has come yet."""
    if isinstance(event, Queued):
        return "You're next" if event.position == 1 else f"Waiting, number {event.position} in line"
    return event.what if event.fraction is None else f"{event.what}, {event.fraction:.0%}"


def end_note(event: Event) -> str | None:
    """A short line about an answer that didn't end in the regular way."""
    if isinstance(event, Stopped):
        return "(stopped)"
    if isinstance(event, Failed) and event.message is not None and event.message.content:
        return "(cut off; what had come was kept)"
    return None


def status_note(message: Message) -> str | None:
    """The same for a stored answer."""
    notes = {"stopped": "(stopped)", "partial": "(cut off)", "failed": "(no answer)", "streaming": "(being written)"}
    return notes.get(message.status.value)


def usage_text(model: str | None, usage: Usage) -> str:
    """Model, tokens and speed in a few words."""
    words = [model or "no model"]
    if usage.completion_tokens is not None:
        words.append(f"{'about ' if usage.estimated else ''}{usage.completion_tokens} tokens")
    if usage.tokens_per_second is not None:
        words.append(f"{usage.tokens_per_second:.0f} tokens/s")
    if usage.time_to_first_token_ms is not None:
        words.append(f"first after {usage.time_to_first_token_ms / 1000:.1f} s")
    return clean(" · ".join(words))


class PlainRenderer:
    """The answer's own text to standard output, notices to standard error; thoughts are left out."""

    def __enter__(self) -> PlainRenderer:
        return self

    def __exit__(self, *_exc: object) -> None:
        sys.stdout.flush()

    def show(self, event: Event) -> None:
        if isinstance(event, Delta):
            sys.stdout.write(clean(event.text))
            sys.stdout.flush()
        elif isinstance(event, Notice):
            note(event.text)
        elif isinstance(event, (Completed, Stopped, Failed)):
            if event.message is not None and event.message.content:
                sys.stdout.write("\n")
            if text := end_note(event):
                note(text)


class LiveRenderer:
    """Markdown that grows: finished blocks are printed for good, only the last one is drawn again."""

    def __init__(self) -> None:
        from rich.live import Live

        self._console = out()
        self._live: Live = Live(
            console=self._console, refresh_per_second=REFRESHES_PER_SECOND, transient=True, vertical_overflow="crop"
        )
        self._open = ""
        self._thought = ""
        self._printed = False
        self._rows: Rows | None = None

    def __enter__(self) -> LiveRenderer:
        self._live.start()
        self._wait("Asking")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._live.stop()

    def _wait(self, text: str) -> None:
        from rich.spinner import Spinner
        from rich.text import Text

        self._live.update(Spinner("dots", Text(clean(text) + " …", style="dim"), style="dim"))

    def show(self, event: Event) -> None:
        if isinstance(event, Delta):
            self._end_thought()
            self._open += clean(event.text)
            self._draw()
        elif isinstance(event, Reasoning):
            self._thought += clean(event.text)
            self._live.update(Block(_dim(self._thought), tail=True))
        elif isinstance(event, (Queued, Loading)):
            self._wait(waiting_text(event))
        elif isinstance(event, Started):
            self._wait(f"{event.model} is thinking")
        elif isinstance(event, Notice):
            err().print(clean(event.text), style="dim italic")
        elif isinstance(event, Sql):
            self._wait("Looking in the music list")
        elif isinstance(event, Rows):
            self._rows = event
        else:
            self._finish(event)

    def _draw(self) -> None:
        done, self._open = split_blocks(self._open)
        for block in done:
            self._print(block)
        self._live.update(Block(_markdown(self._open), lead=self._printed, tail=True))

    def _print(self, block: str) -> None:
        self._console.print(Block(_markdown(block), lead=self._printed))
        self._printed = True

    def _end_thought(self) -> None:
        if self._thought.strip():
            self._console.print(_dim(self._thought.strip()))
            self._printed = True
        self._thought = ""

    def _finish(self, event: Event) -> None:
        self._end_thought()
        self._live.update("")
        if self._open.strip():
            self._print(self._open)
        self._open = ""
        if self._rows is not None:
            show_table(self._rows)
        if text := end_note(event):
            self._console.print(text, style="dim")


def show_table(rows: Rows) -> None:
    """The rows under an answer, where they say more than its sentence."""
    from familychat_cli.music_view import says_more, show_rows

    if says_more(rows.columns, rows.rows):
        show_rows(rows.columns, rows.rows, rows.row_count)


def print_markdown(text: str) -> None:
    """A stored answer, as it looked when it came."""
    if sys.stdout.isatty():
        out().print(Block(_markdown(clean(text))))
    else:
        sys.stdout.write(clean(text) + "\n")


def split_blocks(text: str) -> tuple[list[str], str]:
    """The top-level Markdown blocks that can't change any more, and the last one, which can."""
    if "\n" not in text:
        return [], text
    starts = _block_starts(text)
    if len(starts) < 2:  # noqa: PLR2004
        return [], text
    lines = text.split("\n")
    done = ["\n".join(lines[start:end]).strip("\n") for start, end in itertools.pairwise(starts)]
    return [block for block in done if block], "\n".join(lines[starts[-1] :])


def _block_starts(text: str) -> list[int]:
    return [token.map[0] for token in _parser().parse(text) if token.map and token.level == 0 and token.nesting >= 0]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Without HTML: a model that writes about <br> means the letters, and rich would drop them.
    return MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])


def _markdown(text: str) -> RenderableType:
    from rich.markdown import Markdown

    shown = Markdown(text, code_theme="ansi_dark", hyperlinks=False)
    shown.parsed = _parser().parse(text)
    for token in shown.parsed:
        for child in token.children or ():
            # Poems and addresses: models mean the line breaks they write.
            child.type = "hardbreak" if child.type == "softbreak" else child.type
    return shown


def _dim(text: str) -> RenderableType:
    from rich.text import Text

    return Text(text, style="dim italic")


class Block:
    """Something to show without the blank lines around it; ``lead`` puts one before it.

    With ``tail``, only its last lines that fit into the window: it may still grow.
    """

    def __init__(self, content: RenderableType, *, lead: bool = False, tail: bool = False) -> None:
        self._content = content
        self._lead = lead
        self._tail = tail

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segments]:
        from rich.segment import Segment, Segments

        lines = console.render_lines(self._content, options.update(height=None), pad=False)
        filled = [number for number, line in enumerate(lines) if any(segment.text.strip() for segment in line)]
        lines = lines[filled[0] : filled[-1] + 1] if filled else []
        if self._lead and lines:
            lines.insert(0, [])
        if self._tail:
            lines = lines[-max(1, console.height - LINES_BELOW) :]
        for line in lines:
            yield Segments([*line, Segment.line()])
