"""The migrations, in order. Append only: one that has shipped is never changed.

Each runs in one transaction together with the record of it, so a failing one leaves the database as it was.
"""

from __future__ import annotations

from sqlite_utils import Migrations

from familychat.store.migrations.m001_household import m001_household
from familychat.store.migrations.m002_music import m002_music
from familychat.store.migrations.m003_conversations import m003_conversations
from familychat.store.migrations.m004_family import m004_family
from familychat.store.migrations.m005_preferences import m005_preferences
from familychat.store.migrations.m006_stops import m006_stops

MIGRATIONS = Migrations("familychat")
for _migration in (m001_household, m002_music, m003_conversations, m004_family, m005_preferences, m006_stops):
    MIGRATIONS()(_migration)
