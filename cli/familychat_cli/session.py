"""A chat at the terminal: read a line, do what it says, show the answer."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from familychat.chat import NewConversation
from familychat.errors import FamilychatError
from familychat.events import Failed
from familychat.household import Household
from familychat.models import Author, Conversation, Message, User
from familychat.running import RunningTurn
from familychat.tasks.base import opening_of, suggestions_of
from familychat_cli import slash
from familychat_cli.invocation import decode_stdin
from familychat_cli.output import clean, greeting, note, out, say
from familychat_cli.render import print_markdown, renderer, status_note, usage_text
from familychat_cli.reporting import report
from familychat_cli.turns import ensure_model, interrupts, raise_failure, show_turn, tell_supervised

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

RECAP_MESSAGES = 4


class ChatSession:
    """One sitting. ``conversation`` is where the next question goes; a new one begins with its first question."""

    def __init__(self, home: Household, user: User, conversation: Conversation | NewConversation) -> None:
        self.home = home
        self.user = user
        self.conversation = conversation
        self.models: list[str] = []
        self._listed: list[tuple[Conversation, str | None]] = []
        self._last: Message | None = None
        self._running: RunningTurn | None = None
        self._interactive = sys.stdin.isatty() and sys.stdout.isatty()

    async def run(self) -> None:
        """Until /quit, Ctrl-D or the end of standard input."""
        if not self._interactive:
            tell_supervised(self.home, self.user)
            await ensure_model(self.home)
            await self._run_lines()
            return
        self._greet()
        await ensure_model(self.home)
        await self._learn_models()
        self.recap()
        with interrupts(self._stop):
            async for line in self._typed_lines():
                try:
                    if await self.handle(line) is slash.QUIT:
                        break
                except FamilychatError as error:
                    report(error)
        say("See you soon!", style="dim")

    def _stop(self) -> None:
        """Ctrl-C: stops the answer; with none under way it does nothing, so that nobody is thrown out by accident."""
        if self._running is not None:
            self._running.request_stop()

    def _greet(self) -> None:
        say(f"{greeting()}, {self.user.display_name}.", style="bold")
        if self.home.first_admin is not None:
            say("This is your household's familychat, and you are its admin. Everything stays on this computer.")
        tell_supervised(self.home, self.user)
        say("Type a question. /help shows what else there is, Ctrl-C stops an answer, Ctrl-D leaves.", style="dim")

    async def _learn_models(self) -> None:
        """For completion only: a server that is down is reported when something is asked."""
        try:
            server = await self.home.servers.get()
            self.models = [model.name for model in await server.list_models()]
        except FamilychatError as error:
            report(error)

    async def _run_lines(self) -> None:
        while data := sys.stdin.buffer.readline():
            line = decode_stdin(data)
            if line.strip() and await self.handle(line) is slash.QUIT:
                return

    async def _typed_lines(self) -> AsyncIterator[str]:
        from familychat_cli.prompt import prompt_session

        prompt: PromptSession[str] = prompt_session(self)
        while True:
            try:
                line = await prompt.prompt_async(handle_sigint=False)
            except KeyboardInterrupt:
                continue  # Ctrl-C at the prompt clears the line
            except EOFError:
                return
            if line.strip():
                yield line

    async def handle(self, line: str) -> object:
        """A slash command or a question; returns ``slash.QUIT`` to end."""
        if line.startswith("/"):
            return await slash.run(self, line)
        await self.show(self.home.chat.start(self.user, self.conversation, line))
        return None

    async def show(self, running: RunningTurn) -> None:
        """Show a turn; its conversation is the current one from then on. Raises a failed turn's error in scripts."""
        self.conversation = running.conversation
        if self._interactive:
            out().print()
        self._running = running
        try:
            end = await show_turn(running, renderer())
        finally:
            self._running = None
        self._last = end.message
        if isinstance(end, Failed) and self._interactive:
            report(end.error)
        else:
            raise_failure(end)
        if self._interactive:
            out().print()

    def current(self) -> Conversation | None:
        """The current conversation as it is stored now; None before its first question."""
        if isinstance(self.conversation, NewConversation):
            return None
        return self.home.conversations.get(self.user, self.conversation.id)

    def change(self, **values: str | None) -> None:
        """Change the task, model or instructions from the next question on."""
        conversation = self.current()
        if conversation is not None:
            self.conversation = self.home.conversations.change(self.user, conversation, **values)
        elif isinstance(self.conversation, NewConversation):
            self.conversation = replace(self.conversation, **values)  # type: ignore[arg-type]

    def open(self, conversation: Conversation | NewConversation, *, around: str | None = None) -> None:
        """Make this the current conversation; ``around`` is a message to show, whatever came after it."""
        self.conversation = conversation
        self._last = None
        self.recap(around)

    def recap(self, around: str | None = None) -> None:
        """Show where an opened conversation left off, or what there is around a message."""
        conversation = self.current()
        if conversation is None:
            self.welcome()
            return
        limit = None if around else RECAP_MESSAGES + 1
        messages = self.home.conversations.messages(self.user, conversation, limit=limit)
        say(f"— {conversation.title} —", style="bold")
        shown = messages[-RECAP_MESSAGES:]
        at = next((place for place, message in enumerate(messages) if message.id == around), None)
        if at is not None and messages[at] not in shown:
            for message in messages[max(0, at - 1) : at + 2]:
                show_message(message)
            say("(and further on)", style="dim")
        elif len(messages) > RECAP_MESSAGES:
            say("(earlier messages left out)", style="dim")
        for message in shown:
            show_message(message)
        self._last = next((m for m in reversed(messages) if m.author is Author.ASSISTANT), None)

    def welcome(self) -> None:
        """The opening line and the suggested questions of a new conversation's task, if it has an opening line."""
        task = self.home.tasks.get(self.conversation.task)
        if not self._interactive or not opening_of(task):
            return
        say(opening_of(task))
        for suggestion in suggestions_of(task):
            say(f"  · {suggestion}", style="dim")

    def remember_list(self, found: list[tuple[Conversation, str | None]]) -> None:
        """What /list or /search showed, each with the message that was found, so that /open can take its numbers."""
        self._listed = found

    def listed(self, number: int) -> tuple[Conversation, str | None] | None:
        """Number 1 is the first of the last /list or /search."""
        return self._listed[number - 1] if 0 < number <= len(self._listed) else None

    def status(self) -> str:
        """The quiet line under the prompt."""
        if self._last is not None and self._last.model:
            return usage_text(self._last.model, self._last.usage)
        chosen = self.conversation.model or self.home.settings.model
        return clean(chosen or (self.models[0] if len(self.models) == 1 else ""))


def show_message(message: Message) -> None:
    """A stored message as the chat shows it."""
    versions = f"  ‹ {message.version}/{message.versions} ›" if message.versions > 1 else ""  # noqa: RUF001
    if message.author is Author.USER:
        say(f"> {message.content}{versions}", style="cyan")
        return
    if message.content:
        print_markdown(message.content)
    if text := " ".join(filter(None, [status_note(message), versions.strip()])):
        note(text)
    out().print()
