"""``familychat usage`` and ``familychat admin usage``: how much was used, in numbers. Never what was said."""

from __future__ import annotations

import itertools
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from familychat_cli import invocation, options
from familychat_cli.output import emit_json, say

if TYPE_CHECKING:
    from datetime import date

    from familychat.household import Household
    from familychat.models import UsageTotal


class By(StrEnum):
    """What one's own numbers can be sorted by."""

    DAY = "day"
    MODEL = "model"
    TASK = "task"


class ByAny(StrEnum):
    """What everyone's numbers can be sorted by."""

    DAY = "day"
    PERSON = "person"
    MODEL = "model"
    TASK = "task"


Since = Annotated[str | None, typer.Option(metavar="DAY", help="The first day, such as 2026-01-31.")]
Until = Annotated[str | None, typer.Option(metavar="DAY", help="The last day; else today.")]
Days = Annotated[int | None, typer.Option(min=1, max=36_525, help="The last days, today included; else 30.")]


def usage(
    by: Annotated[ByAny, typer.Option(help="Each day, or each person, model or task.")] = ByAny.DAY,
    since: Since = None,
    until: Until = None,
    days: Days = None,
    json: options.Json = False,
) -> None:
    """Show how much the household used. Turns without a model never reached one."""
    from familychat.family.usage import span

    with invocation.signed_in() as (home, user):
        first, last = span(_today(home), days=days, since=since, until=until)
        totals = home.usage.household(user, by.value, first, last)
    _show(by.value, totals, as_json=json)


def own(
    by: Annotated[By, typer.Option(help="Each day, or each model or task.")] = By.DAY,
    since: Since = None,
    until: Until = None,
    days: Days = None,
    json: options.Json = False,
) -> None:
    """Show how much you used."""
    from familychat.family.usage import span

    with invocation.signed_in() as (home, user):
        first, last = span(_today(home), days=days, since=since, until=until)
        totals = home.usage.own(user, by.value, first, last)
    _show(by.value, totals, as_json=json)


def _today(home: Household) -> date:
    """The day by the household's clock, by which the numbers were counted."""
    from datetime import date

    from familychat.clock import utc_now
    from familychat.family.hours import household_zone, local_day

    return date.fromisoformat(local_day(utc_now(), household_zone(home.settings.time_zone)))


def _show(by: str, totals: list[UsageTotal], *, as_json: bool) -> None:
    from familychat_cli.charts import Bar, chart

    if as_json:
        emit_json([{by: one.what, "turns": one.turns, "prompt_tokens": one.prompt_tokens,
                    "completion_tokens": one.completion_tokens} for one in totals])  # fmt: skip
        return
    if not any(one.turns for one in totals):
        say("Nothing was used in that time.")
        return
    bars = [
        Bar(one.what, one.turns, [f"{one.turns:,}", f"{one.prompt_tokens:,}", f"{one.completion_tokens:,}"])
        # A page of empty days before the first one tells nothing.
        for one in itertools.dropwhile(lambda one: not one.turns, totals)
    ]
    chart(by.capitalize(), ["Turns", "Tokens read", "Written"], bars)
