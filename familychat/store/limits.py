"""Quotas, quiet hours, and the exceptions that an admin makes once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from familychat.clock import new_id
from familychat.models import LimitKind, QuietHours, Quota, Subject
from familychat.store.database import Database, Row
from familychat.store.groups import MEMBERSHIPS

T = TypeVar("T", Quota, QuietHours)

_OWN_FIRST = "ORDER BY user_id IS NULL, group_id IS NULL"
_TOUCHING = f"user_id = :user OR group_id IN ({MEMBERSHIPS}) OR (user_id IS NULL AND group_id IS NULL) {_OWN_FIRST}"


def _subject(row: Row) -> Subject:
    return Subject(row["user_id"], row["group_id"])


def _quota(row: Row) -> Quota:
    return Quota(_subject(row), LimitKind(row["kind"]), row["amount"])


def _hours(row: Row) -> QuietHours:
    return QuietHours(_subject(row), row["weekday"], row["begins"], row["ends"])


class LimitStore:
    """Rows of ``quotas``, ``quiet_hours`` and ``extensions``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- quotas

    def put_quota(self, quota: Quota, at: str) -> None:
        """Set a subject's quota of a kind, replacing the one there was."""
        self._database.execute(
            "INSERT INTO quotas (id, user_id, group_id, kind, amount, created_at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (coalesce(user_id, ''), coalesce(group_id, ''), kind) DO UPDATE SET amount = excluded.amount",
            [new_id(), quota.subject.user_id, quota.subject.group_id, quota.kind.value, quota.amount, at],
        )

    def remove_quota(self, subject: Subject, kind: LimitKind) -> bool:
        """Take a quota away; false if there was none."""
        return bool(
            self._database.execute(
                "DELETE FROM quotas WHERE user_id IS ? AND group_id IS ? AND kind = ?",
                [subject.user_id, subject.group_id, kind.value],
            )
        )

    def quotas(self) -> list[Quota]:
        """Everybody's."""
        return self._all("quotas", _quota)

    def quotas_touching(self, user_id: str) -> list[Quota]:
        """Those that a person has, alone or with others."""
        return self._touching("quotas", _quota, user_id)

    # -- quiet hours

    def put_hours(self, subject: Subject, spans: Sequence[QuietHours], at: str) -> None:
        """Add spans to a subject's quiet hours. One that says "none" replaces all, and is replaced by any other."""
        with self._database.transaction():
            if any(span.begins is None for span in spans):
                self.remove_hours(subject)
            else:
                self._remove_hours(subject, "begins IS NULL", [])
            self._database.execute_many(
                "INSERT INTO quiet_hours (id, user_id, group_id, weekday, begins, ends, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (new_id(), subject.user_id, subject.group_id, span.weekday, span.begins, span.ends, at)
                    for span in spans
                ],
            )

    def remove_hours(self, subject: Subject, weekdays: Sequence[int] | None = None) -> int:
        """Take a subject's quiet hours away, of these weekdays or (None) all; returns how many spans."""
        if weekdays is None:
            return self._remove_hours(subject, "1", [])
        marks = ", ".join("?" for _ in weekdays)
        return self._remove_hours(subject, f"weekday IN ({marks})", list(weekdays))

    def _remove_hours(self, subject: Subject, where: str, parameters: list[Any]) -> int:
        return self._database.execute(
            f"DELETE FROM quiet_hours WHERE user_id IS ? AND group_id IS ? AND {where}",  # noqa: S608 -- ours
            [subject.user_id, subject.group_id, *parameters],
        )

    def hours(self) -> list[QuietHours]:
        """Everybody's."""
        return self._all("quiet_hours", _hours)

    def hours_touching(self, user_id: str) -> list[QuietHours]:
        """Those that a person has, alone or with others."""
        return self._touching("quiet_hours", _hours, user_id)

    def _all(self, table: str, read: Callable[[Row], T]) -> list[T]:
        rows = self._database.rows(f"SELECT * FROM {table} {_OWN_FIRST}, user_id, group_id, id")  # noqa: S608 -- ours
        return [read(row) for row in rows]

    def _touching(self, table: str, read: Callable[[Row], T], user_id: str) -> list[T]:
        rows = self._database.rows(f"SELECT * FROM {table} WHERE {_TOUCHING}", {"user": user_id})  # noqa: S608
        return [read(row) for row in rows]

    # -- exceptions

    def extend(self, user_id: str, kind: LimitKind, day: str, amount: int, at: str) -> None:
        """Give a person so much more of a quota on one day."""
        self._extension(user_id, kind.value, at, day=day, amount=amount)

    def open_until(self, user_id: str, until: str, at: str) -> None:
        """Let a person's quiet hours not count until then."""
        self._extension(user_id, "hours", at, until=until)

    def _extension(self, user_id: str, kind: str, at: str, **values: Any) -> None:
        self._database.insert(
            "extensions", {"id": new_id(), "user_id": user_id, "kind": kind, "created_at": at, **values}
        )

    def extended(self, user_id: str, kind: LimitKind, day: str) -> int:
        """How much more a person was given on that day."""
        row = self._database.row(
            "SELECT coalesce(sum(amount), 0) AS amount FROM extensions WHERE user_id = ? AND kind = ? AND day = ?",
            [user_id, kind.value, day],
        )
        return int(row["amount"]) if row else 0

    def opened_until(self, user_id: str) -> str | None:
        """Until when a person's quiet hours don't count, be it past."""
        row = self._database.row(
            "SELECT max(until) AS until FROM extensions WHERE user_id = ? AND kind = 'hours'", [user_id]
        )
        return row["until"] if row else None
