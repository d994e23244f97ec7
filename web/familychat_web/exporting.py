"""Taking many of one's conversations along in one file."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from litestar.response import Stream

from familychat.export import Place, Target, format_named, write
from familychat.household import Household
from familychat.models import Conversation, User
from familychat_web.dependencies import off_loop
from familychat_web.site import WebRequest

PIECE = 64 * 1024
"""Bytes that are read at once."""


async def download(
    request: WebRequest, home: Household, user: User, conversations: list[Conversation], format_name: str
) -> Stream:
    """The answer with a person's conversations in a zip file that has the day in its name; raises as :func:`zipped`."""
    file = await off_loop(request, zipped, home, user, conversations, format_name)
    day = home.clock().astimezone(home.limits.zone).date()
    disposition = f'attachment; filename="familychat-{day}.{format_name.lower()}.zip"'
    headers = {"content-disposition": disposition}
    return Stream(_pieces_of(file), media_type="application/zip", headers=headers, status_code=200)


def zipped(home: Household, user: User, conversations: list[Conversation], format_name: str) -> BinaryIO:
    """A zip file with a person's conversations; it is gone once it is closed.

    Takes long for many. Raises :class:`familychat.errors.InvalidInputError` for a format that there isn't, or that
    can't be written on this computer.
    """
    made = format_named(format_name)
    made.check()
    titles = [one.title for one in conversations]
    # Its folder is private, and leaves before anything is sent: nothing stays behind when somebody goes away.
    with tempfile.TemporaryDirectory(prefix="familychat-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "conversations.zip"
        documents = home.conversations.documents(user, conversations)
        write(Target(Place.ZIP, path, made), titles, documents, io.BytesIO())
        return path.open("rb")


def _pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """The file's content, closing it at the end or when nobody wants more."""
    with file:
        while piece := file.read(PIECE):
            yield piece
