"""Ages and groups, limits and hours, what was used, supervision and the filter; where sessions and audit come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from familychat.clock import new_id, timestamp, utc_now

if TYPE_CHECKING:
    from sqlite_utils import Database

# A rule is for a person, a group, or (both columns empty) everyone.
_SUBJECT = """
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT REFERENCES groups (id) ON DELETE CASCADE,
    CHECK (user_id IS NULL OR group_id IS NULL)
"""

STATEMENTS = (
    "ALTER TABLE users ADD COLUMN band TEXT NOT NULL DEFAULT 'adult' CHECK (band IN ('child', 'teen', 'adult'))",
    # Everyone of a band is in the band's group; the others have the members that they are given.
    """
    CREATE TABLE groups (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,
        band TEXT UNIQUE CHECK (band IN ('child', 'teen', 'adult')),
        created_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE group_members (
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
        PRIMARY KEY (user_id, group_id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX group_members_group ON group_members (group_id)",
    "ALTER TABLE grants ADD COLUMN group_id TEXT REFERENCES groups (id) ON DELETE CASCADE",
    "ALTER TABLE grants ADD COLUMN until TEXT",
    # What a rule is about, whatever its letter case: of two that differed in nothing else, what is forbidden stays.
    "ALTER TABLE grants ADD COLUMN resource_key TEXT",
    "UPDATE grants SET resource_key = casefold(resource)",
    """
    DELETE FROM grants WHERE EXISTS (
        SELECT 1 FROM grants other
        WHERE other.resource_key = grants.resource_key AND other.user_id IS grants.user_id AND other.id <> grants.id
        AND (other.effect > grants.effect OR (other.effect = grants.effect AND other.id < grants.id))
    )
    """,
    "DROP INDEX grants_subject",
    "CREATE UNIQUE INDEX grants_subject ON grants (resource_key, coalesce(user_id, ''), coalesce(group_id, ''))",
    "CREATE INDEX grants_user ON grants (user_id) WHERE user_id IS NOT NULL",
    "CREATE INDEX grants_group ON grants (group_id) WHERE group_id IS NOT NULL",
    f"""
    CREATE TABLE quotas (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('messages', 'tokens')),
        amount INTEGER CHECK (amount >= 0),
        created_at TEXT NOT NULL,
        {_SUBJECT}
    )
    """,
    "CREATE UNIQUE INDEX quotas_subject ON quotas (coalesce(user_id, ''), coalesce(group_id, ''), kind)",
    # One row is one span, which begins on that weekday (0 is Monday) and may end on the next day. A row without a
    # beginning says that there are none for that subject, whatever its groups have.
    f"""
    CREATE TABLE quiet_hours (
        id TEXT PRIMARY KEY,
        weekday INTEGER CHECK (weekday BETWEEN 0 AND 6),
        begins TEXT,
        ends TEXT,
        created_at TEXT NOT NULL,
        {_SUBJECT}
    )
    """,
    "CREATE INDEX quiet_hours_subject ON quiet_hours (user_id, group_id)",
    # An admin's one-off kindness: so much more on that day, or quiet hours that don't count until then.
    """
    CREATE TABLE extensions (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('messages', 'tokens', 'hours')),
        day TEXT,
        amount INTEGER,
        until TEXT,
        created_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX extensions_user ON extensions (user_id, kind, day)",
    # Counts by day in the household's time zone. They outlive the conversations, so deleting gives nothing back.
    """
    CREATE TABLE usage (
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        day TEXT NOT NULL,
        task TEXT NOT NULL,
        model TEXT NOT NULL,
        turns INTEGER NOT NULL DEFAULT 0,
        prompt_tokens INTEGER NOT NULL DEFAULT 0,
        completion_tokens INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (user_id, day, task, model)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE supervision (
        user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        level TEXT NOT NULL CHECK (level IN ('summary', 'full')),
        since TEXT NOT NULL
    )
    """,
    # What a band adds to every system prompt (empty: what the program ships), whether the filter is required, and
    # whether it asks a model besides looking for words.
    """
    CREATE TABLE band_rules (
        band TEXT PRIMARY KEY CHECK (band IN ('child', 'teen', 'adult')),
        prompt TEXT,
        filtered INTEGER NOT NULL CHECK (filtered IN (0, 1)),
        by_model INTEGER NOT NULL DEFAULT 0 CHECK (by_model IN (0, 1))
    )
    """,
    """
    CREATE TABLE blocked_topics (
        name_key TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        words TEXT NOT NULL,
        active INTEGER NOT NULL CHECK (active IN (0, 1)),
        created_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE safety_events (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        conversation_id TEXT,
        at TEXT NOT NULL,
        topic TEXT NOT NULL,
        side TEXT NOT NULL CHECK (side IN ('question', 'answer')),
        found_by TEXT NOT NULL CHECK (found_by IN ('words', 'model'))
    )
    """,
    "CREATE INDEX safety_events_user ON safety_events (user_id, at)",
    "CREATE TABLE switched_off_tasks (name TEXT PRIMARY KEY, created_at TEXT NOT NULL)",
    "ALTER TABLE sessions ADD COLUMN last_used_at TEXT",
    "ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT ''",
    # From where it was done, and whom it is about, so that this person can read it too.
    "ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE audit ADD COLUMN about_id TEXT",
    "CREATE INDEX audit_about ON audit (about_id, id) WHERE about_id IS NOT NULL",
)

GROUPS = (("children", "child"), ("teens", "teen"), ("adults", "adult"), ("guests", None))
FILTERED_BANDS = {"child": True, "teen": False, "adult": False}
EVERYONE_MAY = ("task:homework", "task:story")


def m004_family(db: Database) -> None:
    """Everyone there is an adult until somebody says otherwise; the filter is on for children."""
    for statement in STATEMENTS:
        db.execute(statement)
    now = timestamp(utc_now())
    for name, band in GROUPS:
        db.execute("INSERT INTO groups VALUES (?, ?, ?, ?, ?)", [new_id(), name, name, band, now])
    for band, filtered in FILTERED_BANDS.items():
        db.execute("INSERT INTO band_rules (band, filtered) VALUES (?, ?)", [band, int(filtered)])
    for resource in EVERYONE_MAY:
        db.execute(
            "INSERT INTO grants (id, user_id, resource, resource_key, effect, created_at) "
            "VALUES (?, NULL, ?, ?, 'allow', ?) ON CONFLICT DO NOTHING",
            [new_id(), resource, resource, timestamp(utc_now())],
        )
