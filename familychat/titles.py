"""Titles by the model: made from the first exchange while nobody waits for an answer, given up for whoever asks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from familychat.consulting import ModelAccess
from familychat.errors import FamilychatError, StoreError
from familychat.llm.base import ChatMessage
from familychat.llm.discovery import ServerChoice
from familychat.models import Conversation, Message, TitledBy, User
from familychat.queue import TurnQueue
from familychat.store.conversations import ConversationStore

PAUSE_SECONDS = 1.0
"""How long nobody may have asked anything before a title is made."""

ATTEMPTS = 3
READ_LETTERS = 600
"""Of question and answer each."""
MAX_TOKENS = 24
LONGEST = 60
MOST_WORDS = 7
WORD_LETTERS = 4

INSTRUCTION = "You name conversations. Reply with a title of two to six words and nothing else, in the user's language."

_WRAPPING = re.compile(r"^[\s\"'“”„«»*_#`]+|[\s\"'“”„«»*_#`.:]+$")
_LABEL = re.compile(r"^(title|titel|título|titre|शीर्षक)\s*:\s*", re.IGNORECASE)

_log = logging.getLogger(__name__)

RequireModel = Callable[[User, str], None]
IsFine = Callable[[User, str], bool]
"""Whether a title may be shown to a person."""


@dataclass(slots=True)
class _Wish:
    user: User
    conversation: Conversation
    question: Message
    answer: Message
    attempts: int = 0


class Titles:
    """Names new conversations, one after another. Needs a running event loop from :meth:`wish` on."""

    def __init__(
        self,
        conversations: ConversationStore,
        servers: ServerChoice,
        require_model: RequireModel,
        queue: TurnQueue,
        is_fine: IsFine,
    ) -> None:
        self._conversations = conversations
        self._servers = servers
        self._require_model = require_model
        self._queue = queue
        self._is_fine = is_fine
        self._wishes: list[_Wish] = []
        self._worker: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[str] | None = None

    def wish(self, user: User, conversation: Conversation, question: Message, answer: Message) -> None:
        """Name the conversation once there is time; its title stays as it is if a person gave it.

        An exchange that the safety filter cut is named by its first words alone.
        """
        if "safety" in answer.details:
            return
        self._wishes.append(_Wish(user, conversation, question, answer))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())

    async def settled(self) -> None:
        """Wait until nothing is left to name."""
        if self._worker is not None:
            await asyncio.wait({self._worker})

    async def aclose(self) -> None:
        self._wishes.clear()
        self._make_way()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait({self._worker})

    async def _work(self) -> None:
        while self._wishes:
            await asyncio.sleep(PAUSE_SECONDS)
            wish = self._wishes[0]
            try:
                async with self._queue.background(self._make_way) as admitted:
                    if not admitted:
                        continue
                    wish.attempts += 1
                    made_way = await self._grant(wish)
            except StoreError as error:
                _log.debug("no title: %s", error)
                made_way = False
            if not made_way or wish.attempts >= ATTEMPTS:
                self._wishes.remove(wish)

    def _make_way(self) -> None:
        """Somebody asks something: let go of the model at once, and try again later."""
        if self._asking is not None:
            self._asking.cancel()

    async def _grant(self, wish: _Wish) -> bool:
        """Name one conversation; True if somebody's question came first. A title isn't worth an error."""
        self._asking = asking = asyncio.create_task(self._ask(wish))
        try:
            await asyncio.wait({asking})
            if asking.cancelled():
                return True
            title = tidied(asking.result(), wish.question.content)
            if title and self._is_fine(wish.user, title):
                self._store(wish, title)
        except FamilychatError as error:
            _log.debug("no title: %s", error)
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, FamilychatError):
                await asking
            self._asking = None
        return False

    async def _ask(self, wish: _Wish) -> str:
        access = ModelAccess(
            self._servers,
            lambda model: self._require_model(wish.user, model),
            wanted=wish.answer.model,
            default=None,
        )
        model = await access.model()
        if model.loaded is False:  # it was unloaded meanwhile: a title loads nothing
            return ""
        exchange = f"User: {wish.question.content[:READ_LETTERS]}\n\nAnswer: {wish.answer.content[:READ_LETTERS]}"
        messages = [ChatMessage("system", INSTRUCTION), ChatMessage("user", f"{exchange}\n\nThe title:")]
        return await access.ask(messages, max_tokens=MAX_TOKENS)

    def _store(self, wish: _Wish, title: str) -> None:
        current = self._conversations.get(wish.user.id, wish.conversation.id)
        if current.titled_by is TitledBy.WORDS:
            self._conversations.update(wish.user.id, current.id, title=title, titled_by=TitledBy.MODEL)


def tidied(text: str, question: str) -> str | None:
    """The title in a model's reply; None if it is none: too long, empty, or not about the question."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return None
    line = _WRAPPING.sub("", _LABEL.sub("", _WRAPPING.sub("", lines[0])))
    title = " ".join("".join(sign if sign.isprintable() else " " for sign in line).split())
    if not title or len(title) > LONGEST or len(title.split()) > MOST_WORDS:
        return None
    spaceless = not title.isascii() and title.casefold()[:2] in question.casefold()
    return title if _words(title) & _words(question) or spaceless else None


def _words(text: str) -> set[str]:
    """Its words of four letters and more: shorter ones are in every other text."""
    bare = (word.strip(".,;:!?\"'()*_") for word in text.casefold().split())
    return {word for word in bare if len(word) >= WORD_LETTERS}
