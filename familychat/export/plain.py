"""Plain text, for printing and for programs that read nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from familychat.documents import ConversationDocument
from familychat.export.view import Shown, Table, about, line, shown_messages, title_of

LONGEST_RULE = 72


def pieces(documents: Iterable[ConversationDocument]) -> Iterator[bytes]:
    """The file, piece by piece."""
    for document in documents:
        yield f"{_underlined(title_of(document), '=')}\n{about(document)}\n".encode()
        if document.system_prompt:
            yield f"Instructions: {line(document.system_prompt)}\n".encode()
        for message in shown_messages(document):
            yield _section(message).encode()


def _section(message: Shown) -> str:
    parts = [_underlined(f"{message.who}, {message.at}", "-"), message.text]
    if message.table is not None:
        parts.append(_table(message.table))
    if message.note:
        parts.append(f"({message.note})")
    return "\n" + "\n".join(part for part in parts if part) + "\n"


def _underlined(text: str, mark: str) -> str:
    return f"{text}\n{mark * min(len(text), LONGEST_RULE)}"


def _table(table: Table) -> str:
    rows = [table.columns, *table.rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    return "\n" + "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
