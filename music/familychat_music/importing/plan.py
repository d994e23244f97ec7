"""Which column of a list becomes which column of the library."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from familychat.wording import Text
from familychat_music.importing.cells import Row
from familychat_music.importing.dates import Order
from familychat_music.importing.headings import Strength
from familychat_music.importing.layout import Heading, Layout
from familychat_music.importing.refusals import listed, refused
from familychat_music.importing.roles import DAY_FIRST, MONTH_FIRST, Form, Guess, guess
from familychat_music.schema import Role

MAX_COLUMNS = 500
"""A list with more columns is refused; SQLite takes 2,000."""
IGNORE = "ignore"
"""What a mapping says of a column that is to be left out."""
YEAR_FROM_DATE = -1
"""The ``index`` of the year that is taken from the release date."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A column to be: ``index`` is its cell in a row, ``source`` its header, ``name`` its name in the library."""

    index: int
    source: str
    name: str
    guess: Guess


@dataclass(frozen=True, slots=True)
class Plan:
    """The columns of ``songs``, in the file's order."""

    columns: tuple[Planned, ...]

    def as_text(self, names: Collection[str]) -> Plan:
        """The same plan with some columns as text, under their own names; a year taken from one of them goes."""
        taken = {"id"} | {column.name.casefold() for column in self.columns}
        columns = []
        for column in self.columns:
            if column.name not in names:
                columns.append(column)
            else:
                name = _free(column.source, taken) if column.guess.role else column.name
                columns.append(replace(column, name=name, guess=Guess(Form.TEXT)))
        if Role.RELEASE_DATE.value in names:
            columns = [column for column in columns if column.index != YEAR_FROM_DATE]
        return Plan(tuple(columns))

    def with_other_order(self, name: str) -> Plan:
        """The same plan with the dates of one column read the other way round."""
        return Plan(tuple(_turned(column) if column.name == name else column for column in self.columns))


def make_plan(layout: Layout, rows: Sequence[Row], mapping: Mapping[str, str], first_column: int = 0) -> Plan:
    """Decide names, kinds and roles from the headers and a sample of rows below them."""
    if len(layout.headings) > MAX_COLUMNS:
        raise refused(
            Text(
                "The list has %(count)s columns; a music list may have %(most)s.",
                count=f"{len(layout.headings):,}",
                most=MAX_COLUMNS,
            ),
            Text("Keep the columns about music and import it again."),
        )
    given = _given_roles(layout.headings, mapping, first_column)
    kept = [heading for heading in layout.headings if given.get(heading.index, Role.TITLE) is not None]
    guesses = [
        guess(heading.text, [row[heading.index] for row in rows if heading.index < len(row)], given.get(heading.index))
        for heading in kept
    ]
    guesses = _one_each(guesses)
    columns = _named(kept, guesses, first_column)
    return Plan(_with_year(columns))


def role_named(name: str) -> Role | None:
    """The role that a mapping names, None to leave the column out."""
    wanted = name.strip().casefold()
    if wanted == IGNORE:
        return None
    try:
        return Role(wanted)
    except ValueError:
        raise refused(
            Text('"%(name)s" is nothing that a column can be.', name=name[:60]),
            Text("There are %(roles)s, and %(ignore)s to leave the column out.", roles=", ".join(Role), ignore=IGNORE),
        ) from None


def _given_roles(headings: Sequence[Heading], mapping: Mapping[str, str], first_column: int) -> dict[int, Role | None]:
    """What the mapping says, by the columns' indexes. Headers are compared as they stand, else caseless."""
    texts = [_source(heading, first_column) for heading in headings]
    given: dict[int, Role | None] = {}
    roles: list[Role] = []
    for header, name in mapping.items():
        wanted = " ".join(header.split())
        same = [text for text in texts if text == wanted] or [t for t in texts if t.casefold() == wanted.casefold()]
        if not same:
            raise refused(
                Text('There is no column "%(name)s".', name=header[:60]),
                Text("There are %(names)s.", names=listed(texts)),
            )
        role = role_named(name)
        given |= {heading.index: role for heading, text in zip(headings, texts, strict=True) if text == same[0]}
        roles += [role] if role else []
    if twice := next((role for role in roles if roles.count(role) > 1), None):
        raise refused(
            Text('Two columns were said to be "%(role)s".', role=twice), Text("Give each role to one column.")
        )
    return given


def _one_each(guesses: list[Guess]) -> list[Guess]:
    """Let the best claim to a role have it; the others keep what their cells are."""
    best: dict[Role, int] = {}
    for position, chosen in enumerate(guesses):
        if chosen.role is None:
            continue
        rival = best.get(chosen.role)
        if rival is None or chosen.strength > guesses[rival].strength:
            best[chosen.role] = position
    return [
        chosen if chosen.role is None or best[chosen.role] == position else replace(chosen, role=None)
        for position, chosen in enumerate(guesses)
    ]


def _named(headings: Sequence[Heading], guesses: Sequence[Guess], first_column: int) -> list[Planned]:
    """Names for the library: the role, else the header, else the place. No two are the same, caseless."""
    taken = {"id"} | {chosen.role.value for chosen in guesses if chosen.role}
    columns = []
    for heading, chosen in zip(headings, guesses, strict=True):
        unnamed = f"column_{first_column + heading.index + 1}"
        name = chosen.role.value if chosen.role else _free(heading.text or unnamed, taken)
        taken.add(name.casefold())
        columns.append(Planned(heading.index, _source(heading, first_column), name, chosen))
    return columns


def _source(heading: Heading, first_column: int) -> str:
    """What a column is called in the file: its header, else its place."""
    return heading.text or f"Column {first_column + heading.index + 1}"


def _turned(column: Planned) -> Planned:
    month = column.guess.order is Order.DAY_FIRST
    said = MONTH_FIRST if month else DAY_FIRST
    order = Order.MONTH_FIRST if month else Order.DAY_FIRST
    return replace(column, guess=replace(column.guess, order=order, converted=said))


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _with_year(columns: list[Planned]) -> tuple[Planned, ...]:
    """Add the year after the release date, unless there is one already."""
    names = [column.name.casefold() for column in columns]
    if Role.RELEASE_DATE.value not in names or Role.YEAR.value in names:
        return tuple(columns)
    place = names.index(Role.RELEASE_DATE.value)
    date = columns[place]
    if date.guess.form is not Form.DATE:
        return tuple(columns)
    year = Planned(
        YEAR_FROM_DATE, date.source, Role.YEAR.value,
        Guess(Form.YEAR, Role.YEAR, Strength.LOOSE, converted=Text("taken from %(column)s", column=date.name)),
    )  # fmt: skip
    return (*columns[: place + 1], year, *columns[place + 1 :])
