"""How long slow senders are waited for: a connection that brings nothing, or hardly anything, doesn't stay open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from litestar.types import HTTPReceiveMessage, Receive

from familychat.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds, and bytes in a second. All of a request's head has to come within ``head``.

    Of its body, something has to come every ``quiet`` seconds, and ``least`` bytes a second on average once ``window``
    seconds were waited for it. What the page itself needs to take it in doesn't count.
    """

    head: float = 20.0
    quiet: float = 20.0
    window: float = 60.0
    least: float = 500.0

    def is_lost(self, waited: float, came: int) -> bool:
        """Whether so many bytes are too few for so many seconds of waiting."""
        return waited > self.window and came < waited * self.least


class SlowBodyError(InvalidInputError):
    """A body came too slowly, or not at all."""

    http_status = 408


class CutOffError(InvalidInputError):
    """Whoever sent a body went away before its end."""

    http_status = 400


class Body:
    """The body of a request, received with patience. ``gave_up`` is called before an error is raised."""

    def __init__(self, receive: Receive, patience: Patience, gave_up: Callable[[], None]) -> None:
        self._receive = receive
        self._patience = patience
        self._gave_up = gave_up
        self._waited = 0.0
        self._came = 0
        self._over = False

    async def receive(self) -> HTTPReceiveMessage:
        """The next message; raises :class:`SlowBodyError` and :class:`CutOffError` while the body isn't complete."""
        if self._over:
            return await self._next()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience.quiet):
                message = await self._next()
        except TimeoutError:
            raise self._slow() from None
        self._waited += time.monotonic() - began
        if message["type"] == "http.disconnect":
            self._over = True
            raise CutOffError("The end of what was sent is missing. Nothing was changed.", "Try once more.")
        self._came += len(message["body"])
        self._over = not message["more_body"]
        if not self._over and self._patience.is_lost(self._waited, self._came):
            raise self._slow()
        return message

    def _slow(self) -> SlowBodyError:
        self._over = True
        self._gave_up()
        return SlowBodyError("What was sent came too slowly. Nothing was changed.", "Try once more.")

    async def _next(self) -> HTTPReceiveMessage:
        return await self._receive()  # type: ignore[return-value]  # of a request over HTTP
