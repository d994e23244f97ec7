"""``familychat sessions`` and ``familychat admin sessions``: who is signed in where; and getting back in."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat_cli import invocation, options
from familychat_cli.commands.sign_in import PasswordStdin
from familychat_cli.output import ago, emit_json, note, say, table

if TYPE_CHECKING:
    from familychat.family.sessions import Locked
    from familychat.household import Household
    from familychat.models import Session

app = typer.Typer(help="Where people are signed in, and who is locked out.", no_args_is_help=True)
own = typer.Typer(help="Where you are signed in.", no_args_is_help=True)

Reference = Annotated[str | None, typer.Argument(metavar="ID", help="The session's id, as the list shows it.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A user name.")]


@app.command("list")
def list_all(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this person's.")] = None,
    json: options.Json = False,
) -> None:
    """Show who is signed in where, and who is locked out after wrong passwords."""
    with invocation.signed_in() as (home, user):
        found = home.sessions.all(user, name)
        locked = home.sessions.locked(user)
        here = _here(home)
    if json:
        shown = [_json(session, here, user=person.username) for person, session in found]
        emit_json({"sessions": shown, "locked": [asdict(one) for one in locked]})
        return
    if found:
        rows = [[person.username, *_row(session, here)] for person, session in found]
        table(["Name", "Id", "At", "From", "Since", "Last used", ""], rows)
    else:
        say("Nobody is signed in.")
    for one in locked:
        say(_sentence(one))


@app.command("revoke")
def revoke_any(
    session: Reference = None,
    all_of: Annotated[str | None, typer.Option("--all", metavar="NAME", help="All sessions of this person.")] = None,
) -> None:
    """End a session, or all of a person; they have to sign in again."""
    _require_one(session, given=all_of is not None)
    with invocation.signed_in() as (home, user):
        if session is not None:
            person, ended = home.sessions.end(user, session)
            say(f"The {ended.kind} session {ended.short_id} of {person.username} has ended.")
        elif all_of is not None:
            say(f"Sessions of {all_of} that have ended: {home.sessions.end_all(user, all_of)}.")


@own.command("list")
def list_own(json: options.Json = False) -> None:
    """Show where you are signed in."""
    with invocation.signed_in() as (home, user):
        found = home.sessions.own(user)
        here = _here(home)
    if json:
        emit_json([_json(session, here) for session in found])
    elif not found:
        say("You are signed in nowhere. This terminal knows you by your computer account.")
    else:
        table(["Id", "At", "From", "Since", "Last used", ""], [_row(session, here) for session in found])


@own.command("revoke")
def revoke_own(
    session: Reference = None,
    all_others: Annotated[bool, typer.Option("--all", help="All but the one at this terminal.")] = False,
) -> None:
    """End one of your sessions, or all others."""
    _require_one(session, given=all_others)
    with invocation.signed_in() as (home, user):
        if session is not None:
            ended = home.sessions.end_own(user, session)
            say(f"Your {ended.kind} session {ended.short_id} has ended.")
        else:
            say(f"Sessions of yours that have ended: {home.sessions.end_others(user, besides=_here(home))}.")


def unlock(name: Name) -> None:
    """Let a person sign in at once after too many wrong passwords."""
    with invocation.signed_in() as (home, user):
        waited = home.sessions.unlock(user, name)
    say(f"{name} can sign in again at once." if waited else f"{name} didn't have to wait.")


def reset_password(name: Name, password_stdin: PasswordStdin = False) -> None:
    """Set a person's password without being signed in. Only for whoever owns the data folder."""
    from familychat.family import ownership

    with invocation.household() as home:
        ownership.require_owner(home.database.path)
        password = invocation.read_password(from_stdin=password_stdin, twice=True)
        user = ownership.reset_password(home.database, name, password)
    say(f"{user.display_name} has a new password and signs in with: familychat login {user.username}")
    if not user.active:
        note(f"The account is switched off. An admin turns it on: familychat admin users enable {user.username}")


def _require_one(session: str | None, *, given: bool) -> None:
    from familychat.errors import InvalidInputError

    if (session is None) is not given:
        raise InvalidInputError("Which session?", "Give the id of one, or say --all.")


def _here(home: Household) -> str | None:
    """The id of the session at this terminal."""
    token = invocation.stored_token(home)
    session = home.sign_in.session_of(token) if token else None
    return session.id if session else None


def _row(session: Session, here: str | None) -> list[str]:
    used = ago(session.last_used_at) if session.last_used_at else ""
    mark = "this one" if session.id == here else ""
    return [session.short_id, session.kind, session.address, ago(session.created_at), used, mark]


def _json(session: Session, here: str | None, **more: str) -> dict[str, Any]:
    return {
        **more,
        "id": session.short_id,
        "kind": session.kind,
        "address": session.address,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "current": session.id == here,
    }


def _sentence(lock: Locked) -> str:
    from familychat.clock import parse_timestamp

    who = lock.who or "A name that nobody here has"
    until = parse_timestamp(lock.until).astimezone()
    return f"{who} is locked until {until:%H:%M}, after {lock.failures} wrong passwords."
