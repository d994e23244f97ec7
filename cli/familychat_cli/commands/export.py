"""``familychat export``: take conversations along as files."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from familychat.errors import InvalidInputError, NotFoundError
from familychat_cli import invocation, options
from familychat_cli.output import clean, emit_json, err, say

if TYPE_CHECKING:
    from pathlib import Path

    from familychat.documents import ConversationDocument
    from familychat.export import Written
    from familychat.household import Household
    from familychat.models import Conversation, User
    from familychat.store.conversations import Chosen

MANY = 5
"""From so many conversations on, a bar shows how far it is."""

Which = Annotated[
    list[str] | None,
    typer.Argument(metavar="CONVERSATION...", help="Their ids (the last six characters do) or titles."),
]
All = Annotated[bool, typer.Option("--all", help="All your conversations, archived ones too.")]
FormatName = Annotated[
    str | None, typer.Option("--format", "-f", help="md, txt, html, json, csv or pdf; else by the ending of --to.")
]
To = Annotated[str | None, typer.Option("--to", "-t", help="A file, a folder, a .zip file, or - for standard output.")]
Folder = Annotated[str | None, typer.Option(help="Those in this folder.")]
TaskName = Annotated[str | None, typer.Option("--task", help="Those of this task, such as music.")]
Since = Annotated[str | None, typer.Option(help="Those last talked in on this day or later, such as 2026-01-31.")]
Until = Annotated[str | None, typer.Option(help="Those last talked in on this day or earlier.")]
Redact = Annotated[bool, typer.Option("--redact-names", help="Write Person 1, Person 2 for the household's people.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]


def export(
    conversations: Which = None,
    every: All = False,
    format_name: FormatName = None,
    to: To = None,
    folder: Folder = None,
    task: TaskName = None,
    since: Since = None,
    until: Until = None,
    redact_names: Redact = False,
    force: Force = False,
    json: options.Json = False,
) -> None:
    """Write conversations to files: to keep, to print, to show, or to take to another familychat."""
    from familychat.export import redactor, target_for, write
    from familychat.search_words import day_start
    from familychat.store.conversations import Chosen

    if to == "-" and json:
        raise InvalidInputError("--json tells where files went, and with --to - there are none.", "Leave one out.")
    chosen = Chosen(archived=None, folder=folder, task=task, since=day_start(since), until=day_start(until, after=True))
    filtered = any(value is not None for value in (folder, task, since, until))
    with invocation.signed_in() as (home, user):
        found = _found(home, user, conversations or [], chosen, every=every or filtered)
        names = redactor(home.accounts.people.all()) if redact_names else redactor([])
        titles = [names.text(conversation.title) for conversation in found]
        target = target_for(to, format_name, titles)
        documents = (names.document(document) for document in home.conversations.documents(user, found))
        with _watched(documents, len(found)) as watched:
            written = write(target, titles, watched, _output(), replace=force)
    _tell(written, json=json)


def _found(home: Household, user: User, references: list[str], chosen: Chosen, *, every: bool) -> list[Conversation]:
    """The conversations that are meant, each once."""
    if references and every:
        raise InvalidInputError("Name conversations or choose them, not both. Nothing was written.")
    if references:
        named = [home.conversations.find(user, reference) for reference in references]
        return list({conversation.id: conversation for conversation in named}.values())
    if not every:
        raise InvalidInputError(
            "Which conversation? Nothing was written.",
            "Give its title or id, or --all, or choose with --folder, --task, --since and --until.",
        )
    found = home.conversations.chosen(user, chosen)
    if not found:
        raise NotFoundError(
            "You have no conversation like that. Nothing was written.", "familychat conversations list shows yours."
        )
    return found


@contextlib.contextmanager
def _watched(documents: Iterator[ConversationDocument], count: int) -> Iterator[Iterator[ConversationDocument]]:
    """The same, with a bar on standard error that shows how far it is."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    shown = count >= MANY and sys.stderr.isatty()
    columns = (TextColumn("Exporting"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=err(), transient=True, disable=not shown) as bar:
        task = bar.add_task("", total=count)

        def counted() -> Iterator[ConversationDocument]:
            for document in documents:
                bar.update(task, description=clean(document.title[:40]))
                yield document
                bar.advance(task)

        yield counted()


def _output() -> BinaryIO:
    """Standard output with a buffer of its own: Python would try once more at its end to write what didn't fit."""
    return os.fdopen(sys.stdout.fileno(), "wb", closefd=False)


def _tell(written: Written, *, json: bool) -> None:
    """Say what was written where."""
    from familychat.export import Place

    target = written.target
    if json:
        emit_json(
            {
                "conversations": written.conversations,
                "format": target.format.name,
                "to": _name(target.path),
                "files": [_name(path) for path in written.files],
            }
        )
    elif target.place is not Place.OUTPUT:
        what = "1 conversation" if written.conversations == 1 else f"{written.conversations:,} conversations"
        where = written.files[0] if len(written.files) == 1 else target.path
        files = f", {len(written.files):,} files" if len(written.files) > 1 else ""
        say(f"Wrote {what} as {target.format.name} to {where}{files}.")


def _name(path: Path) -> str:
    """A path as text; what isn't text in it becomes a question mark."""
    return str(path).encode(errors="replace").decode()
