"""``familychat trash``: what was deleted, back or gone."""

from __future__ import annotations

import typer

from familychat.wording import counted
from familychat_cli import invocation, options
from familychat_cli.commands.conversations import Reference, show_list
from familychat_cli.output import say

app = typer.Typer(help="Your deleted conversations.", no_args_is_help=True)


@app.command("list")
def list_trash(json: options.Json = False) -> None:
    """Show what is in your trash, the latest first."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.trash(user)
    show_list(found, json=json, empty="Your trash is empty.")


@app.command()
def restore(conversation: Reference) -> None:
    """Bring a conversation back."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.find(user, conversation, deleted=True)
        home.conversations.restore(user, found)
    say(f"{found.title} is back.")


@app.command()
def empty(yes: options.Yes = False) -> None:
    """Delete what is in your trash for good."""
    with invocation.signed_in() as (home, user):
        count = len(home.conversations.trash(user))
        if not count:
            say("Your trash is empty.")
            return
        invocation.confirm(f"This deletes {counted(count, 'conversation')} for good.", yes=yes)
        home.conversations.empty_trash(user)
    say("Your trash is empty now.")
