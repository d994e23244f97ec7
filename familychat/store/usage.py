"""What was used: counts by person, day, task and model, which outlive the conversations."""

from __future__ import annotations

from typing import Literal

from familychat.models import Usage, UsageTotal, Used
from familychat.store.database import Database

Grouping = Literal["day", "person", "model", "task"]
_COLUMNS: dict[Grouping, str] = {"day": "day", "person": "user_id", "model": "model", "task": "task"}


class UsageStore:
    """Rows of ``usage``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def totals(self, by: Grouping, since: str, until: str, *, user_id: str | None = None) -> list[UsageTotal]:
        """Sums over the days from ``since`` to ``until``, both inclusive; of one person, or (None) of everyone.

        Each is for what ``by`` says (a day, a person's id, a model or a task), in its order.
        """
        column = _COLUMNS[by]
        rows = self._database.rows(
            f"SELECT {column} AS what, sum(turns) AS turns, sum(prompt_tokens) AS prompt_tokens, "  # noqa: S608
            "sum(completion_tokens) AS completion_tokens FROM usage "
            f"WHERE day >= ? AND day <= ? AND (? IS NULL OR user_id = ?) GROUP BY {column} ORDER BY {column}",
            [since, until, user_id, user_id],
        )
        return [UsageTotal(**dict(row)) for row in rows]

    def begin(self, user_id: str, day: str, task: str) -> None:
        """Count a question when it is asked; the model isn't known yet."""
        self._add((user_id, day, task, ""), (1, 0, 0))

    def forget(self, user_id: str, day: str, task: str) -> None:
        """Take back what :meth:`begin` counted: nothing came of the question."""
        self._add((user_id, day, task, ""), (-1, 0, 0))

    def finish(self, user_id: str, day: str, task: str, model: str, usage: Usage) -> None:
        """Count what a question that :meth:`begin` counted has taken, for the model that answered it."""
        with self._database.transaction():
            self._add((user_id, day, task, ""), (-1, 0, 0))
            tokens = (usage.prompt_tokens or 0, usage.completion_tokens or 0)
            self._add((user_id, day, task, model), (1, *tokens))

    def _add(self, key: tuple[str, str, str, str], counts: tuple[int, int, int]) -> None:
        self._database.execute(
            "INSERT INTO usage (user_id, day, task, model, turns, prompt_tokens, completion_tokens) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, day, task, model) DO UPDATE SET "
            "turns = turns + excluded.turns, prompt_tokens = prompt_tokens + excluded.prompt_tokens, "
            "completion_tokens = completion_tokens + excluded.completion_tokens",
            [*key, *counts],
        )

    def used(self, user_id: str, day: str) -> Used:
        """What a person has used on a day."""
        row = self._database.row(
            "SELECT coalesce(sum(turns), 0) AS turns, coalesce(sum(prompt_tokens + completion_tokens), 0) AS tokens "
            "FROM usage WHERE user_id = ? AND day = ?",
            [user_id, day],
        )
        return Used(row["turns"], row["tokens"]) if row else Used(0, 0)

    def latest_day(self, user_id: str) -> str | None:
        """The last day on which a person has used anything."""
        row = self._database.row("SELECT max(day) AS day FROM usage WHERE user_id = ?", [user_id])
        return row["day"] if row else None
