"""Somebody may ask for the end of an answer that another process writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def m006_stops(db: Database) -> None:
    """Nobody has asked for it yet."""
    db.execute("ALTER TABLE messages ADD COLUMN stop_asked INTEGER NOT NULL DEFAULT 0 CHECK (stop_asked IN (0, 1))")
