"""``familychat audit`` and ``familychat admin audit``: who did what, when, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from familychat_cli import invocation, options
from familychat_cli.output import ago, emit_json, note, table

if TYPE_CHECKING:
    from familychat.models import AuditEntry
    from familychat.store.audit import AuditChoice

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="How many entries.")]
Action = Annotated[str | None, typer.Option(help="Only what begins so, such as sign-in, grant or user.passwd.")]
Since = Annotated[str | None, typer.Option(metavar="DATE", help="Only from then on: 2026-01-31, 2026-01, yesterday.")]
Until = Annotated[str | None, typer.Option(metavar="DATE", help="Only to the end of that day, month or year.")]


def audit(
    who: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this person did.")] = None,
    about: Annotated[str | None, typer.Option(metavar="NAME", help="Only what concerns this person or thing.")] = None,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    json: options.Json = False,
) -> None:
    """Show who signed in and what admins changed, the latest first."""
    chosen = _chosen(action, since, until, who=who, about=about)
    with invocation.signed_in() as (home, user):
        _show(home.accounts.audit(user, limit, chosen), as_json=json)


def own(
    action: Action = None, since: Since = None, until: Until = None, limit: Limit = 50, json: options.Json = False
) -> None:
    """Show your sign-ins, and what others did that concerns you, the latest first."""
    chosen = _chosen(action, since, until)
    with invocation.signed_in() as (home, user):
        _show(home.accounts.audit_about(user, limit, chosen), as_json=json)


def _chosen(
    action: str | None, since: str | None, until: str | None, *, who: str | None = None, about: str | None = None
) -> AuditChoice:
    from familychat.search_words import day_start
    from familychat.store.audit import AuditChoice

    return AuditChoice(
        actor=who, target=about, action=action, since=day_start(since), until=day_start(until, after=True)
    )


def _show(entries: list[AuditEntry], *, as_json: bool) -> None:
    if as_json:
        emit_json(entries)
    elif not entries:
        note("There is nothing like that in the audit log.")
    else:
        rows = [[ago(one.at), one.actor, one.address, one.action, one.target, one.details] for one in entries]
        table(["When", "Who", "From", "Did", "To", ""], rows)
