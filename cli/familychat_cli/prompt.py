"""The line a person types at: editing, history, several lines, completion, and a quiet status line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.styles import Style

from familychat_cli.slash import COMMANDS, LIST_LENGTH

if TYPE_CHECKING:
    from familychat_cli.session import ChatSession

STYLE = Style.from_dict({"bottom-toolbar": "noreverse ansibrightblack", "prompt": "bold ansicyan"})


class OwnQuestions(History):
    """The person's own questions, straight from their conversations: no second copy lies around."""

    def __init__(self, session: ChatSession) -> None:
        super().__init__()
        self._session = session

    def load_history_strings(self) -> Iterable[str]:
        """Newest first, as prompt-toolkit wants them."""
        return self._session.home.conversations.recent_questions(self._session.user)

    def store_string(self, string: str) -> None:
        """Nothing to do: a question is stored with its conversation."""


class SlashCompleter(Completer):
    """Completes commands, and the arguments of those that take a known one."""

    def __init__(self, session: ChatSession) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        text = document.text_before_cursor
        if not text.startswith("/") or "\n" in text:
            return
        name, space, rest = text[1:].partition(" ")
        if not space:
            for command in COMMANDS:
                if command.startswith(name.casefold()):
                    yield Completion(command, -len(name), display_meta=COMMANDS[command].meaning)
            return
        for choice in self._choices(name):
            if rest.casefold() in choice.casefold():
                yield Completion(choice, -len(rest))

    def _choices(self, command: str) -> list[str]:
        if command == "model":
            return self._session.models
        if command == "open":
            newest = self._session.home.conversations.newest(self._session.user, LIST_LENGTH)
            return [conversation.title for conversation in newest]
        return []


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


def prompt_session(session: ChatSession) -> PromptSession[str]:
    """A prompt for a chat session. Pasted text keeps its lines; Alt+Enter begins a new one."""
    return PromptSession(
        [("class:prompt", "> ")],
        history=OwnQuestions(session),
        completer=SlashCompleter(session),
        complete_while_typing=True,
        key_bindings=_bindings(),
        bottom_toolbar=session.status,
        prompt_continuation="  ",
        style=STYLE,
        reserve_space_for_menu=4,
    )
