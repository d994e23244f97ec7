"""The task ``general``: talk about anything."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from familychat.events import Event
from familychat.turn import Turn

SYSTEM_PROMPT = "You are a friendly helper in a family's home. Answer clearly and honestly, and keep it short."


class GeneralTask:
    """Passes the conversation to the model, with the conversation's own system prompt if it has one."""

    name = "general"
    title = "General"
    description = "Talk about anything"
    suggestions = (
        "What can we cook from eggs, rice and carrots?",
        "Why is the sky blue? Explain it to a seven-year-old.",
        "Help me write a kind note to our neighbours.",
        "Plan a rainy Saturday at home for all of us.",
    )
    continues = True

    def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        own = turn.conversation.system_prompt
        return turn.complete(SYSTEM_PROMPT if own is None else own)
