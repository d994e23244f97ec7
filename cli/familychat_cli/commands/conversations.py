"""``familychat conversations``: list, show, rename, delete."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat_cli import invocation, options
from familychat_cli.output import ago, emit_json, note, say, table

if TYPE_CHECKING:
    from familychat.models import Conversation, Message

app = typer.Typer(help="Your conversations.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="CONVERSATION", help="Its id (the last six characters do) or title.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="How many to show.")]


@app.command("list")
def list_conversations(limit: Limit = 20, json: options.Json = False) -> None:
    """Show your conversations, the newest first."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.newest(user, limit)
    show_list(found, json=json, empty="You have no conversations yet. familychat chat begins one.")


def show_list(found: list[Conversation], *, json: bool, empty: str) -> None:
    """A list of conversations as a table or JSON."""
    if json:
        emit_json([conversation_json(conversation) for conversation in found])
    elif not found:
        note(empty)
    else:
        rows = [[c.short_id, c.title, c.task, ago(c.last_message_at)] for c in found]
        table(["Id", "Title", "Task", "Last message"], rows)


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation for scripts; internal fields stay inside."""
    shown = asdict(conversation)
    for name in ("owner_id", "head_id"):
        del shown[name]
    return shown


def message_json(message: Message) -> dict[str, Any]:
    """A message for scripts."""
    shown = asdict(message)
    del shown["conversation_id"]
    return shown


@app.command()
def show(conversation: Reference, json: options.Json = False) -> None:
    """Show a conversation from its beginning."""
    from familychat_cli.session import show_message

    with invocation.signed_in() as (home, user):
        found = home.conversations.find(user, conversation)
        messages = home.conversations.messages(user, found)
    if json:
        emit_json({**conversation_json(found), "messages": [message_json(message) for message in messages]})
        return
    say(found.title, style="bold")
    for message in messages:
        show_message(message)


@app.command()
def rename(conversation: Reference, title: str, json: options.Json = False) -> None:
    """Give a conversation another title; its place in the list stays."""
    with invocation.signed_in() as (home, user):
        renamed = home.conversations.rename(user, home.conversations.find(user, conversation), title)
    if json:
        emit_json(conversation_json(renamed))
    else:
        say(f"It is called {renamed.title} now.")


@app.command()
def delete(conversation: Reference, json: options.Json = False) -> None:
    """Move a conversation to the trash."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.find(user, conversation)
        home.conversations.delete(user, found)
    if json:
        emit_json({"id": found.id, "deleted": True})
    else:
        say(f"{found.title} is in the trash. familychat trash restore {found.short_id} brings it back.")
