"""Fitting a conversation into what a model can read at once (its context length, in tokens)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from familychat.errors import QuestionTooLongError
from familychat.llm.base import ChatMessage
from familychat.models import Author, Message, Status
from familychat.wording import Text

ASSUMED_CONTEXT_LENGTH = 8192
"""For servers that don't say."""
ANSWER_TOKENS = 1024
TOKENS_PER_MESSAGE = 8
"""Room for the marks a chat template puts around each message."""

_LETTERS = bytes(range(ord("a"), ord("z") + 1)) + bytes(range(ord("A"), ord("Z") + 1)) + b" "
_BEYOND_ASCII = bytes(range(128, 256))


def estimate_tokens(text: str) -> int:
    """About how many tokens a text takes, rather too many than too few.

    Measured against SmolLM2's tokenizer, a small and English one, which makes more tokens than most: about 4.2 letters
    of English a token, every digit or sign one, and 1.5 bytes of other scripts. English, German, Hindi, Chinese, code,
    numbers and emoji came out at 0.9 to 1.7 times the truth. What is still too long is shortened when the server
    says so.
    """
    data = text.encode("utf-8", "replace")
    letters = len(data) - len(data.translate(None, _LETTERS))
    beyond = len(data) - len(data.translate(None, _BEYOND_ASCII))
    return round(letters / 3.5 + beyond / 1.4 + (len(data) - letters - beyond)) + 1


@dataclass(frozen=True, slots=True)
class Fitted:
    """What to send, and how many of the oldest turns were left out."""

    messages: list[ChatMessage]
    left_out: int


def turns_of(history: Sequence[Message]) -> list[list[ChatMessage]]:
    """The past as whole turns; a question that got no answer is left out with its failure, as is a blocked one."""
    turns: list[list[ChatMessage]] = []
    for question, answer in itertools.pairwise(history):
        answered = question.author is Author.USER and answer.author is Author.ASSISTANT
        blocked = "safety" in answer.details
        if answered and not blocked and answer.status is not Status.FAILED and answer.content.strip():
            turns.append([ChatMessage("user", question.content), ChatMessage("assistant", answer.content)])
    return turns


def fit(
    system: str,
    history: Sequence[Message],
    question: str,
    *,
    begun: str = "",
    context_length: int,
    max_tokens: int | None,
    model: str,
) -> Fitted:
    """Keep the newest whole turns that fit beside the question, with room for an answer.

    An answer that was ``begun`` stands last, for the model to go on with. Raises :class:`QuestionTooLongError`, with
    its size and the limit, if the question alone doesn't fit.
    """
    limit = context_length - min(max_tokens or ANSWER_TOKENS, context_length // 4)
    opening = [ChatMessage("system", system)] if system else []
    asked = [ChatMessage("user", question), *([ChatMessage("assistant", begun)] if begun else [])]
    needed = _size([*opening, *asked])
    if needed > limit:
        raise QuestionTooLongError(
            Text(
                "This is about %(needed)s tokens long, and %(model)s can read %(limit)s at once. Nothing was sent.",
                needed=f"{needed:,}",
                model=model,
                limit=f"{limit:,}",
            ),
            "Shorten it, or choose a model that reads more with /model.",
        )
    turns = turns_of(history)
    kept: list[list[ChatMessage]] = []
    for turn in reversed(turns):
        needed += _size(turn)
        if needed > limit:
            break
        kept.insert(0, turn)
    messages = [*opening, *(message for turn in kept for message in turn), *asked]
    return Fitted(messages, len(turns) - len(kept))


def _size(messages: Sequence[ChatMessage]) -> int:
    return sum(estimate_tokens(message.content) + TOKENS_PER_MESSAGE for message in messages)
