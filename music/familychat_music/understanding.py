"""From the items of a question to what it says.

The rules are tried in order at each place of the question; the first that fits wins.
"""

from __future__ import annotations

from collections.abc import Callable

from familychat_music import rules_numbers, rules_words
from familychat_music.meaning import Meaning
from familychat_music.reading import Reading
from familychat_music.walk import Walk

RULES: tuple[Callable[[Walk, int], int], ...] = (
    rules_words.negation,
    rules_words.group,
    rules_numbers.between,
    rules_numbers.compared_role,
    rules_numbers.compared,
    rules_numbers.number_first,
    rules_numbers.duration_bare,
    rules_words.wording,
    rules_words.unknown_name,
    rules_words.link,
    rules_words.superlative,
    rules_numbers.time,
    rules_words.version,
    rules_words.order,
    rules_words.adjective,
    rules_numbers.limit,
    rules_words.asked,
    rules_words.flags,
)


def understand(reading: Reading) -> Meaning:
    """What a reading of a question says."""
    walk = Walk(reading)
    place = 0
    while place < len(walk.items):
        place += next((used for rule in RULES if (used := rule(walk, place))), 0) or rules_words.loose(walk, place)
    return walk.meaning
