"""Messages as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

from markupsafe import Markup

from familychat.clock import parse_timestamp
from familychat.errors import NotFoundError
from familychat.export.view import readable
from familychat.household import Household
from familychat.models import Author, Conversation, Message, Status, User
from familychat.rendering import render_markdown
from familychat_web.tables import Found, found_in
from familychat_web.templating import Templates

AT_ONCE = 50
"""Messages on a page; the earlier ones come when they are asked for."""

MOST_AT_ONCE = 500
REMEMBERED = 600
LONGEST_REMEMBERED = 20_000
"""Characters of an answer whose HTML is kept in memory: rendering is most of what a page costs."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message. ``html`` is an answer's text, None for a question, whose words stand as they were typed.

    ``at`` is in the household's time zone, None where what was imported has no sensible time.
    """

    message: Message
    at: datetime | None
    html: Markup | None
    found: Found | None

    @property
    def by_person(self) -> bool:
        return self.message.author is Author.USER

    @property
    def is_growing(self) -> bool:
        return self.message.status is Status.STREAMING

    @property
    def text(self) -> str:
        return readable(self.message.content)


def shown(message: Message, zone: tzinfo) -> Shown:
    """One message."""
    by_person = message.author is Author.USER
    return Shown(
        message=message,
        at=_local(message.created_at, zone),
        html=None if by_person else Markup(_html(message.content)),  # noqa: S704 -- nh3 cleaned it
        found=None if by_person else found_in(message.details),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Which messages of a conversation are meant: those before, after, or around one, else the newest."""

    before: str = ""
    after: str = ""
    at: str = ""


NEWEST = Place()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages that follow one another. There are more before ``earlier`` and after ``later``, unless they are None."""

    messages: list[Shown]
    earlier: str | None = None
    later: str | None = None


def stretch_of(home: Household, user: User, conversation: Conversation, place: Place, count: int) -> Stretch:
    """As many messages of the shown path; the newest where there is nothing at ``place.at``.

    Raises :class:`familychat.errors.NotFoundError` if there is no message to go on from.
    """
    chats, zone = home.conversations, home.limits.zone
    if place.after:
        found = chats.messages_after(user, conversation, place.after, limit=count + 1)
        if found is None:
            raise NotFoundError("There is no such message in this conversation.", "Open it anew to see what it has.")
        messages = [shown(message, zone) for message in found[:count]]
        earlier = messages[0].message.id if messages else None
        return Stretch(messages, earlier, messages[-1].message.id if len(found) > count else None)
    following = chats.messages_after(user, conversation, place.at, limit=count) if place.at else None
    later: str | None
    if following is not None and len(following) >= count:
        around = following[: count // 2]
        path = chats.messages(user, conversation, limit=count // 2 + 1, before=around[0].id) + around
        later = around[-1].id
    else:
        path = chats.messages(user, conversation, limit=count + 1, before=place.before or None)
        later = path[-1].id if place.before and path else None
    messages = [shown(message, zone) for message in path[-count:]]
    return Stretch(messages, messages[0].message.id if len(path) > count else None, later)


def address_of(home: Household, user: User, conversation: Conversation, message_id: str) -> str:
    """Where a message is shown; the conversation itself if it isn't on the shown path."""
    there = f"/c/{conversation.id}"
    following = home.conversations.messages_after(user, conversation, message_id, limit=AT_ONCE)
    if following is None:
        return there
    return f"{there}{'' if len(following) < AT_ONCE else f'?at={message_id}'}#message-{message_id}"


def warm_up(templates: Templates) -> None:
    """Do beforehand what makes the first page slow."""
    render_markdown("```python\nready = True\n```")
    templates.read_all()


def _html(text: str) -> str:
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else render_markdown(text)


@lru_cache(maxsize=REMEMBERED)
def _remembered(text: str) -> str:
    return render_markdown(text)


def _local(timestamp: str, zone: tzinfo) -> datetime | None:
    try:
        return parse_timestamp(timestamp).astimezone(zone)
    except (ValueError, OverflowError):  # the year 1, from an import
        return None
