"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="The model to ask.")]
Task = Annotated[str | None, typer.Option("--task", help="What to use the model for.")]
System = Annotated[str | None, typer.Option("--system", help="Instructions for the model.")]
Temperature = Annotated[float | None, typer.Option(help="0 is sober, 2 is wild.")]
TopP = Annotated[float | None, typer.Option(help="Use only the likeliest words, above 0 to 1.")]
MaxTokens = Annotated[int | None, typer.Option(help="How long an answer may be.")]
