"""The writer for small models: the engine drafts, the model only chooses.

The question's drafts come from the linker and the question patterns. The model gets each in plain English and answers
with one of them (an enum in a JSON schema, so it can't answer anything else). Where one draft is clearly ahead, nothing
is left to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from familychat.errors import ModelServerError
from familychat.llm.base import ChatMessage
from familychat_music.drafts import Draft
from familychat_music.wording import describe_plan
from familychat_music.writers.base import Consultant, Task, WriterName, Written, json_in

CLEARLY_AHEAD = 0.25
"""Points between the first and the second draft from which the model isn't asked; see docs on the evaluation."""

NOTHING = "none of these: it can't be answered from a music list"
MOST_CHOICES = 3

_SYSTEM = (
    "You read questions about a family's music list and say what they mean. "
    "Choose the meaning that fits the question best."
)

Choose = Callable[[Sequence[Draft]], Draft]


async def write(task: Task, consultant: Consultant | None, choose: Choose | None = None) -> Written:
    """The chosen draft. ``choose`` replaces the model, for measuring what it adds."""
    tried = {sql for sql, _ in task.complaints}
    drafts = [draft for draft in task.drafts.drafts if draft.sql is None or draft.sql not in tried]
    if not drafts:
        return Written(WriterName.PLAN, None, decline=None)
    close = close_drafts(drafts)
    if choose is not None:
        return _written(choose(close), None)
    if len(close) == 1 or consultant is None:
        return _written(drafts[0], None)
    try:
        model = (await consultant.model()).name
        chosen = await _ask(task, close, consultant)
    except ModelServerError:
        return _written(drafts[0], None)  # the likeliest draft is a fair answer without a model
    return _written(chosen or drafts[0], model)


def close_drafts(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts that points alone don't decide between."""
    return [draft for draft in drafts if drafts[0].points - draft.points < CLEARLY_AHEAD][:MOST_CHOICES]


async def _ask(task: Task, drafts: Sequence[Draft], consultant: Consultant) -> Draft | None:
    meanings = {meaning(draft): draft for draft in drafts}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"meaning": {"type": "string", "enum": list(meanings)}},
        "required": ["meaning"],
        "additionalProperties": False,
    }
    listed = "\n".join(f"- {text}" for text in meanings)
    content = f"Question: {task.text}\nMeanings:\n{listed}\nAnswer as JSON."
    messages = [ChatMessage("system", _SYSTEM), ChatMessage("user", content)]
    answer = json_in(await consultant.ask(messages, schema=schema, max_tokens=200))
    return meanings.get(str(answer.get("meaning"))) if isinstance(answer, dict) else None


def meaning(draft: Draft) -> str:
    """A draft as the model gets to see it."""
    return describe_plan(draft.plan) if draft.plan else NOTHING


def _written(draft: Draft, model: str | None) -> Written:
    return Written(WriterName.PLAN, draft.sql, draft, draft.decline, model)
