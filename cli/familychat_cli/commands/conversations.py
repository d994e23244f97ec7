"""``familychat conversations``: list, show, organise, delete."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat.bulk import Action, act
from familychat.errors import InvalidInputError
from familychat.wording import counted
from familychat_cli import invocation, options
from familychat_cli.output import ago, emit_json, note, say, table

if TYPE_CHECKING:
    from familychat.models import Conversation, Message

app = typer.Typer(help="Your conversations.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="CONVERSATION", help="Its id (the last six characters do) or title.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="How many to show.")]


Folder = Annotated[str | None, typer.Option("--folder", help="Only what is in this folder.")]
Task = Annotated[str | None, typer.Option("--task", help="Only those of this task.")]
Title = Annotated[str | None, typer.Option("--title", help="Only those with these words in the title.")]
Since = Annotated[str | None, typer.Option("--since", help="Only those talked in since this day, such as 2026-01-31.")]
Until = Annotated[str | None, typer.Option("--until", help="Only those not talked in after this day.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show which it would be.")]


@app.command("list")
def list_conversations(
    limit: Limit = 20,
    folder: Folder = None,
    task: Task = None,
    title: Title = None,
    archived: Annotated[bool, typer.Option("--archived", help="Show the archive.")] = False,
    json: options.Json = False,
) -> None:
    """Show your conversations: pinned ones first, then the newest."""
    from familychat.store.conversations import Chosen

    chosen = Chosen(archived=archived, folder=folder, task=task, title=title)
    with invocation.signed_in() as (home, user):
        found = home.conversations.newest(user, limit, chosen=chosen)
    anything = archived or folder or task or title
    empty = "There are none like that." if anything else "You have no conversations yet. familychat chat begins one."
    show_list(found, json=json, empty=empty)


def show_list(found: list[Conversation], *, json: bool, empty: str) -> None:
    """A list of conversations as a table or JSON."""
    if json:
        emit_json([conversation_json(conversation) for conversation in found])
    elif not found:
        note(empty)
    else:
        rows = [
            [c.short_id, f"{'* ' if c.pinned else ''}{c.title}", c.folder or "", c.task, ago(c.last_message_at)]
            for c in found
        ]
        headings = ["Id", "Title", "Folder", "Task", "Last message"]
        if not any(c.folder for c in found):
            headings.remove("Folder")
            rows = [[short_id, title, *rest] for short_id, title, _, *rest in rows]
        table(headings, rows)


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
def pin(conversation: Reference, off: Annotated[bool, typer.Option("--off", help="No longer.")] = False) -> None:
    """Keep a conversation on top of the list."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.pin(user, home.conversations.find(user, conversation), pinned=not off)
    say(f"{found.title} is {'no longer' if off else 'now'} on top of the list.")


@app.command()
def archive(
    conversation: Reference, off: Annotated[bool, typer.Option("--off", help="Bring it back.")] = False
) -> None:
    """Take a conversation out of the list without deleting it. Search still finds it."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.archive(user, home.conversations.find(user, conversation), archived=not off)
    say(f"{found.title} is {'back in the list' if off else 'in the archive'}.")


@app.command()
def move(
    conversation: Reference,
    folder: Annotated[str | None, typer.Argument(help="The folder; leave it out to take it out of its folder.")] = None,
) -> None:
    """Put a conversation into a folder. Folders come and go with what is in them."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.move(user, home.conversations.find(user, conversation), folder)
    say(f"{found.title} is in {found.folder} now." if found.folder else f"{found.title} is in no folder now.")


@app.command()
def folders(json: options.Json = False) -> None:
    """Show your folders."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.folders(user)
    if json:
        emit_json(found)
    elif not found:
        note("You have no folders. familychat conversations move CONVERSATION FOLDER makes one.")
    else:
        table(["Folder", "Conversations"], [[name, str(n)] for name, n in found.items()], right=["Conversations"])


@app.command()
def fork(
    conversation: Reference,
    at: Annotated[int | None, typer.Option(min=1, help="Keep only so many messages.")] = None,
    json: options.Json = False,
) -> None:
    """Copy a conversation, or its beginning, into a new one that goes on by itself."""
    with invocation.signed_in() as (home, user):
        found = home.conversations.find(user, conversation)
        messages = home.conversations.messages(user, found)
        if at is not None and at > len(messages):
            raise InvalidInputError(f"It has {len(messages)} messages.", "Choose a number up to that.")
        copy = home.conversations.fork(user, found, None if at is None else messages[at - 1].id)
    if json:
        emit_json(conversation_json(copy))
    else:
        say(f"The copy is {copy.short_id}. familychat chat {copy.short_id} goes on with it.")


@app.command()
def bulk(
    action: Annotated[Action, typer.Argument(help="What to do with them.")],
    folder: Folder = None,
    task: Task = None,
    title: Title = None,
    since: Since = None,
    until: Until = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    to: Annotated[str | None, typer.Option(help="For move: the folder; left out, they leave theirs.")] = None,
    dry_run: DryRun = False,
    yes: options.Yes = False,
) -> None:
    """Do something with many conversations at once: all that fit every filter you give."""
    from familychat.search_words import day_start
    from familychat.store.conversations import Chosen

    if not any((folder, task, title, since, until, everything)):
        raise InvalidInputError("Which ones? Nothing was changed.", "Say --folder, --title, --since ..., or --all.")
    chosen = Chosen(
        archived=action is Action.UNARCHIVE,
        folder=folder,
        task=task,
        title=title,
        since=day_start(since),
        until=day_start(until, after=True),
    )
    with invocation.signed_in() as (home, user):
        found = home.conversations.chosen(user, chosen)
        if dry_run or not found:
            show_list(found, json=False, empty="There are none like that.")
            return
        count = counted(len(found), "conversation")
        invocation.confirm(f"{action.value.capitalize()} {count}?", yes=yes)
        act(home, user, found, action, to)
    say(f"Done: {count}." + (" familychat trash list shows them." if action is Action.DELETE else ""))


@app.command()
def retention(
    days: Annotated[str | None, typer.Argument(help="Days after the last message, or never.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Show or set for how long your conversations are kept. Pinned ones always stay; the rest goes to the trash."""
    wanted = None if days is None or days == "never" else _days(days)
    with invocation.signed_in() as (home, user):
        chats = home.conversations
        if dry_run:
            found = chats.outlived(user, wanted)
            show_list(found, json=False, empty="Nothing would be deleted.")
            return
        if days is not None:
            chats.set_retention(user, wanted)
        kept = chats.retention(user)
    if kept is None:
        say("Your conversations are kept until you delete them.")
    else:
        say(f"Your conversations go to the trash {kept} days after their last message. Pinned ones stay.")


def _days(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:  # noqa: PLR2004 -- far more than allowed
        raise InvalidInputError(f"{text} isn't a number of days.", "Say a number, or never.")
    return int(text)


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
