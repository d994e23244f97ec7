"""``familychat login``, ``logout`` and ``whoami``: who is at this terminal."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Annotated

import typer

from familychat_cli import invocation, options
from familychat_cli.output import emit_json, greeting, say

if TYPE_CHECKING:
    from familychat.household import Household

PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def login(
    name: Annotated[str | None, typer.Argument(help="Your user name.")] = None, password_stdin: PasswordStdin = False
) -> None:
    """Sign in at this terminal, until familychat logout."""
    from familychat.errors import InvalidInputError

    with invocation.household() as home:
        if name is None:
            if password_stdin:
                raise InvalidInputError("A name is missing.", "familychat login NAME --password-stdin")
            name = input("User name: ").strip()
        password = invocation.read_password(from_stdin=password_stdin, twice=False)
        user, token = home.sign_in.sign_in(name, password, kind="terminal")
        _leave(home)
        _remember(home, token)
    say(f"{greeting()}, {user.display_name}. You are signed in.")


def _remember(home: Household, token: str) -> None:
    path = invocation.session_path(home)
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(token)


def _leave(home: Household) -> bool:
    token = invocation.stored_token(home)
    if token is None:
        return False
    home.sign_in.sign_out(token)
    with contextlib.suppress(FileNotFoundError):
        invocation.session_path(home).unlink()
    return True


def logout() -> None:
    """Sign out at this terminal."""
    with invocation.household() as home:
        was_in = _leave(home)
    say("You are signed out." if was_in else "Nobody had signed in with familychat login.")


def passwd() -> None:
    """Change your own password; it ends all your sessions but the one at this terminal."""
    from familychat.errors import ConflictError

    with invocation.signed_in() as (home, user):
        if not user.has_password:
            raise ConflictError(
                "Your account has no password yet.", f"familychat admin users passwd {user.username} sets one."
            )
        say("The password until now, then the new one, twice.")
        current = invocation.read_password(from_stdin=False, twice=False)
        token = home.sign_in.change_password(
            user, current, invocation.read_password(from_stdin=False, twice=True), kind="terminal"
        )
        _remember(home, token)
    say("You have a new password.")


def whoami(json: options.Json = False) -> None:
    """Show who is at this terminal."""
    with invocation.signed_in() as (home, user):
        signed_in = invocation.stored_token(home) is not None
    if json:
        emit_json({"username": user.username, "display_name": user.display_name, "role": user.role.value})
        return
    how = "signed in" if signed_in else "as the owner of this computer account, without a password"
    say(f"{user.display_name} ({user.username}), {user.role.value}, {how}")
