"""``familychat chat``: talk at the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from familychat_cli import invocation, options


def chat(
    conversation: Annotated[str | None, typer.Argument(help="Go on with this one: its id or title.")] = None,
    last: Annotated[bool, typer.Option("--continue", "-c", help="Go on with the last conversation.")] = False,
    model: options.Model = None,
    task: options.Task = None,
    system: options.System = None,
    temperature: options.Temperature = None,
    top_p: options.TopP = None,
    max_tokens: options.MaxTokens = None,
) -> None:
    """Chat with a model. Without a terminal, every line of standard input is a question."""
    from familychat.models import Parameters
    from familychat_cli.opening import Opening
    from familychat_cli.session import ChatSession

    opening = Opening(
        reference=conversation,
        last=last,
        model=model,
        task=task,
        system_prompt=system,
        parameters=Parameters(temperature, top_p, max_tokens),
    )

    async def work() -> None:
        async with invocation.running_household() as (home, user):
            await ChatSession(home, user, opening.open(home, user)).run()

    invocation.run(work)
