"""The topics that the filter knows: shipped ones, as data, and the household's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files

from familychat.family.safety.words import Phrase, WordList, parse
from familychat.store.safety import StoredTopic

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Topic:
    """A blocked topic. ``labels`` name it for people by language, ``meaning`` explains it to a model.

    ``help``: whoever comes to it may need help themselves. ``own``: the household added it.
    """

    name: str
    labels: Mapping[str, str]
    meaning: str
    phrases: tuple[Phrase, ...]
    harmless: tuple[Phrase, ...] = ()
    help: bool = False
    own: bool = False
    active: bool = True

    def label(self, language: str) -> str:
        return self.labels.get(language) or self.labels.get(ENGLISH) or self.name


@cache
def shipped_topics() -> Mapping[str, Topic]:
    """The topics that come with the program, by name."""
    data = sorted(
        (path for path in files(__package__).iterdir() if path.name.endswith(".toml")), key=lambda path: path.name
    )
    topics = [_topic(tomllib.loads(path.read_text(encoding="utf-8"))) for path in data]
    return {topic.name: topic for topic in topics}


def _topic(data: Mapping[str, object]) -> Topic:
    name = str(data["name"])
    words, labels = data["words"], data["label"]
    assert isinstance(words, dict)  # noqa: S101 -- our own file
    assert isinstance(labels, dict)  # noqa: S101
    harmless = data["harmless"]
    assert isinstance(harmless, list)  # noqa: S101
    return Topic(
        name=name,
        labels=labels,
        meaning=str(data["meaning"]),
        phrases=tuple(parse(phrase, name, language) for language, phrases in words.items() for phrase in phrases),
        harmless=tuple(parse(phrase, name) for phrase in harmless),
        help=bool(data.get("help")),
    )


def own_topic(name: str, words: Sequence[str], *, active: bool = True) -> Topic:
    """A topic of the household's; raises :class:`familychat.errors.InvalidInputError` for words that can't be one."""
    return Topic(
        name=name,
        labels={},
        meaning=", ".join(words[:8]),
        phrases=tuple(parse(phrase, name) for phrase in words),
        own=True,
        active=active,
    )


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of a household, by name, and the words of those that are on."""

    by_name: Mapping[str, Topic]
    words: WordList

    @property
    def active(self) -> list[Topic]:
        return [topic for topic in self.by_name.values() if topic.active]


@lru_cache(maxsize=8)
def topics_with(stored: tuple[StoredTopic, ...]) -> Topics:
    """The shipped topics with what a household changed."""
    topics = dict(shipped_topics())
    for row in stored:
        if row.words:
            topics[row.name] = own_topic(row.name, row.words, active=row.active)
        elif row.name in topics:
            topics[row.name] = replace(topics[row.name], active=row.active)
    active = [topic for topic in topics.values() if topic.active]
    phrases = [phrase for topic in active for phrase in topic.phrases]
    return Topics(topics, WordList(phrases, [phrase for topic in active for phrase in topic.harmless]))
