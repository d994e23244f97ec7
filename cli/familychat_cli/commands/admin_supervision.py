"""``familychat admin supervise, look``: supervision, which the supervised person always knows of."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from familychat.wording import counted
from familychat_cli import invocation, options
from familychat_cli.commands.admin_rules import Name
from familychat_cli.output import ago, emit_json, say, table


class Level(StrEnum):
    """What a supervisor sees, as typed."""

    OFF = "off"
    SUMMARY = "summary"
    FULL = "full"


def supervise(
    name: Name,
    level: Annotated[Level, typer.Argument(metavar="LEVEL", help="off, summary (counts, times, topics), or full.")],
) -> None:
    """Turn supervision of a child's or teen's account on or off. They are told; what is there already stays private."""
    from familychat.models import SupervisionLevel

    with invocation.signed_in() as (home, user):
        home.supervisions.set(user, name, None if level is Level.OFF else SupervisionLevel(level))
    if level is Level.OFF:
        say(f"{name} isn't supervised any more, and what was written is private again.")
    else:
        say(f"{name} is supervised from now on ({level}), and told so at each start. See familychat admin look {name}.")


def look(
    name: Name,
    conversation: Annotated[str | None, typer.Argument(metavar="[ID]", help="Read this conversation.")] = None,
    json: options.Json = False,
) -> None:
    """Look at what a supervised person did. The look is in the audit log, for them to read."""
    with invocation.signed_in() as (home, user):
        if conversation is not None:
            messages = home.supervisions.read(user, name, conversation)
            if json:
                emit_json([{"at": m.created_at, "author": m.author.value, "content": m.content} for m in messages])
                return
            from familychat_cli.session import show_message

            for message in messages:
                show_message(message)
            return
        summary = home.supervisions.summary(user, name)
    if json:
        emit_json(summary)
        return
    questions = sum(one.questions for one in summary.conversations)
    where = counted(len(summary.conversations), "conversation")
    say(f"Since {ago(summary.supervision.since)}: {counted(questions, 'question')} in {where}.")
    rows = [
        [one.conversation_id[-6:], one.topic or "(begun before)", one.task, str(one.questions), ago(one.last_at)]
        for one in summary.conversations
    ]
    table(["Id", "Topic", "Task", "Questions", "Last"], rows, right=["Questions"])
    say(f"{name} can see that you looked.", style="dim")
