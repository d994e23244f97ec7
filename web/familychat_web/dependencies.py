"""What handlers ask for by name: ``home``, the household, ``user``, who is signed in, and their ``conversation``."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from familychat.errors import SignInError
from familychat.household import Household
from familychat.models import Conversation, User
from familychat_web.site import WebRequest, site_of
from familychat_web.visits import visit_of

P = ParamSpec("P")
R = TypeVar("R")


def provide_home(request: WebRequest) -> Household:
    return site_of(request).household


def provide_user(request: WebRequest) -> User:
    """Raises :class:`SignInError` where nobody is signed in."""
    user = visit_of(request).user
    if user is None:
        raise SignInError("You aren't signed in.", "Sign in, then try again.")
    return user


def provide_conversation(
    home: NamedDependency[Household], user: NamedDependency[User], conversation_id: FromPath[str]
) -> Conversation:
    """The one that the path names. Raises :class:`NotFoundError` unless it is the person's own."""
    return home.conversations.get(user, conversation_id)


PROVIDED = {
    "home": Provide(provide_home, sync_to_thread=False),
    "user": Provide(provide_user, sync_to_thread=False),
    "conversation": Provide(provide_conversation, sync_to_thread=False),
}


async def off_loop(request: WebRequest, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """As :meth:`familychat_web.site.Site.off_loop`, on the page that was asked."""
    return await site_of(request).off_loop(work, *args, **kwargs)
