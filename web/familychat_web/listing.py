"""The left pane: which conversations it shows, in which groups, and what of a hit is marked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from urllib.parse import urlencode

from familychat.clock import parse_timestamp
from familychat.errors import NotFoundError
from familychat.household import Household
from familychat.models import Conversation, User
from familychat.searching import Hit, Snippet
from familychat.store.conversations import ANY, Chosen

PAGE = 40
"""Conversations at once."""


@dataclass(frozen=True, slots=True)
class View:
    """What is listed: everything, a folder, or the archive; and after which conversation's id the page begins."""

    folder: str = ""
    archived: bool = False
    after: str = ""

    @property
    def chosen(self) -> Chosen:
        return replace(ANY, folder=self.folder or None, archived=self.archived)

    @property
    def is_everything(self) -> bool:
        return not self.folder and not self.archived

    def url(self, **more: str) -> str:
        """Where the list alone is; with ``whole="1"`` on a page of its own."""
        said = {"folder": self.folder, "archived": "1" if self.archived else "", "after": self.after, **more}
        query = urlencode({name: value for name, value in said.items() if value})
        return f"/list?{query}" if query else "/list"


@dataclass(frozen=True, slots=True)
class Group:
    """Conversations under one heading: pinned, today, yesterday, week, or month with its ``first`` day.

    ``continued``: its heading stands on the page before.
    """

    kind: str
    first: date | None
    conversations: tuple[Conversation, ...]
    continued: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list. ``older`` is the view that follows; ``state`` changes whenever what is shown does."""

    view: View
    groups: tuple[Group, ...]
    older: View | None
    folders: dict[str, int]
    this_year: int
    state: str


def listing_of(home: Household, user: User, view: View, now: datetime) -> Listing:
    """Raises :class:`familychat.errors.NotFoundError` if ``view.after`` is no conversation of this person."""
    before = home.conversations.get(user, view.after) if view.after else None
    found = home.conversations.newest(user, PAGE + 1, before=before, chosen=view.chosen)
    shown, more = found[:PAGE], len(found) > PAGE
    folders = home.conversations.folders(user)
    zone = home.limits.zone
    today = now.astimezone(zone).date()
    groups = _grouped(shown, before, today, zone)
    told = [(one.id, one.title, one.folder, one.pinned, one.last_message_at) for one in found]
    state = hashlib.sha256(repr((view, today, folders, told)).encode("utf-8", "replace")).hexdigest()[:24]
    older = replace(view, after=shown[-1].id) if more else None
    return Listing(view, groups, older, folders, today.year, state)


def first_listing(home: Household, user: User, now: datetime) -> Listing:
    """Everything, from the newest on."""
    return listing_of(home, user, View(), now)


def _grouped(shown: list[Conversation], before: Conversation | None, today: date, zone: tzinfo) -> tuple[Group, ...]:
    last = _place(before, today, zone) if before else None
    places = groupby(shown, key=lambda one: _place(one, today, zone))
    return tuple(Group(*place, tuple(ones), continued=place == last) for place, ones in places)


def _place(conversation: Conversation, today: date, zone: tzinfo) -> tuple[str, date | None]:
    """Under which heading it stands, by the household's date. The week begins on Monday."""
    if conversation.pinned:
        return "pinned", None
    day = _day(conversation.last_message_at, zone)
    if day >= today:
        return "today", None
    if day == today - timedelta(days=1):
        return "yesterday", None
    if day >= today - timedelta(days=today.weekday()):
        return "week", None
    return "month", day.replace(day=1)


def _day(at: str, zone: tzinfo) -> date:
    moment = parse_timestamp(at)
    try:
        return moment.astimezone(zone).date()
    except OverflowError:  # the year 1, from an import
        return moment.astimezone(UTC).date()


def parts_of(snippet: Snippet) -> list[tuple[str, bool]]:
    """The pieces of a text, one after another, and whether each is what was looked for."""
    parts, end = [], 0
    for begin, until in snippet.marks:
        parts += [(snippet.text[end:begin], False), (snippet.text[begin:until], True)]
        end = until
    parts.append((snippet.text[end:], False))
    return [part for part in parts if part[0]]


@dataclass(frozen=True, slots=True)
class Found:
    """A hit as it is shown: the pieces of its title and of its text, and where it leads.

    ``shows`` is what to ask for first, so that the message is on the shown path; empty for a title.
    """

    title: list[tuple[str, bool]]
    text: list[tuple[str, bool]]
    others: int
    address: str
    shows: str


def found_of(hit: Hit) -> Found:
    """A hit, for a template."""
    there = f"/c/{hit.conversation.id}"
    shows = f"{there}/reveal/{hit.message_id}" if hit.message_id else ""
    text = parts_of(hit.snippet) if hit.snippet else []
    return Found(parts_of(hit.title), text, hit.others, there, shows)


def deleted_one(home: Household, user: User, conversation_id: str) -> Conversation | None:
    """What was just moved to the trash, if it is still there: it can be brought back."""
    try:
        found = home.conversations.get(user, conversation_id) if conversation_id else None
    except NotFoundError:
        return None
    return found if found is not None and found.deleted_at is not None else None
