"""The command ``familychat``."""

from __future__ import annotations

import io
import sys
from typing import Annotated, NoReturn

import typer

from familychat.errors import FamilychatError
from familychat_cli import invocation
from familychat_cli.commands import (
    admin,
    admin_audit,
    admin_sessions,
    admin_usage,
    ask,
    backup,
    chat,
    config,
    conversations,
    db,
    doctor,
    export,
    import_,
    limits,
    models,
    music,
    privacy,
    search,
    serve,
    sign_in,
    tasks,
    trash,
)

BROKEN = 70

app = typer.Typer(
    name="familychat",
    help="Your household's own chat with language models that run at home.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from familychat import __version__

        sys.stdout.write(f"familychat {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    data_dir: Annotated[str | None, typer.Option(help="The folder with people and conversations.")] = None,
    config_file: Annotated[str | None, typer.Option("--config", help="The settings file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the technical cause of errors.")] = False,
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    invocation.current.data_dir = data_dir
    invocation.current.config = config_file
    invocation.current.verbose = verbose


app.command("chat")(chat.chat)
app.command("serve")(serve.serve)
app.command("ask")(ask.ask)
app.add_typer(conversations.app, name="conversations")
app.command("search")(search.search)
app.add_typer(trash.app, name="trash")
app.command("export")(export.export)
app.command("import")(import_.import_)
app.command("login")(sign_in.login)
app.command("logout")(sign_in.logout)
app.command("whoami")(sign_in.whoami)
app.command("passwd")(sign_in.passwd)
app.add_typer(admin_sessions.own, name="sessions")
app.command("limits")(limits.limits)
app.command("audit")(admin_audit.own)
app.command("usage")(admin_usage.own)
app.add_typer(models.app, name="models")
app.add_typer(music.app, name="music")
app.add_typer(tasks.app, name="tasks")
app.add_typer(admin.app, name="admin")
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")
app.add_typer(backup.app, name="backup")
app.command("doctor")(doctor.doctor)
app.command("privacy")(privacy.privacy)


def main() -> NoReturn:
    """Run the command line. Errors end it with their own exit code; no traceback reaches a person."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal shows ? for what it can't, and nothing breaks
    try:
        app()
    except FamilychatError as error:
        from familychat_cli.reporting import report

        report(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, EOFError):  # Ctrl-C, or Ctrl-D at a question of ours
        sys.exit(invocation.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output went away; Python would complain once more while flushing.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 -- the last wall before a person
        _unexpected(error)
    sys.exit(0)


def _unexpected(error: Exception) -> NoReturn:
    from familychat_cli.output import note
    from familychat_cli.reporting import causes

    note(f"Something went wrong inside familychat ({type(error).__name__}). What was saved is safe.", style="red")
    if invocation.current.verbose:
        import traceback

        last = traceback.extract_tb(error.__traceback__)[-1]
        note(f"{error} (in {last.name}, {last.filename}:{last.lineno})")
        for line in causes(error):
            note(line)
    else:
        note("familychat -v … shows more for a bug report.")
    sys.exit(BROKEN)


if __name__ == "__main__":
    main()
