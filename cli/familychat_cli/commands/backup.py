"""``familychat backup``: everything in one file. For whoever owns the data folder, signed in or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat_cli import invocation, options
from familychat_cli.output import ago, emit_json, err, megabytes, note, say, table

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from familychat.backups import Manifest, Verified

app = typer.Typer(help="Save everything in one file, and bring it back.", no_args_is_help=True)

PassphraseStdin = Annotated[bool, typer.Option("--passphrase-stdin", help="Read the passphrase from standard input.")]
_COUNTED = {
    "people": "users", "conversations": "conversations", "messages": "messages", "music libraries": "libraries"
}  # fmt: skip
_NAMED = 5
"""Task files that a warning names."""

Name = Annotated[str | None, typer.Argument(metavar="FILE", help="Its file, or its name; else the newest.")]


@app.command()
def create(
    to: Annotated[Path | None, typer.Option(help="The folder for it; else backups in the data folder.")] = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt it with a passphrase.")] = False,
    passphrase_stdin: PassphraseStdin = False,
    with_secrets: Annotated[bool, typer.Option("--with-secrets", help="Keep the secret settings in it, too.")] = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="For a daily timer: keep 7 daily, 4 weekly and 6 monthly ones made so.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Save the database, the music libraries, your own tasks and the settings, also while familychat is in use."""
    from familychat.backups import BackupOptions
    from familychat.backups import create as make

    passphrase = _new_passphrase(from_stdin=passphrase_stdin) if encrypt or passphrase_stdin else None
    settings = invocation.current.settings()
    chosen = BackupOptions(passphrase=passphrase, secrets=with_secrets, automatic=rotate)
    with _progress() as progress:
        made = make(settings.data_dir, invocation.current.config_path(), _folder(to), chosen, progress=progress)
    if json:
        emit_json({"path": str(made.path), "size": made.size, "encrypted": passphrase is not None,
                   **_described(made.manifest), "removed": [one.name for one in made.removed]})  # fmt: skip
        return
    say(f"Saved and checked: {made.path} ({_size(made.size)})")
    if made.removed:
        say(f"Old automatic backups removed: {len(made.removed)}.", style="dim")
    _warn_of_missing(made.manifest)
    _warn_of_no_entry(recorded=made.recorded)
    if with_secrets and passphrase is None:
        note("It holds your secret settings, readable for whoever has the file. --encrypt would hide them.")


@app.command("list")
def list_(
    folder: Annotated[Path | None, typer.Argument(help="Where to look; else backups in the data folder.")] = None,
    json: options.Json = False,
) -> None:
    """Show the backups there are, the newest last."""
    from familychat.backups import backups
    from familychat.clock import timestamp

    place = _folder(folder)
    found = backups(place)
    if json:
        emit_json([{"name": one.path.name, "path": str(one.path), "made_at": timestamp(one.made_at), "size": one.size,
                    "automatic": one.automatic, "encrypted": one.encrypted} for one in found])  # fmt: skip
    elif not found:
        say(f"There is no backup in {place} yet. familychat backup create makes one.")
    else:
        rows = [
            [one.path.name, ago(timestamp(one.made_at)), _size(one.size), _kind(one.automatic, one.encrypted)]
            for one in found
        ]
        table(["Backup", "Made", "Size", ""], rows, right=["Size"])


@app.command()
def verify(name: Name = None, passphrase_stdin: PassphraseStdin = False, json: options.Json = False) -> None:
    """Open a backup and check all of it, without changing anything."""
    from familychat.backups import find_backup
    from familychat.backups import verify as check

    path = find_backup(_folder(None), name)
    passphrase = _passphrase(path, from_stdin=passphrase_stdin)
    with _progress() as progress:
        found = check(invocation.current.settings().data_dir, path, passphrase, progress=progress)
    if json:
        emit_json({"path": str(path), "encrypted": passphrase is not None, **_described(found.manifest)})
        return
    say(f"{path} is in good order.")
    say(_sentence(found))
    _warn_of_missing(found.manifest)


@app.command()
def restore(
    name: Annotated[str, typer.Argument(metavar="FILE", help="Its file, or its name.")],
    passphrase_stdin: PassphraseStdin = False,
    no_settings: Annotated[bool, typer.Option("--no-settings", help="Leave the settings as they are.")] = False,
    yes: options.Yes = False,
) -> None:
    """Put a backup in the place of everything, after checking it. What is replaced is kept."""
    from familychat.backups import find_backup
    from familychat.backups import restore as put_back

    path = find_backup(_folder(None), name)
    settings = invocation.current.settings()
    if not yes and not sys.stdin.isatty():
        invocation.confirm(f"This puts {path.name} in the place of everything.", yes=False)
    passphrase = _passphrase(path, from_stdin=passphrase_stdin)
    with _progress() as progress:
        done = put_back(
            settings.data_dir,
            invocation.current.config_path(),
            path,
            passphrase,
            settings=not no_settings,
            progress=progress,
            sure=lambda found: _ask(path, found, progress, yes=yes),
        )
    say(f"Restored {path.name}.")
    if done.tasks:
        say(f"Your own tasks are the backup's now: {len(done.manifest.tasks)}.")
    if done.snapshot is not None:
        say(f"The database that it replaced was kept as {done.snapshot}.", style="dim")
    if done.kept is not None:
        say(f"Music, tasks and settings that it replaced were kept in {done.kept}.", style="dim")
    _warn_of_missing(done.manifest)
    _warn_of_no_entry(recorded=done.recorded)


def _folder(named: Path | None) -> Path:
    from familychat.backups import default_folder

    return named.expanduser().absolute() if named else default_folder(invocation.current.settings().data_dir)


def _new_passphrase(*, from_stdin: bool) -> str:
    from familychat.family.passwords import check_new_password

    passphrase = _typed(from_stdin=from_stdin, twice=True)
    check_new_password(passphrase, "")
    return passphrase


def _passphrase(path: Path, *, from_stdin: bool) -> str | None:
    """The passphrase of an encrypted backup; one that was sent is passed on in any case, to be refused if needless."""
    from familychat.backups import is_encrypted

    return _typed(from_stdin=from_stdin, twice=False) if from_stdin or is_encrypted(path) else None


def _typed(*, from_stdin: bool, twice: bool) -> str:
    from familychat.errors import InvalidInputError

    if not from_stdin and not sys.stdin.isatty():
        raise InvalidInputError(
            "The backup's passphrase is missing, and there is no terminal to type it at. Nothing was changed.",
            "Send it with --passphrase-stdin.",
        )
    return invocation.read_password(from_stdin=from_stdin, twice=twice)


def _ask(path: Path, found: Verified, bar: _Bar, *, yes: bool) -> None:
    bar.stop()
    if not yes:
        say(_sentence(found))
        invocation.confirm(f"This puts {path.name} in the place of everything.", yes=False)


def _sentence(found: Verified) -> str:
    manifest = found.manifest
    counts = {name: found.rows.get(table_name, 0) for name, table_name in _COUNTED.items()}
    if manifest.tasks:
        counts["own tasks"] = len(manifest.tasks)
    listed = ", ".join(f"{name}: {count:,}" for name, count in counts.items())
    return f"Made {ago(manifest.created_at)} by familychat {manifest.familychat}. In it are {listed}."


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "created_at": manifest.created_at,
        "familychat": manifest.familychat,
        "secrets": manifest.secrets,
        "libraries": len(manifest.libraries),
        "missing": manifest.missing,
        "tasks": len(manifest.tasks) if manifest.tasks_saved else None,
        "tasks_left_out": manifest.tasks_left_out,
        "files": manifest.files,
    }


def _warn_of_missing(manifest: Manifest) -> None:
    if manifest.missing:
        note(
            f"Music libraries whose songs were gone and aren't in the backup: {len(manifest.missing)}. "
            "familychat music import brings a list in again.",
            style="yellow",
        )
    if manifest.tasks_left_out:
        names = ", ".join(manifest.tasks_left_out[:_NAMED])
        more = len(manifest.tasks_left_out[_NAMED:])
        note(
            f"Task files that aren't in the backup: {names}{f' and {more:,} more' if more else ''}. "
            "It holds up to 1,000 ordinary files of 64,000 bytes, named with letters, digits, spaces, dots and dashes.",
            style="yellow",
        )


def _warn_of_no_entry(*, recorded: bool) -> None:
    if not recorded:
        note("The audit log couldn't be written, so it isn't in there.", style="yellow")


def _kind(automatic: bool, encrypted: bool) -> str:
    return ", ".join(word for word, holds in (("automatic", automatic), ("encrypted", encrypted)) if holds)


def _size(size: int) -> str:
    return f"{max(1, round(size / 1e3))} kB" if size < 1e6 else megabytes(size)  # noqa: PLR2004


class _Bar:
    """Shows progress on standard error, at a terminal, from the first step on and until it is stopped."""

    def __init__(self) -> None:
        self._bar: RichProgress | None = None

    def __call__(self, step: str, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TextColumn
            from rich.progress import Progress as New

            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
            self._bar = New(*columns, console=err(), transient=True)
            self._bar.add_task(step)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], description=step, completed=done, total=total)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@contextmanager
def _progress() -> Iterator[_Bar]:
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.stop()
