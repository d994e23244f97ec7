"""What goes to the terminal, and in which shape."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from familychat.searching import Hit, Snippet

MORNING, NOON, EVENING = 5, 12, 18
"""The hours at which they begin."""

PIPE_WIDTH = 240
"""Columns for tables in a pipe, where no window sets them."""

_KEPT = {"\n", "\t"}
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in _KEPT}
# Marks that turn the direction of text: they could make one thing look like another.
_CONTROLS |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def clean(text: str) -> str:
    """The text without control characters: what a model or a server writes must not steer the terminal."""
    return text.translate(_CONTROLS)


@cache
def out() -> Console:
    """Standard output."""
    return _console(sys.stdout)


@cache
def err() -> Console:
    """Standard error: progress, notices and errors, so that output can be piped."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    if stream.isatty():
        return Console(file=stream, markup=False, highlight=False, emoji=False)
    return Console(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=True, width=PIPE_WIDTH)


def say(text: str, style: str | None = None) -> None:
    """A line on standard output."""
    out().print(clean(text), style=style)


def note(text: str, style: str | None = "dim") -> None:
    """A line on standard error."""
    err().print(clean(text), style=style)


def emit_json(value: Any) -> None:
    """One JSON document on standard output; dataclasses become objects."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2).decode()
    sys.stdout.write(text + "\n")


def _plain(value: object) -> str:
    # msgspec takes no kinds of str, such as the library's texts.
    if isinstance(value, str):
        return str(value)
    raise TypeError(type(value))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A plain table; ``right`` names the columns with numbers."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(clean(cell) for cell in row))
    out().print(shown)


def show_hits(hits: Sequence[Hit], *, numbered: bool = False) -> None:
    """What a search found, each with the place in it; ``numbered`` for choosing one."""
    from rich.text import Text

    for number, hit in enumerate(hits, 1):
        line = Text(f"{number}  " if numbered else f"{hit.conversation.short_id}  ", style="dim")
        line.append_text(_marked(hit.title, "bold"))
        line.append(f"  {ago(hit.at)}", style="dim")
        if hit.others:
            line.append(f", and {hit.others} more", style="dim")
        out().print(line)
        if hit.snippet is not None:
            who = "" if hit.author is None else "you: " if hit.author == "user" else "answer: "
            out().print(Text(f"   {who}", style="dim").append_text(_marked(hit.snippet, "default")))


def _marked(snippet: Snippet, style: str) -> Text:
    """A snippet with what was looked for standing out."""
    from rich.text import Text

    shown, at = Text(), 0
    for start, end in snippet.marks:
        shown.append(clean(snippet.text[at:start]), style=style)
        shown.append(clean(snippet.text[start:end]), style="bold yellow")
        at = end
    return shown.append(clean(snippet.text[at:]), style=style)


def ago(timestamp: str) -> str:
    """A stored time as people read it, in the computer's own time zone."""
    from familychat.clock import parse_timestamp, utc_now

    moment = parse_timestamp(timestamp).astimezone()
    days = (utc_now().astimezone().date() - moment.date()).days
    if days == 0:
        return f"today {moment:%H:%M}"
    return f"yesterday {moment:%H:%M}" if days == 1 else f"{moment:%Y-%m-%d %H:%M}"


def greeting() -> str:
    """Good morning, afternoon or evening, by the computer's own clock."""
    hour = datetime.now().astimezone().hour
    if MORNING <= hour < NOON:
        return "Good morning"
    return "Good afternoon" if NOON <= hour < EVENING else "Good evening"


def megabytes(size: int | None) -> str:
    """A size for people: 98 MB, 4.7 GB."""
    if size is None:
        return ""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"  # noqa: PLR2004
