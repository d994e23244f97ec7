"""``familychat admin grant, revoke, grants, why, groups``: who may use what."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Annotated

import typer

from familychat_cli import invocation, options
from familychat_cli.output import ago, emit_json, say, table

if TYPE_CHECKING:
    from familychat.models import Grant

groups = typer.Typer(help="Groups of people that have rules in common.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(metavar="WHO", help="A user name, group:NAME, or everyone.")]
Resource = Annotated[str, typer.Argument(metavar="WHAT", help="task:NAME, model:NAME or library:NAME; * means all.")]
Group = Annotated[str, typer.Argument(metavar="GROUP", help="A group's name.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A user name.")]


def may(rule: Grant) -> str:
    return "may" if rule.effect == "allow" else "may not"


def _end(text: str, zone: tzinfo) -> datetime:
    """The moment that a day (all of it) or a time means in the household."""
    from familychat.errors import InvalidInputError

    try:
        if len(text) == len("2026-01-31"):
            moment = datetime.combine(date.fromisoformat(text) + timedelta(days=1), time())
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"{text[:40]} isn't a day. Nothing was changed.", "Write it as in 2026-01-31 or 2026-01-31T18:00."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def grant(
    who: Who,
    what: Resource,
    deny: Annotated[bool, typer.Option("--deny", help="Forbid it instead.")] = False,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="The last day, or the time, that it holds.")] = None,
) -> None:
    """Allow (or forbid) something to a person, a group or everyone. What is forbidden wins."""
    from familychat.models import Effect

    with invocation.signed_in() as (home, user):
        end = None if until is None else _end(until, home.limits.zone)
        home.rules.grant(user, who, what, Effect.DENY if deny else Effect.ALLOW, until=end)
    span = "from now on" if until is None else f"from now until {until}"
    say(f"{who} may {'not ' if deny else ''}use {what} {span}.")


def revoke(who: Who, what: Resource) -> None:
    """Take a rule away."""
    with invocation.signed_in() as (home, user):
        home.rules.revoke(user, who, what)
    say(f"There is no rule about {what} for {who} any more.")


def grants(json: options.Json = False) -> None:
    """Show every rule. Without one, nothing may be used."""
    with invocation.signed_in() as (home, user):
        rules = home.rules.grants(user)
    if json:
        emit_json(
            [
                {"who": who, "resource": rule.resource, "effect": rule.effect.value, "until": rule.until}
                for who, rule in rules
            ]
        )
        return
    rows = [[who, may(rule), rule.resource, f"until {ago(rule.until)}" if rule.until else ""] for who, rule in rules]
    table(["Who", "", "What", ""], rows)


def why(name: Name, what: Resource, json: options.Json = False) -> None:
    """Explain whether a person may use something now, step by step."""
    with invocation.signed_in() as (home, user):
        findings = home.rules.why(user, name, what)
    allowed = all(finding.is_fine for finding in findings)
    if json:
        emit_json({"allowed": allowed, "steps": [{"fine": f.is_fine, "text": f.text} for f in findings]})
        return
    for finding in findings:
        say(f"{'✓' if finding.is_fine else '✗'} {finding.text}")
    say(f"{name} {'may' if allowed else 'may not'} use {what} now.", style="bold")


@groups.command("list")
def list_groups(json: options.Json = False) -> None:
    """Show every group and who is in it."""
    with invocation.signed_in() as (home, user):
        found = home.rules.groups(user)
    if json:
        emit_json([{"name": group.name, "band": group.band, "members": members} for group, members in found])
        return
    rows = [[group.name, f"every {group.band}" if group.band else "", ", ".join(members)] for group, members in found]
    table(["Group", "Who", "Members"], rows)


@groups.command("add")
def add(group: Group) -> None:
    """Make a group."""
    with invocation.signed_in() as (home, user):
        made = home.rules.add_group(user, group)
    say(f"There is a group {made.name} now. familychat admin groups join {made.name} NAME puts somebody in it.")


@groups.command("remove")
def remove(group: Group, yes: options.Yes = False) -> None:
    """Delete a group with its rules; its people stay."""
    with invocation.signed_in() as (home, user):
        found = home.rules.group(user, group)
        invocation.confirm(f"This deletes the group {found.name} with its rules.", yes=yes)
        home.rules.remove_group(user, group)
    say(f"The group {found.name} is gone.")


@groups.command("join")
def join(group: Group, name: Name) -> None:
    """Put a person into a group."""
    with invocation.signed_in() as (home, user):
        home.rules.join(user, group, name)
    say(f"{name} is in {group} now.")


@groups.command("leave")
def leave(group: Group, name: Name) -> None:
    """Take a person out of a group."""
    with invocation.signed_in() as (home, user):
        home.rules.leave(user, group, name)
    say(f"{name} isn't in {group} any more.")
