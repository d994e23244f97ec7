"""``familychat db``: look after the database. For whoever owns the data folder, signed in or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from familychat.errors import StoreCorruptError
from familychat_cli import invocation, options
from familychat_cli.output import emit_json, megabytes, note, say, table

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer(help="Check, save and bring back the database.", no_args_is_help=True)


@app.command()
def check(json: options.Json = False) -> None:
    """Look for damage, without changing anything."""
    from familychat.household import database_path
    from familychat.store.snapshots import check as inspect

    found = inspect(database_path(invocation.current.settings()))
    if json:
        emit_json({"path": str(found.path), "ok": found.ok, "problems": found.problems, "rows": found.rows})
    elif found.ok:
        say(f"{found.path} is in good order.")
        table(["Table", "Rows"], [[name, f"{rows:,}"] for name, rows in found.rows.items()], right=["Rows"])
    if not found.ok:
        raise StoreCorruptError(
            f"The database is damaged: {found.problems[0]}.", "familychat db restore brings back a snapshot."
        )


@app.command()
def snapshot(
    destination: Annotated[str | None, typer.Argument(metavar="FILE", help="Where to; else the data folder.")] = None,
    list_them: Annotated[bool, typer.Option("--list", help="Show the snapshots there are.")] = False,
) -> None:
    """Save a whole copy of the database, also while it is in use."""
    from pathlib import Path

    from familychat.errors import NotFoundError
    from familychat.household import database_path
    from familychat.store.snapshots import snapshots, take_snapshot

    database = database_path(invocation.current.settings())
    if list_them:
        table(
            ["Snapshot", "Size"], [[p.name, megabytes(p.stat().st_size)] for p in snapshots(database)], right=["Size"]
        )
        return
    if not database.exists():
        raise NotFoundError(f"There is no database at {database}.", "familychat chat makes one.")
    target = Path(destination).expanduser().absolute() if destination else None
    saved = take_snapshot(database, destination=target)
    say(f"Saved as {saved}")
    _record("snapshot.create", saved)


@app.command()
def restore(
    name: Annotated[str | None, typer.Argument(metavar="SNAPSHOT", help="Its name or file; else the newest.")] = None,
    yes: options.Yes = False,
) -> None:
    """Put a snapshot in the database's place, after checking it. What is replaced is kept."""
    from familychat.household import database_path
    from familychat.store.snapshots import find_snapshot
    from familychat.store.snapshots import restore as put_back

    database = database_path(invocation.current.settings())
    found = find_snapshot(database, name)
    invocation.confirm(f"This puts {found.name} in the place of your database.", yes=yes)
    kept = put_back(database, found)
    say(f"Restored {found.name}.")
    if kept is not None:
        say(f"What it replaced was kept as {kept.name}.", style="dim")
    _record("snapshot.restore", found)


def _record(action: str, snapshot: Path) -> None:
    from familychat.family.ownership import record
    from familychat.household import database_path

    if not record(database_path(invocation.current.settings()), action, str(snapshot)):
        note("The audit log couldn't be written, so it isn't in there.", style="yellow")
