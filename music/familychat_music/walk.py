"""Walking over the items of a question: what stands where, and the numbers and decades there."""

from __future__ import annotations

from typing import NamedTuple

from familychat_music.meaning import Meaning
from familychat_music.reading import Item, Reading

UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
LAST_YEAR_OF = 9
DECADE_PARTS = {"early": (0, 3), "mid": (4, 6), "late": (7, 9)}


class Number(NamedTuple):
    """A number of a question with its unit (lengths come in seconds), and how many items it takes."""

    value: float
    unit: str | None
    used: int


class Walk:
    """The items of one reading, and the meaning that the rules fill in. Places are item numbers."""

    def __init__(self, reading: Reading) -> None:
        self.items = reading.items
        self.question = reading.question
        self.meaning = Meaning()
        self.negated_until = -1

    def at(self, place: int) -> Item | None:
        return self.items[place] if 0 <= place < len(self.items) else None

    def entry(self, place: int, heading: str) -> str | None:
        item = self.at(place)
        return item.entry(heading) if item else None

    def little(self, place: int) -> bool:
        """A word like "the" that may stand between two others."""
        item = self.at(place)
        return (
            item is not None
            and item.link is None
            and item.end - item.start == 1
            and self.question.is_little(item.start)
        )

    def skip_little(self, place: int, most: int = 2) -> int:
        """The next place whose item isn't a mere little word."""
        for _ in range(most):
            item = self.at(place)
            if item is None or item.senses or item.number is not None or not self.little(place):
                break
            place += 1
        return place

    def negated(self, place: int) -> bool:
        return place <= self.negated_until

    def number_at(self, place: int) -> Number | None:
        """A number and its unit from ``place`` on."""
        item = self.at(place)
        if item is None or item.number is None or item.link is not None:
            return None
        if item.clock:
            return Number(item.number, "second", 1)
        value, used = self._with_half(item.number, 1.0, place, 1)
        unit = self.entry(place + used, "unit")
        if unit is None or unit not in UNITS:
            return Number(value, unit, used + (unit is not None))
        value, used = self._with_half(value * UNITS[unit], UNITS[unit], place, used + 1)
        return self._with_seconds(Number(value, "second", used), unit, place)

    def _with_half(self, value: float, unit: float, place: int, used: int) -> tuple[float, int]:
        """Two and a half minutes, two minutes and a half."""
        half = self.at(place + used)
        if half is not None and half.entry("number") == "half":
            return value + 0.5 * unit, used + 1
        return value, used

    def _with_seconds(self, number: Number, unit: str, place: int) -> Number:
        """Two minutes and thirty seconds."""
        joined = self.skip_little(place + number.used, 1)
        more = self.at(joined)
        if unit == "second" or more is None or more.number is None or self.entry(joined + 1, "unit") is None:
            return number
        smaller = self.number_at(joined)
        if smaller is None or smaller.unit != "second":
            return number
        return Number(number.value + smaller.value, "second", joined - place + smaller.used)

    def decade_at(self, place: int) -> tuple[int, int, int] | None:
        """A decade or a part of one: (first year, last year, items used)."""
        part = self.entry(place, "decade_part")
        at = self.skip_little(place + 1, 1) if part else place
        found = self.entry(at, "decade")
        item = self.at(at)
        if found is None or item is None or item.link is not None:
            return None
        low, high = DECADE_PARTS[part] if part else (0, LAST_YEAR_OF)
        return int(found) + low, int(found) + high, at + 1 - place
