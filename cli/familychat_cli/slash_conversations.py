"""The slash commands that find and rearrange conversations and their messages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from familychat.errors import InvalidInputError, NotFoundError
from familychat.models import Author, Conversation, Message
from familychat_cli.output import clean, note, say, show_hits, table

if TYPE_CHECKING:
    from familychat_cli.session import ChatSession

LONGEST_COPY = 70_000
"""Bytes: common terminals take no more by OSC 52."""

FOUND = 10


def needed(session: ChatSession) -> Conversation:
    """The current conversation; raises :class:`NotFoundError` before its first question."""
    conversation = session.current()
    if conversation is None:
        raise NotFoundError("This conversation hasn't begun yet.", "Ask something first.")
    return conversation


def _messages(session: ChatSession) -> tuple[Conversation, list[Message]]:
    conversation = needed(session)
    return conversation, session.home.conversations.messages(session.user, conversation)


async def search(session: ChatSession, rest: str) -> None:
    page = session.home.search.find(session.user, rest, limit=FOUND)
    if not page.hits:
        say("Nothing was found.")
        return
    if page.loosened:
        note("Nothing has all of these words. These have some:")
    show_hits(page.hits, numbered=True)
    session.remember_list([(hit.conversation, hit.message_id) for hit in page.hits])
    say("/open NUMBER goes there.", style="dim")


async def pin(session: ChatSession, _rest: str) -> None:
    conversation = needed(session)
    pinned = session.home.conversations.pin(session.user, conversation, pinned=not conversation.pinned).pinned
    say("It is on top of your list now." if pinned else "It is no longer on top of your list.", style="dim")


async def archive(session: ChatSession, _rest: str) -> None:
    conversation = needed(session)
    archived = conversation.archived_at is None
    session.home.conversations.archive(session.user, conversation, archived=archived)
    say("It is in the archive now." if archived else "It is back in your list.", style="dim")


async def move(session: ChatSession, rest: str) -> None:
    if not rest:
        folders = session.home.conversations.folders(session.user)
        table(
            ["Folder", "Conversations"],
            [[name, str(count)] for name, count in folders.items()],
            right=["Conversations"],
        )
        say("/folder NAME puts this conversation into one, /folder - takes it out.", style="dim")
        return
    moved = session.home.conversations.move(session.user, needed(session), None if rest == "-" else rest)
    say(f"It is in {moved.folder} now." if moved.folder else "It is in no folder now.", style="dim")


async def task(session: ChatSession, rest: str) -> None:
    if not rest:
        known = session.home.task_shelf.usable(session.user)
        table(["Task", "Title", "For"], [[one.name, one.title, one.description] for one in known])
        say(f"It is {session.conversation.task} now. /task NAME chooses another.", style="dim")
        return
    session.change(task=session.home.tasks.get(rest).name)
    say(f"The next question is one for {rest}.", style="dim")
    if session.current() is None:
        session.welcome()


async def edit(session: ChatSession, rest: str) -> None:
    conversation, messages = _messages(session)
    asked = next((message for message in reversed(messages) if message.author is Author.USER), None)
    if asked is None:
        raise NotFoundError("There is no question to edit.", "Ask something first.")
    if not rest:
        say(f"Your last question: {asked.content}")
        say("/edit WORDS asks it in other words.", style="dim")
        return
    await session.show(session.home.chat.edit(session.user, conversation, asked.id, rest))


async def go_on(session: ChatSession, _rest: str) -> None:
    await session.show(session.home.chat.resume(session.user, needed(session)))


async def version(session: ChatSession, rest: str) -> None:
    conversation, messages = _messages(session)
    several = next((message for message in reversed(messages) if message.versions > 1), None)
    if several is None:
        raise NotFoundError("Nothing here has another version.", "/retry and /edit make some.")
    number = int(rest) if rest.isdecimal() and len(rest) < 6 else several.version % several.versions + 1  # noqa: PLR2004
    session.open(session.home.conversations.show_version(session.user, conversation, several.id, number))


async def fork(session: ChatSession, _rest: str) -> None:
    copy = session.home.conversations.fork(session.user, needed(session))
    session.open(copy)
    say("This is a copy; the other one stays as it is.", style="dim")


async def drop(session: ChatSession, _rest: str) -> None:
    conversation, messages = _messages(session)
    if not messages:
        raise NotFoundError("There is no message to delete.", "Ask something first.")
    session.home.conversations.delete_message(session.user, conversation, messages[-1].id)
    whose = "Your last question" if messages[-1].author is Author.USER else "The last answer"
    say(f"{whose} is deleted.", style="dim")


async def copy(session: ChatSession, rest: str) -> None:
    """By the terminal's own way to the clipboard (OSC 52, of xterm's control sequences): it works over SSH, too."""
    _, messages = _messages(session)
    answers = [message for message in messages if message.author is Author.ASSISTANT and message.content]
    if not answers:
        raise NotFoundError("There is no answer to copy.", "Ask something first.")
    if not sys.stdout.isatty():
        raise InvalidInputError("There is no terminal with a clipboard.", "familychat export writes to files.")
    text = "\n\n".join(_said(message) for message in messages) if rest == "all" else answers[-1].content
    data = clean(text).encode()
    if len(data) > LONGEST_COPY:
        raise InvalidInputError(
            "That is too long for a terminal's clipboard.", "familychat export writes it to a file."
        )
    import base64

    sys.stdout.write(f"\x1b]52;c;{base64.b64encode(data).decode()}\x07")
    sys.stdout.flush()
    say("It is in your clipboard, if your terminal allows that; /copy all takes the whole conversation.", style="dim")


def _said(message: Message) -> str:
    return f"**You:** {message.content}" if message.author is Author.USER else message.content
