"""The audit log: append-only, also for whoever writes SQL by hand (triggers refuse changes)."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from familychat.clock import new_id
from familychat.models import AuditEntry
from familychat.store.database import Database

ABOUT_EVERYONE = "everyone"
"""Goes where a person's id goes, for what concerns all: each of them can read it."""

TERMINAL = "terminal"
coming_from: ContextVar[str] = ContextVar("coming_from", default=TERMINAL)
"""Where the one who is being served comes from: the terminal, or an address that a front end sets for each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditChoice:
    """Which entries to show; None chooses all. ``actor`` is a name, whatever its letter case.

    ``about_id`` and ``target`` widen each other: entries about that person's id, or about that name. ``action`` is the
    beginning of one, such as ``sign-in``. ``since`` and ``until`` are times, the first inclusive.
    """

    actor: str | None = None
    about_id: str | None = None
    target: str | None = None
    action: str | None = None
    since: str | None = None
    until: str | None = None


EVERYTHING = AuditChoice()


class AuditStore:
    """Rows of ``audit``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        at: str,
        actor: str,
        action: str,
        target: str,
        details: str = "",
        *,
        address: str = "",
        about_id: str | None = None,
    ) -> None:
        """Write an entry. ``about_id`` is whom it concerns (a person's id or ABOUT_EVERYONE): they can read it, too.

        Without an ``address``, it is where the one who is being served comes from.
        """
        values = {"id": new_id(), "at": at, "actor": actor, "action": action, "target": target, "details": details}
        self._database.insert("audit", {**values, "address": address or coming_from.get(), "about_id": about_id})

    def newest(self, limit: int, chosen: AuditChoice = EVERYTHING) -> list[AuditEntry]:
        """The last ``limit`` entries that are chosen, newest first."""
        where, parameters = _conditions(chosen)
        if chosen.about_id is not None or chosen.target is not None:
            where.append("(about_id = ? OR casefold(target) = casefold(?))")
            parameters += [chosen.about_id, chosen.target]
        return self._select(where, parameters, limit)

    def concerning(
        self, user_id: str, since_everyone: str, limit: int, chosen: AuditChoice = EVERYTHING
    ) -> list[AuditEntry]:
        """What concerns one person, newest first; what concerns all, from the time ``since_everyone`` on."""
        where, parameters = _conditions(chosen)
        where.append("(about_id = ? OR (about_id = ? AND at >= ?))")
        return self._select(where, [*parameters, user_id, ABOUT_EVERYONE, since_everyone], limit)

    def _select(self, where: list[str], parameters: list[str | None], limit: int) -> list[AuditEntry]:
        rows = self._database.rows(
            "SELECT id, at, actor, action, target, details, address, about_id FROM audit "  # noqa: S608
            f"WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
            [*parameters, limit],
        )
        return [AuditEntry(**dict(row)) for row in rows]


def _conditions(chosen: AuditChoice) -> tuple[list[str], list[str | None]]:
    asked = {
        "casefold(actor) = casefold(?)": chosen.actor,
        "instr(action, ?) = 1": chosen.action,
        "at >= ?": chosen.since,
        "at < ?": chosen.until,
    }
    given = {condition: value for condition, value in asked.items() if value is not None}
    return ["1", *given], list(given.values())
