"""What the filter goes by: rules for each age band, changed topics, and what came up for those who are supervised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from familychat.clock import new_id
from familychat.models import Band
from familychat.store.database import Database


@dataclass(frozen=True, slots=True)
class BandRule:
    """``prompt`` is what the household gives a band to add to system prompts; None: what the program ships.

    ``by_model``: where the filter is required, a model is asked besides the words.
    """

    band: Band
    prompt: str | None
    filtered: bool
    by_model: bool


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """A topic that the household added, with its words, or a shipped one that it switched (no words)."""

    name: str
    words: tuple[str, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class SafetyEvent:
    """A blocked topic came up. ``side`` is question or answer, ``found_by`` words or model; no text is kept."""

    at: str
    topic: str
    side: str
    found_by: str
    conversation_id: str | None


class SafetyStore:
    """Rows of ``band_rules``, ``blocked_topics`` and ``safety_events``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rule(self, band: Band) -> BandRule:
        row = self._database.row("SELECT prompt, filtered, by_model FROM band_rules WHERE band = ?", [band.value])
        assert row is not None  # noqa: S101 -- each band has one from the beginning
        return BandRule(band, row["prompt"], bool(row["filtered"]), bool(row["by_model"]))

    def set_prompt(self, band: Band, prompt: str | None) -> None:
        self._database.execute("UPDATE band_rules SET prompt = ? WHERE band = ?", [prompt, band.value])

    def set_filtered(self, band: Band, *, filtered: bool) -> None:
        self._database.execute("UPDATE band_rules SET filtered = ? WHERE band = ?", [int(filtered), band.value])

    def set_by_model(self, *, by_model: bool) -> None:
        """For every band."""
        self._database.execute("UPDATE band_rules SET by_model = ?", [int(by_model)])

    def topics(self) -> tuple[StoredTopic, ...]:
        """Added and switched topics, oldest first."""
        rows = self._database.rows("SELECT name, words, active FROM blocked_topics ORDER BY created_at, name_key")
        return tuple(StoredTopic(row["name"], tuple(json.loads(row["words"])), bool(row["active"])) for row in rows)

    def put_topic(self, name: str, words: Sequence[str], at: str, *, active: bool) -> None:
        """Add a topic, or replace the one of this name, whatever its letter case."""
        self._database.execute(
            "INSERT INTO blocked_topics (name_key, name, words, active, created_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET name = excluded.name, words = excluded.words, active = excluded.active",
            [name.casefold(), name, json.dumps(list(words), ensure_ascii=False), int(active), at],
        )

    def remove_topic(self, name: str) -> None:
        self._database.execute("DELETE FROM blocked_topics WHERE name_key = ?", [name.casefold()])

    def note(self, user_id: str, event: SafetyEvent) -> bool:
        """Keep an event if the person is supervised; false, and nothing kept, if not."""
        kept = self._database.execute(
            "INSERT INTO safety_events (id, user_id, conversation_id, at, topic, side, found_by) "
            "SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM supervision WHERE user_id = ?)",
            [new_id(), user_id, event.conversation_id, event.at, event.topic, event.side, event.found_by, user_id],
        )
        return kept > 0

    def events(self, user_id: str, since: str) -> list[SafetyEvent]:
        """A person's events from a time on, newest first."""
        rows = self._database.rows(
            "SELECT at, topic, side, found_by, conversation_id FROM safety_events "
            "WHERE user_id = ? AND at >= ? ORDER BY id DESC",
            [user_id, since],
        )
        return [SafetyEvent(**dict(row)) for row in rows]
