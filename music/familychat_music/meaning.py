"""What a question says, apart from any library: conditions, and what is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from familychat_music.linking import Link
from familychat_music.plan import Comparison
from familychat_music.schema import Role


@dataclass(frozen=True, slots=True)
class Named:
    """A condition on a column that the question names by a value; ``together`` if all values must hold at once."""

    links: tuple[Link, ...]
    negated: bool = False
    together: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on a number: the role's value compared with one or two numbers (seconds, years, stars)."""

    role: Role | None
    comparison: Comparison
    values: tuple[float, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """A condition on a title: it is a ``kind`` of version (live, remix), or holds or begins with words."""

    kind: str
    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Superlative:
    """``key`` is a role or a group of them (popular, best, count, any); ``count`` how many are wanted."""

    key: str
    descending: bool
    count: int | None
    place: int
    ordinal: int = 1


@dataclass(slots=True)
class Meaning:
    """All that a reading says. Places are item numbers, so that order can be told."""

    asked: list[tuple[str, int]] = field(default_factory=list)
    hints: list[tuple[Role, int]] = field(default_factory=list)
    named: list[Named] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    relative: list[tuple[Role, Comparison, Link]] = field(default_factory=list)
    sorting: list[tuple[Role, bool]] = field(default_factory=list)
    also: list[Role] = field(default_factory=list)
    missing: list[Role] = field(default_factory=list)
    months: list[tuple[int, int]] = field(default_factory=list)
    wordings: list[Wording] = field(default_factory=list)
    adjectives: list[tuple[str, bool]] = field(default_factory=list)
    superlatives: list[Superlative] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    having: list[tuple[Comparison, float]] = field(default_factory=list)
    aggregates: list[tuple[str, int]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    limit: int | None = None
    ordinal: int | None = None
    lists: bool = False
    who: bool = False
    more: bool = False
    lacking: bool = False
    random: bool = False
    together: bool = False
    pronoun: bool = False
    follow_up: bool = False
    greeting: bool = False
    beyond: list[str] = field(default_factory=list)
    hostile: bool = False
    loose: list[str] = field(default_factory=list)
    unknown_names: list[tuple[str, str]] = field(default_factory=list)
