"""Taking values out of other people's JSON, where any of them may be missing or something else than expected."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from familychat.clock import timestamp
from familychat.documents import LONGEST_NAME, LONGEST_TITLE
from familychat.llm.thinking import CLOSE, OPEN
from familychat.models import Parameters, Usage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_YEAR = 2199
"""Nothing was written later: such a time is a mistake, and would keep a conversation on top of the list for ever."""

MOST_TOKENS = 2**53
"""More is no count."""

_GREATEST_SECONDS, _GREATEST_MILLISECONDS, _GREATEST_MICROSECONDS = 1e11, 1e14, 1e17


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation was found: its file's name without the ending, and when that was last changed."""

    name: str
    modified_at: str


def mapping(value: Any) -> dict[str, Any]:
    """The JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """The string, else an empty one."""
    return value if isinstance(value, str) else ""


def name(*values: Any) -> str | None:
    """The first that is a name, such as a model's, on one line; None if none is."""
    for value in values:
        line = one_line(text(value))
        if line:
            return line[:LONGEST_NAME]
    return None


def one_line(value: str) -> str:
    """A title of a bearable length without control characters."""
    # Titles are cut first: in a broken file one could be many megabytes long.
    shown = "".join(sign if sign.isprintable() else " " for sign in value[: 4 * LONGEST_TITLE])
    return " ".join(shown.split())[:LONGEST_TITLE]


def when(value: Any, *, per_second: int | None = None) -> str | None:
    """A moment as familychat writes it; None for what is none.

    Takes ISO 8601 (UTC if it names no zone) and numbers since 1970: ``per_second`` of them, else what is likely from
    their size. Zero stands for unknown.
    """
    try:
        if isinstance(value, str):
            moment = _from_text(value.strip(), per_second)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            moment = _from_number(value, per_second)
        else:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return timestamp(moment) if moment.year <= LAST_YEAR else None


def _from_text(value: str, per_second: int | None) -> datetime:
    try:
        number = float(value)
    except ValueError:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _from_number(number, per_second)


def _from_number(value: float, per_second: int | None) -> datetime:
    if not value or not math.isfinite(value):
        raise ValueError
    size = abs(value)
    if per_second is None:
        per_second = 1
        for greatest in (_GREATEST_SECONDS, _GREATEST_MILLISECONDS, _GREATEST_MICROSECONDS):
            per_second *= 1000 if size >= greatest else 1
    # Not datetime.fromtimestamp: it fails before 1970 on some systems.
    return _EPOCH + timedelta(seconds=value / per_second)


def number(value: Any) -> float | None:
    """A finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def count(value: Any) -> int | None:
    """A count, else None."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= MOST_TOKENS else None


def parameters(temperature: Any, top_p: Any, max_tokens: Any) -> Parameters:
    """How a model was asked, as far as that is allowed here."""
    warmth, share, length = number(temperature), number(top_p), count(max_tokens)
    return Parameters(
        temperature=warmth if warmth is not None and 0 <= warmth <= 2 else None,  # noqa: PLR2004
        top_p=share if share is not None and 0 < share <= 1 else None,
        max_tokens=length or None,
    )


def usage(prompt: Any, completion: Any, first_token_ms: Any = None, per_second: Any = None) -> Usage:
    """What an answer took."""
    return Usage(count(prompt), count(completion), number(first_token_ms), number(per_second))


def split_thought(content: str) -> tuple[str, str]:
    """The answer and the thought of a text that begins with ``<think>...</think>``."""
    bare = content.lstrip()
    if not bare.startswith(OPEN) or CLOSE not in bare:
        return content, ""
    thought, _, answer = bare[len(OPEN) :].partition(CLOSE)
    return answer.strip(), thought.strip()


def joined(*parts: str) -> str:
    """The texts as paragraphs, empty ones left out."""
    return "\n\n".join(part for part in parts if part.strip())


def fenced(code: str, language: str = "") -> str:
    """A block of code; its fence is longer than any in the code."""
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"


def mention(kind: str, called: Any = None) -> str:
    """What can't come along, in brackets: ``[image]``, ``[file list.pdf]``."""
    known = name(called)
    return f"[{kind} {known}]" if known else f"[{kind}]"


def origin(program: str, known_id: Any, content: Any) -> str:
    """What makes a second import add nothing: the conversation's id where it came from, else a hash of ``content``."""
    known = text(known_id).strip()
    if known and known.isprintable() and len(known) <= LONGEST_NAME // 2:
        return f"{program}:{known}"
    packed = msgspec.json.encode(content, order="deterministic")
    return f"{program}:sha256:{hashlib.sha256(packed).hexdigest()}"
