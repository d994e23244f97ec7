"""The line at one model server, and its rules. Values only: nothing here waits, and nothing is stored.

- People take turns, however many questions one of them asks: whoever was let in goes behind everybody else.
- One model at a time. With nobody being answered, those who want the model of the last answer go first; with somebody
  being answered, only those who want the same model can join. Nobody is passed over for longer than one round: only
  those may go ahead who stood in the line when it first happened, each once.
- Background jobs are let in when nobody waits or is being answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import is_
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True, slots=True)
class Place:
    """One question in the line, or one background job; ``process`` and ``number`` name it.

    ``model`` is the one it wants, "" if any will do; once ``admitted``, the one it has. ``slots`` is how many answers
    its process knows the server to write at once.
    """

    process: str
    number: int
    person: str
    model: str = ""
    background: bool = False
    admitted: bool = False
    slots: Annotated[int, Meta(ge=1)] | None = None

    @property
    def waits(self) -> bool:
        """Whether a person waits here."""
        return not self.admitted and not self.background


@dataclass(frozen=True, slots=True)
class Standing:
    """A person who waits: the ticket they drew on lining up, and the newest ticket when they were first passed."""

    person: str
    ticket: int
    passed: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Everybody at one model server. ``places`` are in the order of coming, ``people`` in the order of their turns.

    ``model`` is that of the last answer, as far as anybody said; ``slots`` the answers at a time, ``tickets`` the
    number of tickets drawn so far.
    """

    slots: Annotated[int, Meta(ge=1)] = 1
    model: str = ""
    tickets: int = 0
    places: tuple[Place, ...] = ()
    people: tuple[Standing, ...] = ()

    @property
    def holders(self) -> tuple[Place, ...]:
        """Those being answered."""
        return tuple(place for place in self.places if place.admitted)


def joined(line: Line, places: Sequence[Place]) -> Line:
    """The line with more places at its end, also with some that hold their slot already."""
    models = [place.model for place in places if place.admitted and place.model]
    return _lined_up(replace(line, places=(*line.places, *places), model=models[-1] if models else line.model))


def left(line: Line, leaves: Callable[[Place], bool]) -> Line:
    """The line without the places of which ``leaves`` is true."""
    return _lined_up(replace(line, places=tuple(place for place in line.places if not leaves(place))))


def moved_up(line: Line) -> Line:
    """The line with everybody let in for whom there is a slot."""
    known = [place.slots for place in line.places if place.slots is not None]
    # If processes know different numbers, the careful one holds.
    line = replace(line, slots=min(known)) if known else line
    while (chosen := _next(line)) is not None:
        line = _let_in(line, *chosen)
    if line.places and not line.people and not line.holders:  # background jobs alone
        line = _let_in(line, line.places[0], ())
    return line


def order(line: Line) -> list[Place]:
    """Those who wait, in the order of their turns if nobody else comes and the longest answer always ends first."""
    found: list[Place] = []
    while line.people:
        chosen = _next(line)
        if chosen is None:
            ended = line.holders[0]
            line = left(line, partial(is_, ended))
            continue
        found.append(chosen[0])
        line = _let_in(line, *chosen)
    return found


def _lined_up(line: Line) -> Line:
    """Everybody who waits has a standing, newcomers behind the others, and nobody else has one."""
    waiting = dict.fromkeys(place.person for place in line.places if place.waits)
    staying = [standing for standing in line.people if standing.person in waiting]
    known = {standing.person for standing in staying}
    coming = [person for person in waiting if person not in known]
    new = [Standing(person, line.tickets + number) for number, person in enumerate(coming, 1)]
    return replace(line, people=(*staying, *new), tickets=line.tickets + len(new))


def _next(line: Line) -> tuple[Place, Sequence[str]] | None:
    """Whose turn it is, if there is a slot, and the people whom that one passes."""
    if len(line.holders) >= line.slots or not line.people:
        return None
    first = _first_places(line.places)
    passed: list[Standing] = []
    for standing in line.people:
        place = first[standing.person]
        if _fits(line, place):
            if all(other.passed is None or standing.ticket <= other.passed for other in passed):
                return place, [other.person for other in passed]
            break  # those behind drew later tickets still
        passed.append(standing)
    if line.holders:
        return None
    return first[line.people[0].person], ()


def _first_places(places: Iterable[Place]) -> dict[str, Place]:
    first: dict[str, Place] = {}
    for place in places:
        if place.waits:
            first.setdefault(place.person, place)
    return first


def _fits(line: Line, place: Place) -> bool:
    """Whether answering it takes no other model than the one that is there."""
    if not place.model:
        return True
    holders = line.holders
    if holders:
        return all(holder.model == place.model for holder in holders)
    return line.model in {"", place.model}


def _let_in(line: Line, place: Place, passed: Sequence[str]) -> Line:
    model = place.model or line.model
    admitted = replace(place, admitted=True, model=model)
    people = tuple(
        replace(standing, passed=line.tickets) if standing.person in passed and standing.passed is None else standing
        for standing in line.people
        if standing.person != place.person
    )
    places = tuple(admitted if one is place else one for one in line.places)
    return _lined_up(replace(line, model=model, places=places, people=people))
