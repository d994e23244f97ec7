"""From what a question says to a plan over a library's columns."""

from __future__ import annotations

from dataclasses import dataclass

from familychat_music.columns import BEST, POPULAR, Columns
from familychat_music.conditions import conditions
from familychat_music.meaning import Meaning, Superlative
from familychat_music.plan import Aggregate, Comparison, Condition, Having, Measure, Order, Part, Plan, Ref
from familychat_music.schema import Role

_NUMBERS = (Role.DURATION, Role.RATING, Role.POPULARITY, Role.PLAY_COUNT, Role.BPM, Role.BITRATE, Role.FILE_SIZE)
_AGGREGATES = {"average": Aggregate.AVERAGE, "sum": Aggregate.SUM}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for: a role, or ``decade``; where in the question."""

    name: str
    place: int


class Drafter:
    """Turns one meaning into the plan that fits it."""

    def __init__(self, meaning: Meaning, columns: Columns) -> None:
        self.meaning = meaning
        self.columns = columns
        self.conditions = conditions(meaning, columns)
        self.asked = [Asked(name, place) for name, place in meaning.asked]

    def plan(self) -> Plan | None:
        """The plan, or None if the library lacks what is asked for."""
        meaning = self.meaning
        if (special := self._special()) is not None:
            return special
        if meaning.aggregates and not (meaning.counts and not self._number_asked()):
            return self._aggregate()
        if meaning.counts or self._counts_groups():
            return self._count()
        return self._list()

    def _special(self) -> Plan | None:
        """Groups with so many songs, two that are compared, and rankings."""
        meaning = self.meaning
        entity = self._entity()
        if meaning.having and entity is not None:
            return self._groups_with(entity)
        if meaning.more and (compared := self._compared()) is not None:
            return compared
        superlative = meaning.superlatives[0] if meaning.superlatives else self._first_or_last()
        return self._superlative(superlative) if superlative else None

    # -- what is spoken of

    def _ref(self, name: str, *, single: bool = True) -> Ref | None:
        if name == "decade":
            year = self.columns.ref(Role.YEAR)
            return year.of(Part.DECADE) if year else None
        return self.columns.ref(Role(name), single=single)

    def _number_asked(self, after: int = -1) -> Ref | None:
        """The number that is spoken of: length, rating ...; the first after a place, else any."""
        spoken = [(asked.place, asked.name) for asked in self.asked]
        spoken += [(place, role.value) for role, place in self.meaning.hints]
        numbers = sorted((place, name) for place, name in spoken if name in set(_NUMBERS))
        later = [name for place, name in numbers if place > after] or [name for _, name in numbers]
        return self.columns.ref(Role(later[0])) if later else None

    def _entity(self, *, skip: int | None = None) -> str | None:
        """The first thing asked for that isn't a song or a number; ``skip`` leaves out what stands at that place."""
        for asked in self.asked:
            if asked.place != skip and asked.name not in {Role.TITLE, *_NUMBERS}:
                return asked.name
        return Role.ARTIST.value if self.meaning.who else None

    @property
    def _songs(self) -> str:
        return self.columns.main.name

    def _known(self, ref: Ref) -> Condition:
        return Condition(ref.of(Part.WHOLE), Comparison.KNOWN)

    def _first_or_last(self) -> Superlative | None:
        """The first song we added, the last one they made."""
        songs = any(asked.name == Role.TITLE for asked in self.asked)
        added = any(role is Role.DATE_ADDED for role, _ in self.meaning.hints)
        key = Role.DATE_ADDED if added else Role.YEAR
        if self.meaning.ordinal not in {1, -1} or not songs or self.columns.ref(key) is None:
            return None
        return Superlative(key.value, self.meaning.ordinal == -1, None, 0)

    def _count_of(self, name: str) -> tuple[Measure, str] | None:
        """How many songs, artists, albums: the measure and the table to count in."""
        if name == Role.TITLE:
            return Measure(Aggregate.COUNT, None, self._songs), self._songs
        ref = self._ref(name)
        if ref is None:
            return None
        if self.columns.is_entity(ref.table):
            return Measure(Aggregate.COUNT, None, ref.table), ref.table
        return Measure(Aggregate.COUNT, ref, ref.table), ref.table

    # -- the kinds of questions

    def _count(self) -> Plan | None:
        start = self.meaning.counts[0] if self.meaning.counts else -1
        after = [asked for asked in self.asked if asked.place > start]
        names = [asked.name for asked in after or self.asked if asked.name not in set(_NUMBERS)] or [Role.TITLE.value]
        groups = list(self.meaning.groups)
        if not groups and len(names) > 1 and names[0] == Role.TITLE and not after[1:2]:
            groups = names[1:]
        counted = self._count_of(names[0])
        if counted is None:
            return None
        measure, base = counted
        if not groups:
            return Plan(base, (measure,), self.conditions)
        ref = self._ref(groups[0])
        if ref is None:
            return None
        base = base if self.columns.is_entity(base) else self._songs
        return Plan(base, (ref, measure), (*self.conditions, self._known(ref)), group_by=(ref,))

    def _compared(self) -> Plan | None:
        """More songs by one or by the other: both with their counts."""
        names = next((c for c in self.conditions if c.comparison is Comparison.IN and len(self._links_of(c)) > 1), None)
        if names is None:
            return None
        measure = Measure(Aggregate.COUNT, None, self._songs)
        return Plan(self._songs, (names.ref, measure), self.conditions, group_by=(names.ref,))

    def _links_of(self, condition: Condition) -> list[str]:
        refs = [
            named for named in self.meaning.named for link in named.links if link.column.column == condition.ref.column
        ]
        return [link.values[0] for named in refs for link in named.links]

    def _counts_groups(self) -> bool:
        """Songs per genre: how many of them."""
        return bool(self.meaning.groups) and [asked.name for asked in self.asked] == [Role.TITLE]

    def _aggregate(self) -> Plan | None:
        name, place = self.meaning.aggregates[0]
        ref = self._number_asked(place) or self.columns.ref(Role.DURATION)
        if ref is None:
            return None
        measure = Measure(_AGGREGATES[name], ref, ref.table)
        group = next((found for found in map(self._ref, self.meaning.groups) if found), None)
        if group is None:
            return Plan(self._songs, (measure,), self.conditions)
        return Plan(self._songs, (group, measure), (*self.conditions, self._known(group)), group_by=(group,))

    def _superlative(self, superlative: Superlative) -> Plan | None:
        key, place = superlative.key, superlative.place
        counted = self._counted_by(superlative)
        if counted is not None:
            return self._ranked_groups(*counted, superlative)
        ref = self._sorting_ref(key, place)
        if ref is None:
            return None
        entity = self._entity()
        if entity is not None and self._spans_groups(entity, ref, place):
            kind = Aggregate.AVERAGE if any(name == "average" for name, _ in self.meaning.aggregates) else Aggregate.SUM
            measure = Measure(kind, ref, ref.table)
            return self._ranked_groups(entity, measure, self._songs, superlative)
        return self._ranked_rows(entity, ref, superlative)

    def _ranked_rows(self, entity: str | None, ref: Ref, superlative: Superlative) -> Plan | None:
        numbers = [
            asked.name for asked in self.asked if asked.name in set(_NUMBERS) and asked.place < superlative.place
        ]
        songs = any(asked.name == Role.TITLE for asked in self.asked)
        name = entity or (numbers[0] if numbers and numbers[0] == ref.role else Role.TITLE.value)
        if superlative.key == "any" and not entity and not songs and ref.role in set(_NUMBERS):
            name = str(ref.role)
        shown = self._ref(name, single=False)
        if shown is None:
            return None
        return Plan(
            self._songs,
            (shown,),
            self.conditions if superlative.descending else (*self.conditions, self._known(ref)),
            order=(Order(ref, superlative.descending),),
            limit=1 if superlative.ordinal > 1 else superlative.count or 1,
            offset=superlative.ordinal - 1,
        )

    def _ranked_groups(self, entity: str, measure: Measure, base: str, superlative: Superlative) -> Plan | None:
        ref = self._ref(entity)
        if ref is None:
            return None
        return Plan(
            base if self.columns.is_entity(base) else self._songs,
            (ref,),
            (*self.conditions, self._known(ref)),
            group_by=(ref,),
            order=(Order(measure, superlative.descending),),
            limit=1 if superlative.ordinal > 1 else superlative.count or 1,
            offset=superlative.ordinal - 1,
        )

    def _counted_by(self, superlative: Superlative) -> tuple[str, Measure, str] | None:
        """The most songs, the most common genre: what is grouped, and what is counted."""
        key, place = superlative.key, superlative.place
        later = next((asked for asked in self.asked if asked.place > place), None)
        popular = key in {"popular", "count"} or (key == "any" and not self._number_after(place))
        entity = self._entity(skip=later.place if later and key == "any" else None)
        if not popular or (key == "popular" and self.columns.first(POPULAR) is not None):
            return None
        thing = later.name if key == "any" and later else Role.TITLE.value
        if key == "any" and later is None and entity is None:
            return None
        if entity is None:
            entity = self.meaning.groups[0] if self.meaning.groups else None
        if entity is None or entity == thing:
            return None
        counted = self._count_of(thing)
        return (entity, *counted) if counted else None

    def _number_after(self, place: int) -> bool:
        return any(asked.place > place and asked.name in {*_NUMBERS, Role.YEAR} for asked in self.asked) or any(
            at > place and role in _NUMBERS for role, at in self.meaning.hints
        )

    def _sorting_ref(self, key: str, place: int) -> Ref | None:
        if key == "popular":
            return self.columns.first(POPULAR)
        if key == "best":
            return self.columns.first(BEST)
        if key == "any":
            return self._number_asked(place) or self.columns.first(POPULAR)
        if key == "count":
            return None
        if key == Role.YEAR:
            return self.columns.ref(Role.RELEASE_DATE, instead=False) or self.columns.ref(Role.YEAR)
        return self.columns.ref(Role(key))

    def _spans_groups(self, entity: str, ref: Ref, place: int) -> bool:
        """Whether a ranking is of whole groups: by an average, or albums by their whole length."""
        if any(name in _AGGREGATES for name, _ in self.meaning.aggregates):
            return True
        songs_later = any(asked.name == Role.TITLE and asked.place > place for asked in self.asked)
        return ref.role is Role.DURATION and entity in {Role.ALBUM, Role.FILM, Role.PLAYLIST} and not songs_later

    def _groups_with(self, entity: str) -> Plan | None:
        comparison, value = self.meaning.having[0]
        ref = self._ref(entity)
        thing = self.meaning.groups[-1] if self.meaning.groups else Role.TITLE.value
        counted = self._count_of(thing)
        if ref is None or counted is None:
            return None
        measure, base = counted
        base = base if self.columns.is_entity(base) else self._songs
        return Plan(
            base,
            (ref,),
            (*self.conditions, self._known(ref)),
            group_by=(ref,),
            having=Having(measure, comparison, value),
        )

    def _list(self) -> Plan | None:
        name = self._listed()
        about_one = any(c.ref.role is Role.TITLE for c in self.conditions)
        if name in set(_NUMBERS) and not about_one:
            ref = self.columns.ref(Role(name))
            if name == Role.DURATION and ref is not None:
                return Plan(self._songs, (Measure(Aggregate.SUM, ref, ref.table),), self.conditions)
        ref = self._ref(name, single=not (about_one and self.meaning.who))
        if ref is None:
            return None
        if name == Role.TITLE and (self.meaning.also or self.meaning.sorting):
            return self._listed_with(ref)
        if name == Role.TITLE:
            return Plan(
                self._songs, (ref,), self.conditions, limit=1 if self._one_at_random() else self.meaning.limit,
                random=self.meaning.random,
            )  # fmt: skip
        if name in set(_NUMBERS):
            return Plan(self._songs, (ref,), self.conditions, distinct=about_one, limit=self.meaning.limit)
        base = ref.table
        known = () if about_one else (self._known(ref),)
        limit = 1 if self._one_at_random() else self.meaning.limit
        return Plan(base, (ref,), (*self.conditions, *known), distinct=True, limit=limit, random=self.meaning.random)

    def _listed_with(self, title: Ref) -> Plan:
        """Songs with more of what is known of them, or in an order."""
        also = [ref for role in self.meaning.also if (ref := self.columns.ref(role, single=False)) is not None]
        order = [
            Order(ref, descending)
            for role, descending in self.meaning.sorting
            if (ref := self.columns.ref(role, single=False)) is not None
        ]
        return Plan(self._songs, (title, *also), self.conditions, order=tuple(order), limit=self.meaning.limit)

    def _one_at_random(self) -> bool:
        return self.meaning.random and self.meaning.limit is None

    def _listed(self) -> str:
        """What is to be listed: the first thing asked for, else songs."""
        if self.asked:
            return self.asked[0].name
        return Role.ARTIST.value if self.meaning.who and self.conditions else Role.TITLE.value
