"""The outermost layer: whatever is asked, also for what isn't there, comes in and goes out through here."""

from __future__ import annotations

import logging
import time
from typing import cast

from litestar.connection import Request
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from familychat.clock import new_id
from familychat.errors import FamilychatError
from familychat.store.audit import coming_from
from familychat_web.errors import answer_to
from familychat_web.headers import secured
from familychat_web.hosts import Hosts
from familychat_web.logs import request_id
from familychat_web.patience import Body
from familychat_web.proxies import Proxies
from familychat_web.site import Asking, Site, WebRequest
from familychat_web.watching import seen_in

MOST_THROWN_AWAY = 100_000_000
"""Bytes."""

_log = logging.getLogger(__name__)


class Gate:
    """Says who asks, refuses unknown host names, and puts the headers on every answer."""

    def __init__(self, inside: ASGIApp, hosts: Hosts, proxies: Proxies, site: Site) -> None:
        self._inside = inside
        self._site = site
        self._hosts = hosts
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._inside(scope, receive, send)
            return
        seen = cast(HTTPScope, dict(scope))
        headers = Headers.from_scope(scope)
        seen["scheme"] = self._proxies.scheme_of(seen, headers)
        if seen["method"] == "HEAD":  # the server leaves out the body, since it knows what was asked
            seen["method"] = "GET"
        asking = Asking(new_id(), self._proxies.address_of(seen, headers))
        asking.put_into(seen)
        if _may_never_end(headers):
            asking.close()
        if _has_body(headers):
            receive = Body(receive, self._site.patience, asking.close).receive
        answer = _Answer(asking, seen["scheme"], send)
        address, named = coming_from.set(asking.address), request_id.set(asking.request_id)
        try:
            await self._answered(seen, receive, answer)
        finally:
            ended = time.perf_counter() - answer.asked
            self._site.counts.note(seen_in(seen, answer.status, began=answer.began, ended=ended))
            request_id.reset(named)
            coming_from.reset(address)

    async def _answered(self, scope: HTTPScope, receive: Receive, answer: _Answer) -> None:
        try:
            answer.asking.host = self._hosts.check(scope)
        except FamilychatError as error:
            await _refuse(error, scope, receive, answer.send)
            return
        try:
            await self._inside(scope, receive, answer.send)
        except Exception as error:
            # It broke off in the middle. What the error says may be what somebody wrote, so it isn't logged.
            _log.error("an answer broke off: %s (request %s)", type(error).__name__, answer.asking.request_id)
            raise


class _Answer:
    """Sends an answer with the headers that all have. ``began`` is in seconds after it was asked for."""

    def __init__(self, asking: Asking, scheme: str, send: Send) -> None:
        self.asking = asking
        self._scheme = scheme
        self._send = send
        self.asked = time.perf_counter()
        self.began = 0.0
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.began = message["status"], time.perf_counter() - self.asked
            more = {**self.asking.headers, "x-request-id": self.asking.request_id}
            given = [(bytes(name), bytes(value)) for name, value in message["headers"]]
            message["headers"] = secured(given, scheme=self._scheme, host=self.asking.host, more=more)
        await self._send(message)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _may_never_end(headers: Headers) -> bool:
    """Whether the body has no length, or an absurd one.

    The server goes on reading, and throws away, what is left of a body that nobody wanted: browsers see the answer only
    when they have sent all of it. Of such a body nothing is read after the answer.
    """
    length = headers.get("content-length", "0")
    return "transfer-encoding" in headers or not length.isdecimal() or int(length) > MOST_THROWN_AWAY


async def _refuse(error: FamilychatError, scope: HTTPScope, receive: Receive, send: Send) -> None:
    request: WebRequest = Request(scope, receive, send)
    response = answer_to(request, error).to_asgi_response(app=None, request=request)
    await response(scope, receive, send)
