"""Messages as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

from markupsafe import Markup

from familychat.clock import parse_timestamp
from familychat.export.view import readable
from familychat.models import Author, Message, Status
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
