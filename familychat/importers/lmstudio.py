"""LM Studio's own conversation files, ``*.conversation.json`` in ``.lmstudio/conversations``.

``messages`` is a list of places; each has ``versions``, of which ``currentlySelected`` was shown and went on. A version
is a ``singleStep`` with ``content``, or a ``multiStep`` whose ``steps`` hold what was thought, said and done. Times are
milliseconds since 1970; messages have none.
"""

from __future__ import annotations

from typing import Any

from familychat.documents import ConversationDocument
from familychat.importers.tree import Draft, Facts, Node, build
from familychat.importers.values import (
    Place,
    count,
    items,
    joined,
    mapping,
    mention,
    name,
    number,
    origin,
    parameters,
    split_thought,
    text,
    usage,
    when,
)
from familychat.models import Author, Status, Usage

TITLE = "LM Studio"

_OWN_KEYS = {"lastUsedModel", "perChatPredictionConfig", "usePerChatPredictionConfig", "clientInput"}
_CUT_OFF = {"failed", "modelUnloaded"}


def fits(value: dict[str, Any]) -> bool:
    """Whether this is such a conversation."""
    messages = value.get("messages")
    if not isinstance(messages, list):
        return False
    return any("versions" in mapping(message) for message in messages) or (
        not messages and bool(_OWN_KEYS & set(value))
    )


def conversation(value: dict[str, Any], place: Place) -> ConversationDocument:
    """Raises :class:`familychat.errors.InvalidInputError` if it doesn't hold together."""
    fields = map(mapping, items(mapping(value.get("perChatPredictionConfig")).get("fields")))
    asked = {text(one.get("key")).removeprefix("llm.prediction."): _chosen(one.get("value")) for one in fields}
    nodes, last = _nodes(items(value["messages"]))
    spoken = (when(value.get(f"{who}LastMessagedAt"), per_second=1000) for who in ("user", "assistant"))
    facts = Facts(
        # The files have no id. Their names are the moments they were made, unless somebody renamed one.
        origin=origin("lmstudio", None, [place.name, str(value.get("createdAt"))]),
        title=text(value.get("name")),
        created_at=when(value.get("createdAt"), per_second=1000),
        last_at=max(filter(None, spoken), default=None),
        model=name(mapping(value.get("lastUsedModel")).get("identifier")),
        parameters=parameters(asked.get("temperature"), asked.get("topPSampling"), asked.get("maxPredictedTokens")),
        system_prompt=text(asked.get("systemPrompt")) or text(value.get("systemPrompt")) or _system(value),
        pinned=value.get("pinned") is True,
    )
    return build(facts, nodes, last, place)


def _chosen(value: Any) -> Any:
    """A setting; some can be switched off."""
    if not isinstance(value, dict):
        return value
    return value.get("value") if value.get("checked") is True else None


def _system(value: dict[str, Any]) -> str | None:
    """The first system message."""
    for place in items(value["messages"]):
        for version in map(mapping, items(mapping(place).get("versions"))):
            if version.get("role") == "system":
                return joined(*map(_part, items(version.get("content"))))
    return None


def _nodes(places: list[Any]) -> tuple[list[Node], str | None]:
    """Every version of every message; what follows a place follows its selected version. Also the last one's key."""
    nodes, parent = [], None
    for at, place in enumerate(map(mapping, places)):
        versions = [mapping(version) for version in items(place.get("versions"))]
        nodes += [Node(f"{at}.{which}", parent, _draft(version)) for which, version in enumerate(versions)]
        if versions:
            selected = count(place.get("currentlySelected")) or 0
            parent = f"{at}.{min(selected, len(versions) - 1)}"
    return nodes, parent


def _draft(version: dict[str, Any]) -> Draft | None:
    role = version.get("role")
    if role == "user":
        return Draft(Author.USER, joined(*map(_part, items(version.get("content")))))
    if role != "assistant":
        return None
    steps = [mapping(step) for step in items(version.get("steps"))] or [version]
    thought = [_said(step) for step in steps if _is_thought(step)]
    said, inner = split_thought(joined(*(_said(step) for step in steps if not _is_thought(step))))
    made = next((found for step in reversed(steps) if (found := mapping(step.get("genInfo")))), {})
    stats = mapping(made.get("stats"))
    return Draft(
        Author.ASSISTANT,
        said,
        reasoning=joined(*thought, inner),
        status=_status(text(stats.get("stopReason"))),
        model=name(made.get("identifier"), mapping(version.get("senderInfo")).get("senderName")),
        usage=_usage(stats),
    )


def _is_thought(step: dict[str, Any]) -> bool:
    return mapping(step.get("style")).get("type") == "thinking"


def _said(step: dict[str, Any]) -> str:
    if text(step.get("type")) not in {"contentBlock", "singleStep"}:
        return ""  # how a tool got on, figures, sources
    return joined(*map(_part, items(step.get("content"))))


def _part(value: Any) -> str:
    part = mapping(value)
    kind = part.get("type")
    if kind == "file":
        what = "image" if part.get("fileType") == "image" else "file"
        return mention(what, part.get("name") or part.get("fileIdentifier"))
    if kind == "toolCallRequest":
        return mention("used", part.get("name"))
    return text(part.get("text"))


def _status(reason: str) -> Status:
    if reason == "userStopped":
        return Status.STOPPED
    return Status.PARTIAL if reason in _CUT_OFF else Status.COMPLETE


def _usage(stats: dict[str, Any]) -> Usage:
    first = number(stats.get("timeToFirstTokenSec"))
    return usage(
        stats.get("promptTokensCount"),
        stats.get("predictedTokensCount"),
        None if first is None else first * 1000,
        stats.get("tokensPerSecond"),
    )
