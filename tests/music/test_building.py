"""Whatever plan there is, its SQL is one SELECT that may be run, and finds what the plan says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from familychat_music.building import build_sql, path
from familychat_music.engine import MusicEngine
from familychat_music.guard import check
from familychat_music.plan import Aggregate, Comparison, Condition, Having, Measure, Order, Part, Plan, Ref
from familychat_music.rows import Rows, Value
from familychat_music.runner import Runner
from familychat_music.schema import Kind, Role, Schema
from familychat_music.wording import describe_plan

QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

TITLE = Ref("songs", "title", Role.TITLE)
YEAR = Ref("songs", "year", Role.YEAR)
LENGTH = Ref("songs", "duration_seconds", Role.DURATION)
GENRE = Ref("songs", "genre", Role.GENRE)
ADDED = Ref("songs", "date_added", Role.DATE_ADDED)
RATING = Ref("songs", "rating", Role.RATING)
ARTIST = Ref("song_artists", "artist", Role.ARTIST)
COMPOSER = Ref("song_composers", "composer", Role.COMPOSER)
SONGS = Measure(Aggregate.COUNT, None, "songs")

ORDERED = [Comparison.BELOW, Comparison.AT_MOST, Comparison.ABOVE, Comparison.AT_LEAST, Comparison.EQUALS,
           Comparison.DIFFERS]  # fmt: skip
SINGLE = [*ORDERED, Comparison.STARTS, Comparison.STARTS_NOT, Comparison.ENDS]
MANY = [Comparison.IN, Comparison.NOT_IN, Comparison.CONTAINS, Comparison.CONTAINS_NOT]
RANGES = [Comparison.BETWEEN, Comparison.OUTSIDE]
NONE = [Comparison.KNOWN, Comparison.UNKNOWN]

words = st.sampled_from(["Queen", "ABBA", "a", "The", "1999", "O'Brien", '"', "--", ";", "/*", "É", "गीत", "\\", ""])
texts = st.one_of(words, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6))
numbers = st.one_of(
    st.integers(-5, 2100), st.floats(-10, 1000, allow_nan=False, allow_infinity=False), st.sampled_from([0, 180, 1e7])
)


def refs_of(schema: Schema) -> list[tuple[Ref, Kind]]:
    return [
        (Ref(table.name, column.name, column.role, scale=column.scale), column.kind)
        for table in schema.tables
        for column in table.columns
    ]


def plans(schema: Schema) -> st.SearchStrategy[Plan]:
    """Plans as the engine could make them: every ref is a column that can be reached from the base."""

    @st.composite
    def plan(draw: st.DrawFn, inner: bool = False) -> Plan:
        base = draw(st.sampled_from([table.name for table in schema.tables]))
        near = [
            pair for pair in refs_of(schema) if pair[0].table == base or path(schema, base, pair[0].table) is not None
        ]
        ref = st.sampled_from([found for found, _ in near])
        parted = st.one_of(ref, ref.filter(_dated).map(lambda one: one.of(Part.DECADE))) if any(
            _dated(found) for found, _ in near
        ) else ref  # fmt: skip
        measure = st.builds(Measure, st.sampled_from(list(Aggregate)), ref, st.just(base)) | st.just(
            Measure(Aggregate.COUNT, None, base)
        )
        items = st.one_of(parted, measure)
        select = draw(st.lists(items, min_size=1, max_size=1 if inner else 3))
        conditions = draw(st.lists(condition(ref, base, inner), max_size=1 if inner else 4))
        of_base = measure.filter(lambda one: one.ref is None or one.ref.table == base)
        having = st.none() | st.builds(Having, of_base, st.sampled_from(ORDERED), numbers.map(float))
        grouped = draw(st.lists(parted, max_size=0 if inner else 2))
        return Plan(
            base,
            tuple(select),
            tuple(conditions),
            group_by=tuple(grouped),
            having=draw(having) if grouped else None,
            order=tuple(draw(st.lists(st.builds(Order, items if grouped else parted, st.booleans()), max_size=2))),
            limit=draw(st.none() | st.integers(0, 20)),
            offset=draw(st.integers(0, 5)),
            distinct=draw(st.booleans()),
            random=draw(st.booleans()),
        )

    @st.composite
    def condition(draw: st.DrawFn, ref: st.SearchStrategy[Ref], base: str, inner: bool) -> Condition:
        column = draw(ref)
        value = texts | numbers | st.none()
        kind = draw(st.sampled_from(["single", "many", "range", "none", *([] if inner else ["than"])]))
        if kind == "single":
            return Condition(column, draw(st.sampled_from(SINGLE)), (draw(value),))
        if kind == "many":
            return Condition(column, draw(st.sampled_from(MANY)), tuple(draw(st.lists(value, min_size=1, max_size=4))))
        if kind == "range":
            return Condition(column, draw(st.sampled_from(RANGES)), (draw(numbers), draw(numbers)))
        if kind == "than":
            return Condition(column, draw(st.sampled_from(ORDERED)), than=draw(plan(inner=True)))
        return Condition(column, draw(st.sampled_from(NONE)))

    return plan()


def _dated(ref: Ref) -> bool:
    return ref.role in {Role.YEAR, Role.RELEASE_DATE, Role.DATE_ADDED}


@pytest.fixture(scope="module")
def opened(sample: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{sample.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


@pytest.fixture(scope="module")
def shop_opened(shop: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{shop.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def holds(plan: Plan, schema: Schema, connection: sqlite3.Connection) -> None:
    sql = build_sql(plan, schema)
    parsed = sqlglot.parse(sql, dialect="sqlite")
    assert len(parsed) == 1
    assert parsed[0] is not None
    assert parsed[0].sql(dialect="sqlite") == sql
    tables = {table.name: [column.name for column in table.columns] for table in schema.tables}
    connection.execute(check(sql, tables=tables)).fetchmany(3)
    assert describe_plan(plan)


@QUICK
@given(st.data())
def test_every_plan_over_a_sheet_is_one_select_that_runs(
    engine: MusicEngine, opened: sqlite3.Connection, data: st.DataObject
) -> None:
    holds(data.draw(plans(engine.schema)), engine.schema, opened)


@QUICK
@given(st.data())
def test_every_plan_over_related_tables_is_one_select_that_runs(
    shop_engine: MusicEngine, shop_opened: sqlite3.Connection, data: st.DataObject
) -> None:
    holds(data.draw(plans(shop_engine.schema)), shop_engine.schema, shop_opened)


@QUICK
@given(st.data())
def test_a_plan_can_be_stored(engine: MusicEngine, data: st.DataObject) -> None:
    plan = data.draw(plans(engine.schema))
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(plan)), Plan)
    assert again == plan
    assert build_sql(again, engine.schema) == build_sql(plan, engine.schema)


# -- what the SQL finds, against the same conditions in Python

TEXTS = (TITLE, GENRE, ARTIST, COMPOSER)
Song = dict[str, list[Value]]


class Songs(dict[int, Song]):
    """Every song by its number, with the values of each column; artists and composers may be several or none."""

    def __repr__(self) -> str:
        return f"{len(self)} songs"


@pytest.fixture(scope="module")
def songs(opened: sqlite3.Connection) -> Songs:
    found = Songs()
    for number, *cells in opened.execute("SELECT id, title, genre, year, duration_seconds, rating FROM songs"):
        names = ("title", "genre", "year", "duration_seconds", "rating")
        found[number] = {name: [cell] for name, cell in zip(names, cells, strict=True)} | {"artist": [], "composer": []}
    for table, column in (("song_artists", "artist"), ("song_composers", "composer")):
        for number, value in opened.execute(f"SELECT song_id, {column} FROM {table}"):
            found[number][column].append(value)
    return found


def caseless(value: Value) -> Value:
    return "".join(c.lower() if c.isascii() else c for c in value) if isinstance(value, str) else value


def fits(condition: Condition, song: Song) -> bool:  # noqa: C901, PLR0911 -- one case a comparison
    """Whether a song fits. For several names, one of them has to; for a negative condition, none may."""
    values = [caseless(value) for value in song[condition.ref.column]]
    wanted = [caseless(value) for value in condition.values]
    known = [value for value in values if value is not None]
    match condition.comparison:
        case Comparison.IN:
            return any(value in wanted for value in known)
        case Comparison.NOT_IN:
            return not any(value in wanted for value in known) and bool(known or not _own(condition))
        case Comparison.CONTAINS:
            return any(str(one) in str(value) for value in known for one in wanted)
        case Comparison.CONTAINS_NOT:
            return not any(str(one) in str(value) for value in known for one in wanted) and bool(
                known or not _own(condition)
            )
        case Comparison.STARTS:
            return any(str(value).startswith(str(wanted[0])) for value in known)
        case Comparison.ENDS:
            return any(str(value).endswith(str(wanted[0])) for value in known)
        case Comparison.KNOWN:
            return bool(known)
        case Comparison.UNKNOWN:
            return not known
        case Comparison.BETWEEN:
            return any(wanted[0] <= value <= wanted[1] for value in known)  # type: ignore[operator]
        case Comparison.OUTSIDE:
            return any(not wanted[0] <= value <= wanted[1] for value in known)  # type: ignore[operator]
    return any(_COMPARED[condition.comparison](value, wanted[0]) for value in known)


def _own(condition: Condition) -> bool:
    """Whether the column is the song's own: where its value isn't known, nothing can be said of it."""
    return condition.ref.table == "songs"


_COMPARED: dict[Comparison, Callable[[Value, Value], bool]] = {
    Comparison.BELOW: lambda one, other: one < other,  # type: ignore[operator]
    Comparison.AT_MOST: lambda one, other: one <= other,  # type: ignore[operator]
    Comparison.ABOVE: lambda one, other: one > other,  # type: ignore[operator]
    Comparison.AT_LEAST: lambda one, other: one >= other,  # type: ignore[operator]
    Comparison.EQUALS: lambda one, other: one == other,
    Comparison.DIFFERS: lambda one, other: one != other,
}

names = st.sampled_from(
    ["Queen", "queen", "ABBA", "Lata Mangeshkar", "Kishore Kumar", "A.R. Rahman", "John Lennon", "Pop", "Rock", "Film",
     "Dancing Queen", "love", "the", "e", "nobody of that name"]
)  # fmt: skip
of_text = st.one_of(
    st.builds(
        Condition, st.sampled_from(TEXTS), st.sampled_from(MANY),
        st.lists(names, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Condition, st.sampled_from(TEXTS), st.sampled_from([Comparison.STARTS, Comparison.ENDS]),
              st.tuples(names)),
    st.builds(Condition, st.sampled_from([*TEXTS, YEAR, RATING]), st.just(Comparison.KNOWN)),
    st.builds(Condition, st.sampled_from([TITLE, GENRE, YEAR, RATING]), st.just(Comparison.UNKNOWN)),
)  # fmt: skip
of_number = st.one_of(
    st.builds(Condition, st.just(YEAR), st.sampled_from(ORDERED), st.tuples(st.integers(1950, 2025))),
    st.builds(Condition, st.just(LENGTH), st.sampled_from(ORDERED), st.tuples(st.integers(60, 700))),
    st.builds(Condition, st.just(RATING), st.sampled_from(ORDERED), st.tuples(st.integers(1, 5))),
    st.builds(Condition, st.just(YEAR), st.sampled_from(RANGES), st.just((1970, 1989))),
)


@QUICK
@given(st.lists(of_text | of_number, max_size=4))
def test_songs_are_those_that_fit(
    engine: MusicEngine, opened: sqlite3.Connection, songs: Songs, conditions: list[Condition]
) -> None:
    sql = build_sql(Plan("songs", (Ref("songs", "id"),), tuple(conditions)), engine.schema)
    found = [number for (number,) in opened.execute(sql)]
    assert len(found) == len(set(found)), f"a song comes twice: {sql}"
    assert set(found) == {number for number, song in songs.items() if all(fits(c, song) for c in conditions)}, sql
    counting = build_sql(Plan("songs", (SONGS,), tuple(conditions)), engine.schema)
    assert opened.execute(counting).fetchone() == (len(found),)


def rows(plan: Plan, engine: MusicEngine, connection: sqlite3.Connection) -> list[tuple[Value, ...]]:
    return connection.execute(build_sql(plan, engine.schema)).fetchall()


def test_without_a_composer(engine: MusicEngine, opened: sqlite3.Connection, look: Callable[[str], Rows]) -> None:
    """A song that nobody is known to have composed has no row in the list of composers."""
    found = rows(Plan("songs", (TITLE,), (Condition(COMPOSER, Comparison.UNKNOWN),)), engine, opened)
    assert sorted(found) == sorted(look("SELECT title FROM songs WHERE composer IS NULL").rows)


def test_signs_of_like_stand_for_themselves(engine: MusicEngine, opened: sqlite3.Connection) -> None:
    for sign in ("%", "_"):
        for comparison in (Comparison.CONTAINS, Comparison.STARTS, Comparison.ENDS):
            assert rows(Plan("songs", (TITLE,), (Condition(TITLE, comparison, (sign,)),)), engine, opened) == []


def test_groups_may_be_measured_by_another_table(engine: MusicEngine, opened: sqlite3.Connection) -> None:
    """Albums with more than three artists: nothing else of the plan is in the list of artists."""
    album = Ref("songs", "album", Role.ALBUM)
    many = Having(Measure(Aggregate.COUNT, ARTIST, "song_artists"), Comparison.ABOVE, 3)
    known = Condition(album, Comparison.KNOWN)
    found = rows(Plan("songs", (album,), (known,), group_by=(album,), having=many), engine, opened)
    gold = """SELECT album FROM songs JOIN song_artists ON song_id = id WHERE album IS NOT NULL
              GROUP BY album HAVING COUNT(DISTINCT song_artists.artist) > 3"""
    assert sorted(found) == sorted(opened.execute(gold).fetchall()) != []


def test_parts_of_dates(engine: MusicEngine, opened: sqlite3.Connection, look: Callable[[str], Rows]) -> None:
    decade = YEAR.of(Part.DECADE)
    found = rows(Plan("songs", (decade, SONGS), group_by=(decade,)), engine, opened)
    assert sorted(found, key=str) == sorted(
        look("SELECT year - year % 10, COUNT(*) FROM songs GROUP BY 1").rows, key=str
    )
    added = ADDED.of(Part.YEAR)
    found = rows(Plan("songs", (SONGS,), (Condition(added, Comparison.EQUALS, (2023,)),)), engine, opened)
    assert found == list(look("SELECT COUNT(*) FROM songs WHERE date_added LIKE '2023-%'").rows)


def test_rankings_leave_nobody_in_front_of_whom_nothing_is_known(
    engine: MusicEngine, opened: sqlite3.Connection
) -> None:
    plan = Plan("songs", (YEAR,), order=(Order(YEAR, True),), limit=5)
    years = [year for (year,) in rows(plan, engine, opened)]
    assert None not in years
    assert years == sorted(years, key=lambda year: -int(str(year)))
    second = Plan("songs", (YEAR,), order=(Order(YEAR, True),), limit=1, offset=1)
    assert rows(second, engine, opened) == [(years[1],)]


def test_seconds_are_compared_with_milliseconds(shop_engine: MusicEngine, shop_opened: sqlite3.Connection) -> None:
    name = Ref("Track", "Name", Role.TITLE)
    length = Ref("Track", "Milliseconds", Role.DURATION, scale=0.001)
    plan = Plan("Track", (name,), (Condition(length, Comparison.ABOVE, (514,)),))
    found = shop_opened.execute(build_sql(plan, shop_engine.schema)).fetchall()
    assert found == [("Master of Puppets",), ("So What",), ("Freddie Freeloader",)]


def test_joins_go_along_the_keys(shop_engine: MusicEngine, shop_opened: sqlite3.Connection) -> None:
    artist, album = Ref("Artist", "Name", Role.ARTIST), Ref("Album", "Title", Role.ALBUM)
    title = Ref("Track", "Name", Role.TITLE)
    playlist = Ref("Playlist", "Name", Role.PLAYLIST)
    quiet, grunge = (Condition(playlist, Comparison.IN, (name,)) for name in ("Quiet Evening", "Grunge"))
    by_queen = Condition(artist, Comparison.IN, ("Queen",))
    schema = shop_engine.schema
    assert path(schema, "Track", "Customer") is None
    for plan, wanted in (
        (Plan("Album", (album,), (by_queen,)), [("Greatest Hits",), ("News of the World",)]),
        (Plan("Track", (Measure(Aggregate.COUNT, None, "Track"),), (by_queen,)), [(6,)]),
        (Plan("Album", (Measure(Aggregate.COUNT, None, "Album"),), (by_queen,)), [(2,)]),
        (
            Plan("Track", (title,), (quiet,), order=(Order(title, False),)),
            [("Blue in Green",), ("So What",), ("Triste",), ("Wave",)],
        ),
        (
            Plan("Artist", (artist,), (Condition(title, Comparison.IN, ("Orion", "Battery")),)),
            [("Metallica",)],
        ),
        (
            Plan("Artist", (Measure(Aggregate.COUNT, None, "Artist"),), (grunge,)),
            [(2,)],
        ),
    ):  # fmt: skip
        assert shop_opened.execute(build_sql(plan, schema)).fetchall() == wanted


@pytest.mark.anyio
async def test_the_worker_runs_what_was_built(engine: MusicEngine, sample: Path, runner: Runner) -> None:
    plan = Plan("songs", (TITLE, ARTIST), (Condition(GENRE, Comparison.IN, ("Disco",)),))
    found = await engine.run(build_sql(plan, engine.schema))
    assert found.rows
    assert found == runner.run(sample, build_sql(plan, engine.schema))
