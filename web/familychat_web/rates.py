"""How often somebody may do something: counted in memory, in windows of a fixed length."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """``amount`` times in ``seconds``."""

    name: str
    amount: int
    seconds: int


CHANGES = Rate("changes", 240, 60)
"""Whatever changes something, for each person, or for each address that isn't signed in."""

SIGN_INS = Rate("sign-ins", 20, 60)
"""For each address. It spares the processor; the library slows guessing down far more."""


@dataclass(frozen=True, slots=True)
class Count:
    """Where somebody stands: ``used`` of the rate's amount, and seconds until it begins anew."""

    rate: Rate
    used: int
    reset: int

    @property
    def too_many(self) -> bool:
        return self.used > self.rate.amount

    def headers(self) -> dict[str, str]:
        """The same for the one who asked."""
        return {
            "ratelimit-limit": str(self.rate.amount),
            "ratelimit-remaining": str(max(self.rate.amount - self.used, 0)),
            "ratelimit-reset": str(self.reset),
        }


class Rates:
    """Counts. ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, rate: Rate, who: str) -> Count:
        """Count one more."""
        now = self._clock()
        began, used = self._used.pop((rate.name, who), (now, 0))
        if now - began >= rate.seconds:
            began, used = now, 0
        self._used[rate.name, who] = began, used + 1  # the last used come last
        while len(self._used) > MOST_REMEMBERED:
            self._used.pop(next(iter(self._used)))
        return Count(rate, used + 1, math.ceil(began + rate.seconds - now))
