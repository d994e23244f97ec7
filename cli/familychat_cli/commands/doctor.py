"""``familychat doctor``: what works, what doesn't, and what to do."""

from __future__ import annotations

import typer

from familychat_cli import invocation, options
from familychat_cli.output import emit_json, say

MARKS = {"ok": ("✓", "green"), "trouble": ("✗", "red"), "off": ("-", "dim")}


def doctor(json: options.Json = False) -> None:
    """Say in plain words what works, what doesn't, and what to do."""
    from familychat.checkup import checkup

    async def work() -> list[dict[str, str]]:
        return [
            {"state": f.state, "what": f.what, "advice": f.advice} for f in await checkup(invocation.current.settings)
        ]

    findings = invocation.run(work)
    if json:
        emit_json(findings)
    for finding in findings if not json else []:
        mark, style = MARKS[finding["state"]]
        say(f"{mark} {finding['what']}", style=style)
        if finding["advice"]:
            say(f"  → {finding['advice']}")
    if any(finding["state"] == "trouble" for finding in findings):
        raise typer.Exit(1)
