"""The filter of one turn: what of a question and of its answer touches a blocked topic."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from familychat.clock import timestamp, utc_now
from familychat.consulting import ModelAccess
from familychat.errors import FamilychatError, QuestionTooLongError
from familychat.events import Loading
from familychat.family.safety.judging import SECONDS, judge
from familychat.family.safety.kindness import kind_answer, language_of
from familychat.family.safety.topics import Topic, Topics, topics_with
from familychat.models import User
from familychat.store.database import Database
from familychat.store.safety import SafetyEvent, SafetyStore
from familychat.wording import Text

if TYPE_CHECKING:
    from familychat.turn import Turn

LONGEST_QUESTION = 200_000
"""Letters: what is longer takes long to look through, and no model at home reads it anyway."""

QUESTION, ANSWER = "question", "answer"
WORDS, MODEL = "words", "model"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """A blocked topic was found in a question or an answer (``side``), by words or by a model (``found_by``).

    ``language`` is that of the words that were found, where it is known.
    """

    topic: Topic
    side: str
    found_by: str
    language: str = ""


Note = Callable[[Finding], bool]
"""Keeps a finding for a supervisor; false if there is none to keep it for."""


class SafetyFilter:
    """Looks at the texts of one turn. Without ``access``, words alone decide; so they do from a model's failure on."""

    def __init__(self, topics: Topics, access: ModelAccess | None = None, note: Note = lambda _: False) -> None:
        self.topics = topics
        self._access = access if topics.active else None
        self._note = note

    @property
    def asks_model(self) -> bool:
        return self._access is not None

    async def prepare(self) -> AsyncGenerator[Loading, None]:
        """Have the model loaded that is going to judge."""
        if self._access is None:
            return
        try:
            async with contextlib.aclosing(self._access.prepare()) as steps:
                async for step in steps:
                    yield step
        except FamilychatError as error:  # if it is the turn's model, the turn will say so itself
            self._give_up(error)

    async def check_question(self, *texts: str) -> Finding | None:
        """What a person's own words touch. Raises :class:`QuestionTooLongError` for more than can be looked through."""
        text = "\n\n".join(text for text in texts if text)
        if len(text) > LONGEST_QUESTION:
            raise QuestionTooLongError(
                Text(
                    "This is %(count)s letters long, and %(most)s can be checked at most. Nothing was sent.",
                    count=f"{len(text):,}",
                    most=f"{LONGEST_QUESTION:,}",
                ),
                "Shorten it.",
            )
        return await asyncio.to_thread(self.by_words, text, QUESTION) or await self.by_model(text, QUESTION)

    def by_words(self, text: str, side: str, before: str = "") -> Finding | None:
        """What is in the word lists; a phrase may begin in what came ``before``."""
        phrase = self.topics.words.find(text, before=before)
        if phrase is None:
            return None
        return Finding(self.topics.by_name[phrase.topic], side, WORDS, phrase.language)

    async def by_model(self, text: str, side: str, busy: asyncio.Task[None] | None = None) -> Finding | None:
        """What the model says. ``busy`` may hold its server up: until that has ended, the check may take any time."""
        if self._access is None or not text.strip():
            return None
        asking = asyncio.create_task(judge(self._access, self.topics.active, text))
        try:
            if busy is not None:
                await asyncio.wait({asking, busy}, return_when=asyncio.FIRST_COMPLETED)
            async with asyncio.timeout(SECONDS):
                topic = await asking
        except ValueError as error:
            _log.debug("words alone decide about this: %s", error)
            return None
        except (FamilychatError, TimeoutError) as error:
            self._give_up(error)
            return None
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        return None if topic is None else Finding(topic, side, MODEL)

    def _give_up(self, error: Exception) -> None:
        _log.debug("words alone decide from here on: %s", error)
        self._access = None

    def kind_answer(self, finding: Finding, question: str) -> str:
        """What to say instead, in the question's language. Keeps the event for a supervisor, and says so."""
        language = language_of(question, finding.language)
        return kind_answer(finding.topic, side=finding.side, language=language, noted=self._note(finding))


def filter_for(turn: Turn) -> SafetyFilter | None:
    """The filter that the person's age band requires in this household, or None."""
    store = SafetyStore(turn.database)
    rule = store.rule(turn.user.band)
    if not rule.filtered:
        return None

    def note(finding: Finding) -> bool:
        event = SafetyEvent(
            timestamp(utc_now()), finding.topic.name, finding.side, finding.found_by, turn.conversation.id
        )
        return store.note(turn.user.id, event)

    return SafetyFilter(topics_with(store.topics()), turn.access if rule.by_model else None, note)


def title_is_fine(database: Database, user: User, title: str) -> bool:
    """Whether a title that a model wrote may be shown to this person."""
    store = SafetyStore(database)
    return not store.rule(user.band).filtered or topics_with(store.topics()).words.find(title) is None
