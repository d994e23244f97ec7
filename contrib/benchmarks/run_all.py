"""Run every benchmark, one after another, and sum up the bounds; exit code 1 if any is missed."""

from __future__ import annotations

from dataclasses import replace

import conversations
import deciding
import importing
import page
import questions
import relay
import searching
import startup
from measuring import Row, finish, report


def main() -> list[Row]:
    """The rows of all of them that have a bound, each named after its script."""
    rows = [
        replace(row, name=f"{script.__name__}: {row.name}")
        for script in (startup, relay, conversations, deciding, questions, importing, searching, page)
        for row in script.main()
        if row.bound is not None
    ]
    return report("All bounds", rows)


if __name__ == "__main__":
    finish(main())
