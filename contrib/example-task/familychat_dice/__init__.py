"""The task ``dice``: rolls dice, or lets chance decide among what the family can't agree on.

The program draws, never the model: models are bad at chance, and worse at admitting it. The model only tells the
result nicely, and the result stands above what it says.
"""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from familychat.errors import InvalidInputError
from familychat.events import Delta, Event
from familychat.models import Parameters
from familychat.tasks.base import TaskDefaults
from familychat.turn import Turn

MOST_DICE = 20
MOST_SIDES = 1000

_DICE = re.compile(r"\b(\d{0,4})d(\d{1,5})\b", re.IGNORECASE)
_CHOICES = re.compile(r"\s*(?:,|;|\bor\b)\s*", re.IGNORECASE)
_OUTSIDE = " \t\n.?!\"'"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What chance gave: the result, and what it was drawn from, as a person reads them."""

    result: str
    wanted: str


class DiceTask:
    """Draws from ``chance``, which tests replace by one that always gives the same."""

    name = "dice"
    title = "Dice"
    description = "Rolls dice, and picks one when you can't agree"
    opening = "What shall we roll? Say 2d6, or name your choices, and I'll pick one."
    suggestions = ("2d6", "Who washes up: Mum, Dad or the children?", "Pizza, soup or pancakes?", "1d20")
    defaults = TaskDefaults(parameters=Parameters(temperature=0.8, max_tokens=200))

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.SystemRandom()

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """The result first, then the model's sentence about it. Raises what it can't understand as an error."""
        drawn = self.draw(turn.question.content)
        turn.details["dice"] = {"result": drawn.result, "wanted": drawn.wanted}
        yield Delta(f"**{drawn.result}**\n\n")
        prompt = (
            f"Chance has decided about: {drawn.wanted}. The result is: {drawn.result}. "
            "Tell the family this result in one cheerful sentence. Never change it and never draw again."
        )
        async with contextlib.aclosing(turn.complete(prompt)) as events:
            async for event in events:
                yield event

    def draw(self, text: str) -> Drawn:
        """Roll the dice that are named, such as 2d6, else pick one of the choices.

        Raises :class:`InvalidInputError` if there are neither, or too many dice.
        """
        if dice := _DICE.search(text):
            return self._roll(int(dice[1] or 1), int(dice[2]))
        choices = choices_in(text)
        if len(choices) < 2:
            raise InvalidInputError("There is nothing to draw from.", "Say 2d6, or name some choices: tea or cocoa?")
        return Drawn(self._chance.choice(choices), ", ".join(choices))

    def _roll(self, count: int, sides: int) -> Drawn:
        if not 1 <= count <= MOST_DICE or not 2 <= sides <= MOST_SIDES:
            raise InvalidInputError(
                "Nobody has such dice.", f"Up to {MOST_DICE} dice of 2 to {MOST_SIDES} sides, such as 2d6."
            )
        rolled = [self._chance.randint(1, sides) for _ in range(count)]
        shown = " + ".join(map(str, rolled))
        return Drawn(shown if count == 1 else f"{shown} = {sum(rolled)}", f"{count}d{sides}")


def choices_in(text: str) -> list[str]:
    """What there is to choose from: what stands after a colon if there is one, split at commas and ``or``."""
    _, colon, after = text.rpartition(":")
    parts = _CHOICES.split(after if colon else text)
    return [choice for part in parts if (choice := part.strip(_OUTSIDE))]
