"""What an age band adds to every system prompt. It stands last, whoever wrote the rest."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from familychat.models import Band
from familychat.store.database import Database
from familychat.store.safety import SafetyStore


@cache
def _shipped() -> Mapping[str, str]:
    text = files(__package__).joinpath("prompts.toml").read_text(encoding="utf-8")
    return {band: str(prompt).strip() for band, prompt in tomllib.loads(text).items()}


def shipped_prompt(band: Band) -> str:
    """What the program ships for a band; nothing for adults."""
    return _shipped().get(band.value, "")


def band_prompt(database: Database, band: Band) -> str:
    """What holds for a band in this household."""
    own = SafetyStore(database).rule(band).prompt
    return shipped_prompt(band) if own is None else own


def with_band_prompt(system: str, database: Database, band: Band) -> str:
    """A system prompt, whoever wrote it, with what the band adds."""
    return "\n\n".join(part for part in (system, band_prompt(database, band)) if part)
