"""What browsers report when the content security policy stopped something: counted, never kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
from litestar import Controller, post

from familychat.errors import InvalidInputError
from familychat_web.describing import MAY_FAIL, TAKES
from familychat_web.guards import OPEN_TO_ALL, WITHOUT_TOKEN
from familychat_web.headers import REPORTS
from familychat_web.rates import Rate
from familychat_web.site import WebRequest, asking_of, site_of

MOST_AT_ONCE = 64_000
"""Bytes."""

OFTEN = Rate("reports", 60, 60)
OLD, NEW = "application/csp-report", "application/reports+json"
DIRECTIVES = frozenset({
    "base-uri", "child-src", "connect-src", "default-src", "font-src", "form-action", "frame-ancestors", "frame-src",
    "img-src", "manifest-src", "media-src", "object-src", "script-src", "script-src-attr", "script-src-elem",
    "style-src", "style-src-attr", "style-src-elem", "worker-src",
})  # fmt: skip
OTHER = "other"

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


class _Violation(msgspec.Struct, frozen=True):
    """The part of a report that is looked at."""

    directive: str | None = msgspec.field(default=None, name="effectiveDirective")
    blocked: str | None = msgspec.field(default=None, name="blockedURL")


class _OldViolation(msgspec.Struct, frozen=True):
    directive: str | None = msgspec.field(default=None, name="effective-directive")
    violated: str | None = msgspec.field(default=None, name="violated-directive")
    blocked: str | None = msgspec.field(default=None, name="blocked-uri")


class _Old(msgspec.Struct, frozen=True):
    report: _OldViolation = msgspec.field(name="csp-report")


class _New(msgspec.Struct, frozen=True):
    type: str
    body: msgspec.Raw


class UnknownKindError(InvalidInputError):
    """The body is of another type than those that are read here."""

    http_status = 415


class ReportsController(Controller):
    path = REPORTS
    request_max_body_size = MOST_AT_ONCE

    @post(opt=OPEN_TO_ALL | WITHOUT_TOKEN | {"rate": OFTEN, TAKES: (OLD, NEW), MAY_FAIL: (415,)}, status_code=204)
    async def report(self, request: WebRequest) -> None:
        """Count what the policy stopped in a browser. Of what was written or named there, nothing is kept."""
        host = asking_of(request).host
        for directive, blocked in _violations(request.content_type[0], await request.body()):
            kind = _kind(blocked, host)
            site_of(request).counts.note_stopped(directive, kind)
            _log.info("the content security policy stopped something: %s, %s", directive, kind)


def _violations(media_type: str, body: bytes) -> Iterator[tuple[str, str]]:
    """The directive and what was blocked, of each report in a body."""
    try:
        if media_type == OLD:
            old = msgspec.json.decode(body, type=_Old).report
            yield _directive(old.directive or old.violated), old.blocked or ""
        elif media_type == NEW:
            for one in msgspec.json.decode(body, type=list[_New]):
                if one.type == "csp-violation":
                    found = msgspec.json.decode(one.body, type=_Violation)
                    yield _directive(found.directive), found.blocked or ""
        else:
            raise UnknownKindError("Only reports of browsers can be sent here.")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError("That isn't a report. Nothing was counted.") from error


def _directive(said: str | None) -> str:
    name = (said or "").partition(" ")[0]
    return name if name in DIRECTIVES else OTHER


def _kind(blocked: str, own_host: str) -> str:
    """What sort of thing was blocked: its address isn't anybody's affair."""
    if blocked in {"inline", "eval", "wasm-eval"}:
        return blocked
    try:
        parts = urlsplit(blocked)
        scheme, host = parts.scheme or blocked, parts.hostname
    except ValueError:
        return OTHER
    if scheme in {"blob", "data"}:
        return scheme
    if blocked == "self" or (host is not None and host == own_host):
        return "self"
    return "elsewhere" if scheme in {"http", "https", "ws", "wss"} else OTHER
