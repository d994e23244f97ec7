"""The one place that decides whether a person may use something."""

from __future__ import annotations

import re

from familychat.errors import InvalidInputError, NotAllowedError
from familychat.models import Effect, User
from familychat.store.grants import GrantStore

_RESOURCE = re.compile(r"(task|model|library):(\S(?:.*\S)?)")
MAX_RESOURCE = 300


def check_resource(resource: str) -> str:
    """Returns ``task:NAME``, ``model:NAME`` or ``library:NAME`` (``*``: any); raises :class:`InvalidInputError`."""
    if len(resource) > MAX_RESOURCE or not _RESOURCE.fullmatch(resource):
        raise InvalidInputError(
            f"{resource[:60]} isn't something that can be granted.", "Write task:NAME, model:NAME or library:NAME."
        )
    return resource


def may_use(grants: GrantStore, user: User, resource: str) -> bool:
    """Whether a rule allows it and none denies it; nothing is allowed without a rule, not even to an admin."""
    kind = resource.partition(":")[0]
    effects = {grant.effect for grant in grants.touching(user.id, [resource, f"{kind}:*"])}
    return Effect.ALLOW in effects and Effect.DENY not in effects


def require(grants: GrantStore, user: User, resource: str) -> None:
    """Raises :class:`NotAllowedError` unless the person is active and may use ``resource``."""
    if not user.active:
        raise NotAllowedError("Your account is switched off.", "Ask an admin of the household.")
    if not may_use(grants, user, resource):
        kind, _, name = resource.partition(":")
        raise NotAllowedError(
            f"You may not use the {kind} {name}. Nothing was sent.",
            f"An admin can allow it: familychat admin grant {user.username} {resource}",
        )


def require_admin(user: User) -> None:
    """Raises :class:`NotAllowedError` unless the person is an active admin."""
    if not (user.active and user.is_admin):
        raise NotAllowedError("Only an admin can do that.", "familychat login signs in as somebody else.")
