"""``familychat music import`` and the other commands that look after music libraries."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from familychat_cli import invocation, options
from familychat_cli.output import ago, emit_json, note, say, table

if TYPE_CHECKING:
    from familychat_music.importing import Progress

Library = Annotated[str, typer.Argument(help="The library's name.")]


def import_(
    source: Annotated[Path, typer.Argument(help="A spreadsheet, CSV file, SQLite file or folder of audio files.")],
    name: Annotated[str | None, typer.Option(help="What to call the library; else as the file is called.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The worksheet to take.")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="What a column is: Header=title, =artist ... or =ignore.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Put it in place of a library that came from elsewhere.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would become of it.")] = False,
    json: options.Json = False,
) -> None:
    """Bring in a music list; doing it again with the grown file updates the library."""
    from familychat_cli.music_view import show_report
    from familychat_music.importing.report import ImportOptions
    from familychat_music.libraries import Libraries

    chosen = ImportOptions(sheet, _mapping(map_ or []))
    with invocation.signed_in() as (home, user), _progress() as progress:
        done = Libraries(home.database).bring_in(
            user, source, name=name, options=chosen, replace=replace, dry_run=dry_run, progress=progress
        )
    if json:
        emit_json({"library": done.library.name, "songs": done.library.songs, "songs_before": done.songs_before,
                   "dry_run": dry_run, "report": done.report})  # fmt: skip
        return
    show_report(done.report)
    if dry_run:
        say("Nothing was imported: this was only a look.")
        return
    before = "" if done.songs_before is None else f" (before: {done.songs_before:,})"
    say(f"{done.library.name} is here with {done.library.songs:,} songs{before}.")
    if done.granted:
        note("You may now ask about music. Others can, once you allow it: familychat admin grant NAME task:music")
    note(f'Try: familychat music ask "Which song is the longest?" --library {done.library.name!r}')


def _mapping(pairs: list[str]) -> dict[str, str]:
    from familychat.errors import InvalidInputError

    found = {}
    for pair in pairs:
        header, _, role = pair.rpartition("=")
        if not header.strip() or not role.strip():
            raise InvalidInputError(f"{pair[:60]} doesn't say what a column is.", "Write --map Header=artist.")
        found[header.strip()] = role.strip()
    return found


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A bar on standard error, at a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    from familychat_cli.output import err

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task("Reading", total=None)

        def show(rows: int, fraction: float | None) -> None:
            bar.update(
                task, description=f"{rows:,} rows", completed=fraction or 0, total=None if fraction is None else 1
            )

        yield show


def libraries(json: options.Json = False) -> None:
    """List the music libraries you may ask."""
    from familychat_music.libraries import Libraries

    with invocation.signed_in() as (home, user):
        found = Libraries(home.database).usable(user)
    if json:
        emit_json([{name: getattr(one, name) for name in ("id", "name", "version", "source", "songs", "updated_at")}
                   for one in found])  # fmt: skip
    elif not found:
        say("There is no music library yet. familychat music import FILE adds one.")
    else:
        rows = [[one.name, f"{one.songs:,}", one.source, ago(one.updated_at)] for one in found]
        table(["Name", "Songs", "From", "Updated"], rows, right=["Songs"])


def schema(
    library: Annotated[str | None, typer.Argument(help="The library's name.")] = None,
    report: Annotated[bool, typer.Option(help="Show the last import's report instead.")] = False,
    json: options.Json = False,
) -> None:
    """Show a library's tables and columns, and what they mean."""
    import msgspec

    from familychat_cli.music_view import show_report
    from familychat_music.importing.report import ImportReport
    from familychat_music.libraries import Libraries
    from familychat_music.runner import Runner

    with invocation.signed_in() as (home, user):
        all_libraries = Libraries(home.database)
        found = all_libraries.get(user, library)
        engine = all_libraries.open(found, Runner())
        described = engine.schema
        engine.close()
    if json:
        emit_json({"library": found.name, "report": found.report} if report else described)
    elif report:
        show_report(msgspec.convert(found.report, ImportReport))
    else:
        for one in described.tables:
            say(f"{one.name}: {one.row_count:,} rows", style="bold")
            table(["Column", "Kind", "Meaning"], [[c.name, str(c.kind), str(c.role or "")] for c in one.columns])
        for key in described.foreign_keys:
            say(f"{key.table}.{key.column} points at {key.to_table}.{key.to_column}", style="dim")


def rename(library: Library, name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Give a library another name."""
    from familychat_music.libraries import Libraries

    with invocation.signed_in() as (home, user):
        all_libraries = Libraries(home.database)
        all_libraries.rename(user, all_libraries.managed(user, library), name)
    say(f"{library} is now called {name}.")


def remove(library: Library, yes: options.Yes = False) -> None:
    """Delete a library; the file it came from stays."""
    from familychat_music.libraries import Libraries

    with invocation.signed_in() as (home, user):
        all_libraries = Libraries(home.database)
        found = all_libraries.managed(user, library)
        invocation.confirm(f"This deletes the library {found.name} with {found.songs:,} songs.", yes=yes)
        all_libraries.remove(user, found)
    say(f"{found.name} is gone. The file it came from is still there.")


def export(
    library: Annotated[str | None, typer.Argument(help="The library's name.")] = None,
    to: Annotated[Path | None, typer.Option("--to", "-o", help="A .xlsx, .csv or .db file.")] = None,
    force: Annotated[bool, typer.Option(help="Write over a file that is there.")] = False,
) -> None:
    """Write a library to a spreadsheet, a CSV file or a SQLite file."""
    from familychat_music.exporting import export_library
    from familychat_music.libraries import Libraries

    with invocation.signed_in() as (home, user):
        all_libraries = Libraries(home.database)
        found = all_libraries.get(user, library)
        target = to or Path(f"{found.name}.xlsx")
        rows = export_library(all_libraries.path(found), target, force=force)
    say(f"{target} holds {rows:,} rows.")
