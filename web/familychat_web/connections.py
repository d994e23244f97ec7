"""uvicorn's connections, which it leaves open for ever to whoever sends nothing, with our patience and our errors."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

from familychat.clock import new_id
from familychat_web.errors import PROBLEM, as_document, unreadable
from familychat_web.headers import secured
from familychat_web.patience import Patience


class PatientConnection(H11Protocol):
    """Closes itself when a request's head doesn't come, or the rest of a body that nobody waits for any more.

    Bodies that are read are the gate's affair, which can still answer.
    """

    def __init__(self, *args: Any, patience: Patience, **named: Any) -> None:
        super().__init__(*args, **named)
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None
        self._rest_since = 0.0
        self._rest = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._arm(self._patience.head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._waits_for_head():
            if self._timer is None:  # whatever comes, it has to be complete by then
                self._arm(self._patience.head)
        elif self._wastes():
            self._rest += len(data)
            if self._patience.is_lost(time.monotonic() - self._rest_since, self._rest):
                self.transport.close()
            self._arm(self._patience.quiet)
        else:
            self._disarm()

    def on_response_complete(self) -> None:
        self._disarm()
        super().on_response_complete()
        if self._wastes() and not self.transport.is_closing():
            self._rest_since, self._rest = time.monotonic(), 0
            self._arm(self._patience.quiet)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- uvicorn's words are for programmers
        """Say that it isn't HTTP, as all errors are said, unless an answer has begun."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            number = new_id()
            more = {"connection": "close", "x-request-id": number}
            content = msgspec.json.encode(as_document(unreadable(), number))
            given = [(b"content-type", PROBLEM.encode()), (b"content-length", str(len(content)).encode())]
            headers = secured(given, scheme=self.scheme or "http", host="", more=more)
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=content),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _waits_for_head(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _wastes(self) -> bool:
        """Whether a body goes on that was answered already."""
        return self.conn.their_state is h11.SEND_BODY and self.conn.our_state in {h11.DONE, h11.MUST_CLOSE}

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
