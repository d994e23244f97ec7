"""``familychat admin quota, hours, extend``: how much and when."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from familychat.wording import counted
from familychat_cli import invocation, options
from familychat_cli.commands.admin_rules import Name, Who
from familychat_cli.output import emit_json, say, table

quota = typer.Typer(help="How much may be used on a day.", no_args_is_help=True)
hours = typer.Typer(help="Quiet hours, such as bedtime.", no_args_is_help=True)

NONE = "none"


class Kind(StrEnum):
    """What a quota counts, as typed."""

    MESSAGES = "messages"
    TOKENS = "tokens"


KindArgument = Annotated[Kind, typer.Argument(metavar="KIND", help="messages (questions) or tokens.")]
Days = Annotated[str, typer.Argument(metavar="DAYS", help="daily, mon-fri, or sat,sun: when it begins.")]


@quota.command("set")
def set_quota(
    who: Who,
    kind: KindArgument,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="How many a day; none for no limit.")],
) -> None:
    """Set how much may be used on a day. A person's own quota goes before their groups', and that before everyone's."""
    from familychat.errors import InvalidInputError
    from familychat.models import LimitKind

    number = amount.replace(",", "")
    if amount != NONE and not (number.isascii() and number.isdigit()):
        raise InvalidInputError(f"{amount[:40]} isn't a number. Nothing was changed.", "Write a whole number, or none.")
    value = None if amount == NONE else int(number)
    with invocation.signed_in() as (home, user):
        home.rules.set_quota(user, who, LimitKind(kind), value)
    say(f"{who}: {f'{value:,}' if value is not None else 'any number of'} {kind} a day from now on.")


@quota.command("remove")
def remove_quota(who: Who, kind: KindArgument) -> None:
    """Take a quota away; then what their groups or everyone have holds."""
    from familychat.models import LimitKind

    with invocation.signed_in() as (home, user):
        home.rules.remove_quota(user, who, LimitKind(kind))
    say(f"There is no quota of {kind} for {who} any more.")


@quota.command("list")
def list_quotas(json: options.Json = False) -> None:
    """Show every quota."""
    with invocation.signed_in() as (home, user):
        found = home.rules.quotas(user)
    if json:
        emit_json([{"who": who, "kind": one.kind, "amount": one.amount} for who, one in found])
        return
    rows = [[who, "no limit" if one.amount is None else f"{one.amount:,}", one.kind.value] for who, one in found]
    table(["Who", "A day", ""], rows, right=["A day"])


@hours.command("add")
def add_hours(
    who: Who, days: Days, span: Annotated[str, typer.Argument(metavar="SPAN", help="From and to, such as 21:00-07:00.")]
) -> None:
    """Make it quiet on these days: nothing can be asked then. An answer under way is finished."""
    from familychat.family.hours import parse_days, parse_span

    begins, ends = parse_span(span)
    weekdays = parse_days(days)
    with invocation.signed_in() as (home, user):
        home.rules.add_hours(user, who, weekdays, begins, ends)
    over = ", into the next day" if ends <= begins else ""
    say(f"{who}: quiet time {days} from {begins} to {ends}{over}.")


@hours.command("remove")
def remove_hours(
    who: Who, days: Annotated[str | None, typer.Argument(metavar="[DAYS]", help="Only of these days.")] = None
) -> None:
    """Take quiet hours away; then what their groups or everyone have holds."""
    from familychat.family.hours import parse_days

    weekdays = None if days is None else parse_days(days)
    with invocation.signed_in() as (home, user):
        home.rules.remove_hours(user, who, weekdays)
    say(f"These quiet hours of {who} are gone.")


@hours.command("free")
def free_hours(who: Who) -> None:
    """Let somebody have no quiet hours, whatever their groups or everyone have."""
    with invocation.signed_in() as (home, user):
        home.rules.free_hours(user, who)
    say(f"There are no quiet hours for {who} now.")


@hours.command("list")
def list_hours(json: options.Json = False) -> None:
    """Show all quiet hours."""
    from familychat.family.hours import DAY_NAMES

    with invocation.signed_in() as (home, user):
        found = home.rules.hours(user)
        zone = str(home.limits.zone)
    if json:
        emit_json(
            [
                {
                    "who": who,
                    "weekday": None if one.weekday is None else DAY_NAMES[one.weekday],
                    "begins": one.begins,
                    "ends": one.ends,
                }
                for who, one in found
            ]
        )
        return
    rows = [
        [who, "none at all" if one.weekday is None else DAY_NAMES[one.weekday], one.begins or "", one.ends or ""]
        for who, one in found
    ]
    table(["Who", "Day", "From", "To"], rows)
    say(f"Times are those of {zone}.", style="dim")


def extend(
    name: Name,
    messages: Annotated[int | None, typer.Option(help="So many questions more today.")] = None,
    tokens: Annotated[int | None, typer.Option(help="So many tokens more today.")] = None,
    minutes: Annotated[int | None, typer.Option(help="So much longer in quiet time.")] = None,
) -> None:
    """Give a person some more, once: questions or tokens for today, or time before it gets quiet."""
    from familychat.errors import InvalidInputError
    from familychat.models import LimitKind

    given = {LimitKind.MESSAGES: messages, LimitKind.TOKENS: tokens}
    if minutes is None and not any(amount is not None for amount in given.values()):
        raise InvalidInputError("How much more?", "Say --messages, --tokens or --minutes.")
    with invocation.signed_in() as (home, user):
        for kind, amount in given.items():
            if amount is not None:
                left = home.rules.extend(user, name, kind, amount)
                say(f"{name} has {counted(left, kind.removesuffix('s'))} left for today.")
        if minutes is not None:
            until = home.rules.open_for(user, name, timedelta(minutes=minutes))
            say(f"It stays open for {name} until {until.astimezone(home.limits.zone):%H:%M}.")
