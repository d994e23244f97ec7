"""``familychat ask``: one question, for scripts and quick moments."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat_cli import invocation, options

if TYPE_CHECKING:
    from familychat.events import Completed, Failed, Stopped
    from familychat.running import RunningTurn


def ask(
    question: Annotated[str | None, typer.Argument(help="What to ask; standard input is appended.")] = None,
    last: Annotated[bool, typer.Option("--continue", "-c", help="Go on with the last conversation.")] = False,
    conversation: Annotated[str | None, typer.Option(help="Go on with this one: its id or title.")] = None,
    model: options.Model = None,
    task: options.Task = None,
    system: options.System = None,
    temperature: options.Temperature = None,
    top_p: options.TopP = None,
    max_tokens: options.MaxTokens = None,
    json: options.Json = False,
) -> None:
    """Ask one question. Plain text when the output isn't a terminal; standard input is appended to the question."""
    from familychat.chat import MAX_QUESTION_BYTES, check_question
    from familychat.events import Stopped
    from familychat.models import Parameters
    from familychat_cli.opening import Opening
    from familychat_cli.render import renderer
    from familychat_cli.turns import ensure_model, interrupts, raise_failure, show_turn, tell_supervised

    piped = "" if sys.stdin is None or sys.stdin.isatty() else invocation.read_stdin(MAX_QUESTION_BYTES)
    text = check_question("\n\n".join(part.strip() for part in (question, piped) if part and part.strip()))
    opening = Opening(
        reference=conversation,
        last=last,
        model=model,
        task=task,
        system_prompt=system,
        parameters=Parameters(temperature, top_p, max_tokens),
    )

    async def work() -> Completed | Stopped | Failed:
        async with invocation.running_household() as (home, user):
            target = opening.open(home, user)
            tell_supervised(home, user)
            await ensure_model(home)
            running = home.chat.start(user, target, text)
            with interrupts(running.request_stop):
                end = await show_turn(running, Silent() if json else renderer())
            if json:
                _print_json(running, end)
            return end

    end = invocation.run(work)
    raise_failure(end)
    if isinstance(end, Stopped):
        raise typer.Exit(invocation.INTERRUPTED)


class Silent:
    """Shows nothing while the answer comes."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def show(self, event: object) -> None:
        pass


def _print_json(running: RunningTurn, end: Completed | Stopped | Failed) -> None:
    from familychat.events import Failed
    from familychat_cli.output import emit_json

    message = end.message
    usage: Any = message.usage if message else None
    emit_json(
        {
            "answer": message.content if message else "",
            "reasoning": message.reasoning if message else "",
            "model": message.model if message else None,
            "conversation": running.conversation.id,
            "status": message.status.value if message else "failed",
            "usage": usage,
            "error": str(end.error) if isinstance(end, Failed) else None,
        }
    )
