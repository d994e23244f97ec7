"""What every request has to pass, in this order: not too often, signed in, and from our own pages if it changes things.

Nobody passes by default. A handler that is for everybody says ``opt=OPEN_TO_ALL``; whatever is only for admins says
``guards=[admins_only]`` in addition.
"""

from __future__ import annotations

import hmac

from litestar.connection import Request
from litestar.enums import RequestEncodingType, ScopeType
from litestar.handlers import BaseRouteHandler

from familychat.errors import NotAllowedError, SignInError, TooManyAttemptsError
from familychat.family.guessing import network_of
from familychat.wording import Text, counted
from familychat_web.rates import CHANGES, SIGN_INS, Rate
from familychat_web.site import Connection, WebRequest, asking_of, site_of
from familychat_web.visits import visit_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_TO_ALL = {"open_to_all": True}
SIGNS_IN = {"open_to_all": True, "rate": SIGN_INS}
UPLOADS = {"token_in_header": True}
"""For a large body that is read as a stream: nothing looks into it for a token."""

WITHOUT_TOKEN = {"without_token": True}
"""For what browsers send by themselves. It mustn't change anything that is anybody's."""

HEADER = "x-csrf-token"
FIELD = "csrf"


async def not_too_often(connection: Connection, handler: BaseRouteHandler) -> None:
    """Raises :class:`TooManyAttemptsError`."""
    if _is_safe(connection):
        return
    asking = asking_of(connection)
    rate: Rate = handler.opt.get("rate", CHANGES)
    user = visit_of(connection).user if rate is CHANGES else None
    count = site_of(connection).rates.count(rate, user.id if user else network_of(asking.address))
    asking.headers |= count.headers()
    if count.too_many:
        raise TooManyAttemptsError(
            "That was a lot at once. Nothing was changed.",
            Text("Wait %(seconds)s, then try again.", seconds=counted(count.reset, "second")),
            retry_after=count.reset,
        )


async def signed_in(connection: Connection, handler: BaseRouteHandler) -> None:
    """Raises :class:`SignInError`."""
    if not handler.opt.get("open_to_all") and visit_of(connection).user is None:
        raise SignInError("You aren't signed in.", "Sign in, then try again.")


async def from_our_own_page(connection: Connection, handler: BaseRouteHandler) -> None:
    """Raises :class:`NotAllowedError` for a change that another site asks for, or that has no token of ours."""
    if _is_safe(connection):
        return
    headers = connection.headers
    own = f"{connection.scope['scheme']}://{headers.get('host', '')}".lower()
    comes_from = headers.get("sec-fetch-site", "same-origin")
    if comes_from not in {"same-origin", "none"} or headers.get("origin", own).lower() != own:
        raise NotAllowedError(
            "Another site asked for that. Nothing was changed.",
            "Use this page itself. If a proxy stands before it, the setting web.trusted_proxies has to name it.",
        )
    if handler.opt.get("without_token"):
        return
    sent = await _sent_token(connection, in_form=not handler.opt.get("token_in_header"))
    if not hmac.compare_digest(sent.encode("utf-8", "replace"), visit_of(connection).csrf.encode()):
        raise NotAllowedError(
            "This page isn't good any more. Nothing was changed.", "Go back, load it again, and try once more."
        )


async def admins_only(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Raises :class:`NotAllowedError` for anybody else. The library checks again, whatever it is asked to do."""
    user = visit_of(connection).user
    if user is None or not user.is_admin:
        raise NotAllowedError("Only an admin can do that.", "Ask an admin of the household.")


def _is_safe(connection: Connection) -> bool:
    return connection.scope["type"] == ScopeType.HTTP and connection.scope["method"] in SAFE


async def _sent_token(connection: Connection, *, in_form: bool) -> str:
    if (sent := connection.headers.get(HEADER)) is not None:
        return sent
    # Only small forms are read for it: an upload says it in the header, before anything of it is read.
    request: WebRequest | None = connection if isinstance(connection, Request) else None
    if not in_form or request is None or request.content_type[0] != RequestEncodingType.URL_ENCODED:
        return ""
    field = (await request.form()).get(FIELD, "")
    return field if isinstance(field, str) else ""
