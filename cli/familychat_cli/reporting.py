"""How errors look to a person: one line, and the technical cause with -v."""

from __future__ import annotations

from familychat.errors import FamilychatError
from familychat_cli import invocation
from familychat_cli.output import note


def causes(error: BaseException) -> list[str]:
    """The chain of technical causes, one line each, without a traceback."""
    found = []
    cause = error.__cause__
    while cause is not None:
        found.append(f"because of {type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__
    return found


def report(error: FamilychatError) -> None:
    """Show an error."""
    note(str(error), style="red")
    if invocation.current.verbose:
        for line in causes(error):
            note(line)
