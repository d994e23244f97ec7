"""``familychat config``: the settings."""

from __future__ import annotations

from typing import Annotated

import typer

from familychat_cli import invocation, options
from familychat_cli.output import emit_json, say, table

app = typer.Typer(help="Settings.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="KEY", help="Such as model or server.url.")]


@app.command()
def show(json: options.Json = False) -> None:
    """Show every setting, its value, and where the value came from."""
    from familychat.settings import describe, keys

    settings = invocation.current.settings()
    rows = [describe(settings, key) for key in keys()]
    if json:
        emit_json(rows)
        return
    shown = [[str(r["key"]), r["value"] or "-", str(r["source"]), str(r["meaning"])] for r in rows]
    table(["Setting", "Value", "From", "What it is"], shown)


@app.command()
def path() -> None:
    """Show where the settings file lies."""
    say(str(invocation.current.config_path()))


@app.command("set")
def set_value(key: Key, value: str) -> None:
    """Change a setting in the settings file."""
    from familychat.settings import is_secret

    _write(key, value)
    say(f"{key} is {'set' if is_secret(key) else value} now.")


@app.command()
def unset(key: Key) -> None:
    """Take a setting out of the settings file, back to its default."""
    _write(key, None)
    say(f"{key} is back to its default.")


def _write(key: str, value: str | None) -> None:
    import os

    from familychat.settings import variable
    from familychat_cli.output import note

    with invocation.signed_in() as (home, user):
        home.set_setting(user, invocation.current.config_path(), key, value)
    if os.environ.get(variable(key)):
        note(f"{variable(key)} is set in the environment and goes before the file.")
