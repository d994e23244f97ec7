"""What both writers work with and give."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from familychat.llm.base import ChatMessage, ModelInfo
from familychat_music.drafts import Decline, Draft, Drafts
from familychat_music.schema import Schema

FREE_FROM_BILLIONS = 3.0
"""Parameters from which a model writes SQL better by itself than it chooses."""

_PARAMETERS = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*([bm])(?![a-z])", re.IGNORECASE)
_OF_A_BILLION = {"b": 1.0, "m": 1000.0}
_BYTES_PER_BILLION = 0.6e9


class WriterName(StrEnum):
    """Who writes the SQL; AUTO leaves it to what the model can do."""

    AUTO = "auto"
    PLAN = "plan"
    FREE = "free"


class Consultant(Protocol):
    """A model that is asked small things. ``ask`` raises :class:`familychat.errors.ModelServerError`."""

    async def model(self) -> ModelInfo: ...

    async def ask(
        self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any] | None = None, max_tokens: int = 300
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer came to: SQL (with its plan if it has one), or a reason to decline; ``model`` if one was asked."""

    writer: WriterName
    sql: str | None
    draft: Draft | None = None
    decline: Decline | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A question and its right SQL, as the person marked it."""

    question: str
    sql: str


@dataclass(frozen=True, slots=True)
class Task:
    """A question to write SQL for. ``complaints`` are earlier statements with what was wrong with them."""

    text: str
    drafts: Drafts
    schema: Schema
    examples: Sequence[Example] = ()
    before: tuple[str, str] | None = None
    complaints: Sequence[tuple[str, str]] = field(default=())


def suited(model: ModelInfo) -> WriterName:
    """The writer for a model: by its parameters, as far as its server or its name tells, else by its size."""
    told = f"{model.parameters or ''} {model.name}"
    billions = [float(number) / _OF_A_BILLION[unit.casefold()] for number, unit in _PARAMETERS.findall(told)]
    if billions:
        return WriterName.FREE if max(billions) >= FREE_FROM_BILLIONS else WriterName.PLAN
    large = model.size_bytes is None or model.size_bytes >= FREE_FROM_BILLIONS * _BYTES_PER_BILLION
    return WriterName.FREE if large else WriterName.PLAN


def json_in(text: str) -> Any:
    """The first JSON object in what a model wrote, fenced or not; None if there is none."""
    start = text.find("{")
    while start >= 0:
        try:
            return json.JSONDecoder().raw_decode(text, start)[0]
        except ValueError:
            start = text.find("{", start + 1)
    return None
