"""Doing one thing with many of one's own conversations: to all of them, or to none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from familychat.household import Household
    from familychat.models import Conversation, User


class Action(StrEnum):
    """What can be done to many at once."""

    DELETE = "delete"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    PIN = "pin"
    UNPIN = "unpin"
    MOVE = "move"


def act(
    home: Household, user: User, conversations: Sequence[Conversation], action: Action, folder: str | None = None
) -> str | None:
    """Do it to each, or to none; ``folder`` is where they are moved to, None: out of theirs.

    Returns when they were deleted, None if they weren't.
    """
    chats = home.conversations
    todo: dict[Action, Callable[[Conversation], object]] = {
        Action.ARCHIVE: lambda one: chats.archive(user, one),
        Action.UNARCHIVE: lambda one: chats.archive(user, one, archived=False),
        Action.PIN: lambda one: chats.pin(user, one),
        Action.UNPIN: lambda one: chats.pin(user, one, pinned=False),
        Action.MOVE: lambda one: chats.move(user, one, folder),
    }
    if action is Action.DELETE:
        return chats.delete(user, *conversations)
    with home.database.transaction():
        for one in conversations:
            todo[action](one)
    return None
