"""What belongs to the operating-system account that owns the data folder, signed in or not."""

from __future__ import annotations

import os
from pathlib import Path

from familychat.clock import Clock, timestamp, utc_now
from familychat.errors import NotAllowedError, NotFoundError, StoreError
from familychat.family.accounts import os_account
from familychat.family.guessing import Guessing, account_subject
from familychat.family.passwords import check_new_password, hash_password
from familychat.models import User
from familychat.store.audit import ABOUT_EVERYONE, AuditStore
from familychat.store.database import Database
from familychat.store.files import setup_lock
from familychat.store.leases import Lease
from familychat.store.people import PeopleStore
from familychat.store.sessions import SessionStore
from familychat.wording import Text


def require_owner(path: Path, account: int | None = None) -> None:
    """Raises :class:`NotAllowedError` unless the account (a user id; None: the one that runs this) owns the file.

    Where the system doesn't say who owns a file (Windows), it is who may write it.
    """
    if hasattr(os, "geteuid"):
        owns = path.stat().st_uid == (os.geteuid() if account is None else account)
    else:
        owns = os.access(path, os.W_OK)
    if not owns:
        raise NotAllowedError(
            "Only the computer account that owns the data folder can do that. Nothing was changed.",
            Text("Sign in to the computer as the owner of %(path)s, then try again.", path=path.parent),
        )


def reset_password(
    database: Database, username: str, password: str, *, clock: Clock = utc_now, account: int | None = None
) -> User:
    """Set a person's password without being signed in; it ends their sessions and lets them try again at once.

    Raises as :func:`require_owner`, :class:`NotFoundError`, and :class:`familychat.errors.InvalidInputError` for a
    password that won't do. The person can read in the audit log that it was done, and by which computer account.
    """
    require_owner(database.path, account)
    people = PeopleStore(database)
    user = people.by_username(username)
    if user is None:
        names = ", ".join(one.username for one in people.all())
        raise NotFoundError(
            Text("Nobody here is called %(name)s.", name=username), Text("There are: %(names)s.", names=names)
        )
    check_new_password(password, user.username)
    password_hash = hash_password(password)
    with database.transaction():
        people.set_password_hash(user.id, password_hash)
        SessionStore(database).remove_all_of(user.id)
        Guessing(database, clock).forget([account_subject(user.username)])
        AuditStore(database).add(
            timestamp(clock()), os_account(), "password.reset", user.username, "by the owner of the data folder",
            about_id=user.id,
        )  # fmt: skip
    return user


def record(database: Path, action: str, target: str, details: str = "") -> bool:
    """Put into the audit log what the data folder's owner did with everybody's data, for everybody to read.

    False if the log can't be written, as on a full disk: what was done is done, and is worth more than its entry.
    """
    try:
        with setup_lock(database):
            lease = Lease(database.parent)  # so that nobody restores a database under us
        try:
            with Database(database) as opened:
                AuditStore(opened).add(
                    timestamp(utc_now()), os_account(), action, target, details, about_id=ABOUT_EVERYONE
                )
        finally:
            lease.release()
    except (StoreError, OSError):
        return False
    return True
