"""Visits: the session behind a request, its cookies, and the token that our own pages carry.

A session is the library's; the browser has its token in a cookie that no script can read, and only the token's hash is
stored. Who isn't signed in gets a random cookie as well, so that the sign-in form has a token, too. It ends there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from litestar.datastructures import Cookie

from familychat.family.sign_in import SESSION_LIFETIME, TOKEN_BYTES
from familychat_web.site import Connection, Visit, asking_of, site_of

SESSION = "familychat_session"
STRANGER = "familychat_visit"
_TOKEN_LENGTH = len(secrets.token_urlsafe(TOKEN_BYTES))


def visit_of(connection: Connection) -> Visit:
    """Who is there, looked up in the database once for each request and remembered no longer."""
    asking = asking_of(connection)
    if asking.visit is None:
        asking.visit = _looked_up(connection)
    return asking.visit


def _looked_up(connection: Connection) -> Visit:
    token = session_token(connection)
    user = site_of(connection).household.sign_in.user_of(token) if token else None
    if token and user is not None:
        return Visit(user, token, csrf_token(token))
    stranger = connection.cookies.get(_name(connection, STRANGER), "")
    if len(stranger) == _TOKEN_LENGTH and stranger.isascii():
        return Visit(None, stranger, csrf_token(stranger))
    made_up = secrets.token_urlsafe(TOKEN_BYTES)
    return Visit(None, made_up, csrf_token(made_up), new=True)


def csrf_token(token: str) -> str:
    """Follows from a session's token without telling it. It holds as long as the session, also after a restart."""
    return hmac.new(token.encode(), b"familychat: from our own page", hashlib.sha256).hexdigest()


def session_token(connection: Connection) -> str | None:
    """The session's token that the browser sent, whether or not it is good for anything."""
    return connection.cookies.get(_name(connection, SESSION))


def still_signed_in(connection: Connection) -> bool:
    """For streams: whether the person who began it is signed in still, looked up anew."""
    token, user = session_token(connection), visit_of(connection).user
    now = site_of(connection).household.sign_in.user_of(token) if token else None
    return user is not None and now is not None and now.id == user.id


def signed_in_cookies(connection: Connection, token: str) -> list[Cookie]:
    """The new session's, and the end of the stranger's."""
    lifetime = int(SESSION_LIFETIME.total_seconds())
    return [cookie(connection, SESSION, token, lifetime), cookie(connection, STRANGER, "", 0)]


def signed_out_cookies(connection: Connection) -> list[Cookie]:
    """The end of the session's."""
    return [cookie(connection, SESSION, "", 0)]


def stranger_cookies(connection: Connection) -> list[Cookie]:
    """What a page sets for somebody who came without any cookie."""
    visit = visit_of(connection)
    return [cookie(connection, STRANGER, visit.token, None)] if visit.new else []


def cookie(connection: Connection, name: str, value: str, max_age: int | None) -> Cookie:
    """A cookie of ours; ``max_age`` in seconds, None: until the browser is closed, 0: gone."""
    secure = connection.scope["scheme"] == "https"
    return Cookie(
        key=_name(connection, name),
        value=value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="lax",
        secure=secure or None,
    )


def _name(connection: Connection, name: str) -> str:
    # A browser takes a name that begins so from this very host only, and over TLS only.
    return f"__Host-{name}" if connection.scope["scheme"] == "https" else name
