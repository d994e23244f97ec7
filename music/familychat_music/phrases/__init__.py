"""How answers are put, as data: one TOML file a language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from familychat_music.lexicon import DEFAULT


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one language under their headings; ``noun`` gives what a role is called."""

    language: str
    sections: Mapping[str, Mapping[str, str | list[str]]]

    def say(self, heading: str, name: str, **values: object) -> str:
        """A phrase with its fields filled in."""
        return str(self.sections[heading][name]).format(**values)

    def noun(self, role: str, number: int) -> str:
        """What ``number`` of a role are called."""
        nouns = self.sections["nouns"]
        return nouns.get(role, nouns["other"])[0 if number == 1 else 1]


@cache
def phrases(language: str) -> Phrases:
    """The phrases of a language, English where there are none."""
    path = files(__package__).joinpath(f"{language}.toml")
    if not path.is_file():
        return phrases(DEFAULT)
    return Phrases(language, tomllib.loads(path.read_text(encoding="utf-8")))
