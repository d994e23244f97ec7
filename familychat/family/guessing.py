"""Guessing passwords is made slow: who fails has to wait, longer each time, and after ten times is locked out.

It is counted per account and per address. Names are kept as hashes only: what was typed may be a password.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from familychat.clock import Clock, parse_timestamp, timestamp
from familychat.errors import TooManyAttemptsError
from familychat.store.audit import TERMINAL
from familychat.store.database import Database
from familychat.store.people import username_key
from familychat.store.sessions import Failures, SessionStore
from familychat.wording import Text, counted

FREE_FAILURES = 1
LOCK_AFTER = 10
LOCKED_FOR = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=24)
MOST_SUBJECTS = 10_000
"""How many accounts and addresses are remembered; pushing one out takes longer than waiting for it."""

IPV6_NETWORK = 64
_LONGEST_ADDRESS = 100


def wait_after(failures: int) -> timedelta:
    """How long nobody may try again after so many failures in a row: none, then 1, 2, 4 ... s; from ten on, 15 min."""
    if failures <= FREE_FAILURES:
        return timedelta(0)
    if failures >= LOCK_AFTER:
        return LOCKED_FOR
    return timedelta(seconds=2 ** (failures - FREE_FAILURES - 1))


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the IPv6 network of 64 bits that one household has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_LONGEST_ADDRESS]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False))
    return str(found)


def account_subject(username: str) -> str:
    """What the failures of an account are counted under."""
    return f"account:{hashlib.sha256(username_key(username).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Lock:
    """Nobody can sign in to an account (or from an address, ``what`` says which) before ``until``."""

    what: Literal["account", "address"]
    subject: str
    failures: int
    until: str


class Guessing:
    """Counts failed sign-ins, and refuses to look at a password while it is too early for the next one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._store = SessionStore(database)

    def begin(self, username: str, address: str) -> list[str]:
        """Count an attempt, and return what it was counted under; raises :class:`TooManyAttemptsError` while waiting.

        It counts as failed before the password is looked at, and :meth:`forget` takes that back: many tries at once
        gain nothing. At the terminal all share one address, so it isn't counted: one child must not lock out the house.
        """
        subjects = [account_subject(username)]
        if address != TERMINAL:
            subjects.append(f"address:{network_of(address)}")
        now = self._clock()
        self._store.no_failures_after(timestamp(now))
        with self._database.transaction():
            for subject in subjects:
                self._refuse_while_waiting(subject, now)
            for subject in subjects:
                before = self._store.failures(subject)
                self._store.put_failures(subject, (before.count if before else 0) + 1, timestamp(now))
            self._store.forget_failures_before(timestamp(now - FORGET_AFTER), keep=MOST_SUBJECTS)
        return subjects

    def _refuse_while_waiting(self, subject: str, now: datetime) -> None:
        failures = self._store.failures(subject)
        left = (_over(failures) - now).total_seconds() if failures else 0
        if left > 0:
            seconds = math.ceil(left)
            raise TooManyAttemptsError(
                "Too many wrong passwords.",
                Text("Wait %(seconds)s, then try again.", seconds=counted(seconds, "second")),
                retry_after=left,
            )

    def forget(self, subjects: list[str]) -> bool:
        """After the right password, or an admin's word: start anew. False if there was nothing to forget."""
        return sum(self._store.forget_failures(subject) for subject in subjects) > 0

    def locks(self, subjects: list[str] | None = None) -> list[Lock]:
        """Which accounts and addresses are locked out now, the latest first; only ``subjects``, if given."""
        now = self._clock()
        found = [one for one in self._store.failures_from(LOCK_AFTER) if _over(one) > now]
        return [_lock(one) for one in found if subjects is None or one.subject in subjects]


def _over(failures: Failures) -> datetime:
    return parse_timestamp(failures.last_failed_at) + wait_after(failures.count)


def _lock(failures: Failures) -> Lock:
    kind, _, subject = failures.subject.partition(":")
    return Lock("account" if kind == "account" else "address", subject, failures.count, timestamp(_over(failures)))
