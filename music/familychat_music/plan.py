"""A plan: what a question means, in the terms of the library. SQL is built from it, so it can't be malformed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from familychat_music.rows import Value
from familychat_music.schema import Role


class Part(StrEnum):
    """What of a column's value is meant."""

    WHOLE = "whole"
    YEAR = "year"
    DECADE = "decade"


class Aggregate(StrEnum):
    """How many values become one."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    LEAST = "least"
    MOST = "most"


class Comparison(StrEnum):
    """How a condition compares; LIKE ones look for whole texts inside the value, caseless."""

    IN = "in"
    NOT_IN = "not in"
    CONTAINS = "contains"
    CONTAINS_NOT = "contains not"
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    EQUALS = "="
    DIFFERS = "<>"
    BETWEEN = "between"
    OUTSIDE = "not between"
    KNOWN = "known"
    UNKNOWN = "unknown"
    STARTS = "starts"
    STARTS_NOT = "starts not"
    ENDS = "ends"


class Ref(msgspec.Struct, frozen=True, tag="ref"):
    """A column of the library, or a part of its values. ``scale`` turns stored durations into seconds.

    This and :class:`Measure` carry a tag, so that a stored plan can be read again.
    """

    table: str
    column: str
    role: Role | None = None
    part: Part = Part.WHOLE
    scale: float = 1.0

    def of(self, part: Part) -> Ref:
        """Another part of the same column."""
        return msgspec.structs.replace(self, part=part)


class Measure(msgspec.Struct, frozen=True, tag="measure"):
    """An aggregate over a column, or over the rows of ``table`` when ``ref`` is None (a count)."""

    aggregate: Aggregate
    ref: Ref | None
    table: str


@dataclass(frozen=True, slots=True)
class Condition:
    """``ref`` compared with ``values`` (durations in seconds, years as numbers), or with what ``than`` gives."""

    ref: Ref
    comparison: Comparison
    values: tuple[Value, ...] = ()
    than: Plan | None = None


@dataclass(frozen=True, slots=True)
class Having:
    """A condition on a group's measure: more than five songs."""

    measure: Measure
    comparison: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by ``by``; greatest first if ``descending``."""

    by: Ref | Measure
    descending: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A question's meaning. ``base`` is the table whose rows are listed or measured.

    ``random`` picks rows by chance; ``distinct`` lists each value once.
    """

    base: str
    select: tuple[Ref | Measure, ...]
    conditions: tuple[Condition, ...] = ()
    group_by: tuple[Ref, ...] = ()
    having: Having | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    distinct: bool = False
    random: bool = False
