"""The slash commands of the chat. Each takes the session and the rest of the line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from familychat.chat import NewConversation
from familychat.errors import InvalidInputError, NotFoundError
from familychat.store.conversations import MIN_REFERENCE
from familychat_cli import slash_conversations
from familychat_cli.output import ago, say, table
from familychat_cli.slash_conversations import needed

if TYPE_CHECKING:
    from familychat_cli.session import ChatSession

QUIT = object()
"""What a command returns to end the chat."""

LIST_LENGTH = 20

Handler = Callable[["ChatSession", str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: ``usage`` shows its argument, ``meaning`` says what it does."""

    usage: str
    meaning: str
    handler: Handler


async def run(session: ChatSession, line: str) -> object:
    """Do what a line that begins with a slash says; raises :class:`InvalidInputError` for an unknown command."""
    name, _, rest = line[1:].strip().partition(" ")
    command = COMMANDS.get(name.casefold())
    if command is None:
        raise InvalidInputError(f"There is no command /{name}.", "/help shows what there is.")
    return await command.handler(session, rest.strip())


async def _new(session: ChatSession, _rest: str) -> None:
    session.open(NewConversation(task=session.conversation.task, model=session.conversation.model))
    say("A new conversation. What would you like to know?", style="dim")


async def _open(session: ChatSession, rest: str) -> None:
    if not rest:
        raise InvalidInputError("Which one?", "/open NUMBER from /list, or some words of its title.")
    by_number = session.listed(int(rest)) if rest.isdecimal() and len(rest) < MIN_REFERENCE else None
    if by_number is None:
        session.open(session.home.conversations.find(session.user, rest))
        return
    conversation, message_id = by_number
    if message_id is not None:
        conversation = session.home.conversations.reveal(session.user, conversation, message_id)
    session.open(conversation, around=message_id)


async def _list(session: ChatSession, _rest: str) -> None:
    conversations = session.home.conversations.newest(session.user, LIST_LENGTH)
    if not conversations:
        say("You have no conversations yet.")
        return
    session.remember_list([(conversation, None) for conversation in conversations])
    rows = [
        [str(number), f"{'* ' if c.pinned else ''}{c.title}", ago(c.last_message_at)]
        for number, c in enumerate(conversations, 1)
    ]
    table(["", "Title", "Last message"], rows, right=[""])
    say("/open NUMBER goes on with one.", style="dim")


async def _rename(session: ChatSession, rest: str) -> None:
    renamed = session.home.conversations.rename(session.user, needed(session), rest)
    say(f"It is called {renamed.title} now.", style="dim")


async def _model(session: ChatSession, rest: str) -> None:
    server = await session.home.servers.get()
    models = await server.list_models()
    session.models = [model.name for model in models]
    if not rest:
        for model in models:
            say(f"{model.name}{' (loaded)' if model.loaded else ''}")
        say("/model NAME chooses one for this conversation.", style="dim")
        return
    from familychat.llm.base import find_model

    found = find_model(models, rest)
    if found is None:
        raise NotFoundError(f"{server.title} has no model {rest}.", "/model shows what there is.")
    session.change(model=found.name)
    say(f"{found.name} answers from now on.", style="dim")


async def _system(session: ChatSession, rest: str) -> None:
    if not rest:
        say(session.conversation.system_prompt or "This conversation has no instructions of its own.")
        say("/system WORDS sets them, /system - takes them away.", style="dim")
        return
    session.change(system_prompt=None if rest == "-" else rest)
    say("Understood, from the next question on.", style="dim")


async def _info(session: ChatSession, _rest: str) -> None:
    server = await session.home.servers.get()
    rows = [["Signed in", f"{session.user.display_name} ({session.user.username})"]]
    rows += [["Model server", f"{server.title}, {server.address}"], ["Task", session.conversation.task]]
    rows += [["Model", session.conversation.model or session.home.settings.model or "whichever is loaded"]]
    conversation = session.current()
    if conversation is not None:
        messages = session.home.conversations.messages(session.user, conversation)
        tokens = sum(message.usage.completion_tokens or 0 for message in messages)
        rows += [["Conversation", f"{conversation.title} ({conversation.short_id})"]]
        rows += [["Messages", str(len(messages))], ["Tokens answered", str(tokens)]]
    for name, value in (
        ("Temperature", session.conversation.parameters.temperature),
        ("Top p", session.conversation.parameters.top_p),
        ("Max tokens", session.conversation.parameters.max_tokens),
    ):
        if value is not None:
            rows.append([name, str(value)])
    if session.status():
        rows.append(["Last answer", session.status()])
    table(["", ""], rows)


async def _sql(session: ChatSession, _rest: str) -> None:
    say(str(_last_details(session)["sql"]))


async def _rows(session: ChatSession, _rest: str) -> None:
    from familychat_cli.music_view import show_rows

    details = _last_details(session)
    show_rows(details["columns"], details["rows"], details["row_count"], limit=len(details["rows"]))


def _last_details(session: ChatSession) -> Mapping[str, Any]:
    """What the task kept with the last answer that came from a music list."""
    messages = session.home.conversations.messages(session.user, needed(session))
    details = next((m.details for m in reversed(messages) if m.details.get("sql")), None)
    if details is None:
        raise NotFoundError("No answer here came from a music list.", "familychat chat --task music asks one.")
    return details


async def _retry(session: ChatSession, _rest: str) -> None:
    await session.show(session.home.chat.retry(session.user, needed(session)))


async def _delete(session: ChatSession, _rest: str) -> None:
    conversation = needed(session)
    session.home.conversations.delete(session.user, conversation)
    say(f"{conversation.title} is in the trash; familychat trash restore {conversation.short_id} brings it back.")
    await _new(session, "")


async def _help(_session: ChatSession, _rest: str) -> None:
    table(["", ""], [[f"/{name} {command.usage}".strip(), command.meaning] for name, command in COMMANDS.items()])
    say("Enter sends, Alt+Enter begins a new line. Ctrl-C stops an answer and keeps what came.", style="dim")


async def _quit(_session: ChatSession, _rest: str) -> object:
    return QUIT


COMMANDS: dict[str, Command] = {
    "new": Command("", "begin a new conversation", _new),
    "list": Command("", "show your conversations", _list),
    "search": Command("WORDS", "find in your conversations", slash_conversations.search),
    "open": Command("NUMBER or TITLE", "go on with one of them", _open),
    "rename": Command("TITLE", "give this conversation another title", _rename),
    "model": Command("[NAME]", "show the models, or choose one for this conversation", _model),
    "system": Command("[WORDS]", "show or set this conversation's instructions for the model", _system),
    "info": Command("", "show model, settings and numbers", _info),
    "sql": Command("", "show the SQL behind the last answer from a music list", _sql),
    "rows": Command("", "show all its rows", _rows),
    "retry": Command("", "answer the last question anew", _retry),
    "edit": Command("WORDS", "ask the last question in other words", slash_conversations.edit),
    "continue": Command("", "let the model go on with the last answer", slash_conversations.go_on),
    "version": Command(
        "[NUMBER]", "show another version of the last message that has some", slash_conversations.version
    ),
    "fork": Command("", "go on in a copy of this conversation", slash_conversations.fork),
    "drop": Command("", "delete the last message for good", slash_conversations.drop),
    "copy": Command("[all]", "copy the last answer, or all, to the clipboard", slash_conversations.copy),
    "task": Command("[NAME]", "show or choose what the next questions are for", slash_conversations.task),
    "pin": Command("", "keep this conversation on top of the list, or no longer", slash_conversations.pin),
    "folder": Command("[NAME]", "put this conversation into a folder", slash_conversations.move),
    "archive": Command("", "take it out of the list, or back", slash_conversations.archive),
    "delete": Command("", "move this conversation to the trash", _delete),
    "help": Command("", "show this", _help),
    "quit": Command("", "leave (as Ctrl-D does)", _quit),
}
