"""Reports of what was used: counts only. Nobody's words are in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from familychat.errors import InvalidInputError
from familychat.family.accounts import Accounts
from familychat.models import UsageTotal, User
from familychat.store.database import Database
from familychat.store.usage import Grouping, UsageStore
from familychat.wording import Text

NO_MODEL = "none"
"""Stands for the turns that never reached a model."""

DEFAULT_DAYS = 30
MOST_DAYS = 36_525


class UsageReports:
    """What the household used, for admins; and one's own, for everybody."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._store = UsageStore(database)
        self._accounts = accounts

    def household(self, by: User, grouping: Grouping, since: date, until: date) -> list[UsageTotal]:
        """Everyone's use on the days from ``since`` to ``until``, both inclusive, for an admin.

        Days come in their order and without gaps; all else with the most turns first.
        """
        names = {one.id: one.username for one in self._accounts.all(by)}
        return _arranged(self._store.totals(grouping, str(since), str(until)), grouping, names, since, until)

    def ever(self) -> UsageTotal:
        """All that was ever used, of the people who are still here: a sum that tells of nobody."""
        totals = self._store.totals("task", str(date.min), str(date.max))
        turns, read, written = (
            sum(getattr(one, name) for one in totals) for name in ("turns", "prompt_tokens", "completion_tokens")
        )
        return UsageTotal("ever", turns, read, written)

    def own(self, user: User, grouping: Grouping, since: date, until: date) -> list[UsageTotal]:
        """As :meth:`household`, of one person only."""
        totals = self._store.totals(grouping, str(since), str(until), user_id=user.id)
        return _arranged(totals, grouping, {user.id: user.username}, since, until)


def span(today: date, *, days: int | None, since: str | None, until: str | None) -> tuple[date, date]:
    """The first and the last day that are meant: the ``days`` up to today (30 unless something is said), or as typed.

    Raises :class:`InvalidInputError` if it is no span of at most a hundred years.
    """
    if days is not None and (since is not None or until is not None):
        raise InvalidInputError("Say either --days or --since and --until.")
    last = _day(until) if until is not None else today
    try:
        first = _day(since) if since is not None else last - timedelta(days=(days or DEFAULT_DAYS) - 1)
    except OverflowError:
        first = date.min
    if not 0 <= (last - first).days < MOST_DAYS:
        raise InvalidInputError(
            Text("%(first)s to %(last)s can't be shown.", first=first, last=last),
            "Choose at most a hundred years, oldest first.",
        )
    return first, last


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(Text("%(text)s isn't a day.", text=text), "Write it as 2026-01-31.") from None


def _arranged(
    totals: list[UsageTotal], grouping: Grouping, names: dict[str, str], since: date, until: date
) -> list[UsageTotal]:
    if grouping == "day":
        used = {one.what: one for one in totals}
        days = [str(since + timedelta(days=number)) for number in range((until - since).days + 1)]
        return [used.get(day) or UsageTotal(day, 0, 0, 0) for day in days]
    totals = [one for one in totals if one.turns or one.prompt_tokens or one.completion_tokens]
    if grouping == "person":
        totals = [replace(one, what=names.get(one.what, one.what)) for one in totals]
    if grouping == "model":
        totals = [replace(one, what=one.what or NO_MODEL) for one in totals]
    return sorted(totals, key=lambda one: (-one.turns, one.what))
