"""Markdown: headings for who speaks, the texts as they were written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from familychat.documents import ConversationDocument
from familychat.export.view import Shown, Table, about, line, shown_messages, title_of

_MARKS = re.compile(r"([\\`*_\[\]<>#|~&])")


def pieces(documents: Iterable[ConversationDocument]) -> Iterator[bytes]:
    """The file, piece by piece."""
    for document in documents:
        yield f"# {escaped(title_of(document))}\n\n{escaped(about(document))}\n".encode()
        if document.system_prompt:
            yield f"\n> Instructions: {escaped(line(document.system_prompt))}\n".encode()
        for message in shown_messages(document):
            yield _section(message).encode()


def _section(message: Shown) -> str:
    parts = [f"## {escaped(message.who)}", f"*{message.at}*", closed(message.text)]
    if message.table is not None:
        parts.append(markdown_table(message.table))
    if message.note:
        parts.append(f"*({escaped(message.note)})*")
    return "".join(f"\n{part}\n" for part in parts if part)


def closed(text: str) -> str:
    """The text, with its last code block closed: an answer that was cut off must not swallow what follows."""
    from familychat.rendering import markdown_parser

    last = markdown_parser().parse(f"{text}\n\nx")[-1]
    return f"{text}\n{last.markup}" if last.type == "fence" else text


def markdown_table(table: Table) -> str:
    rows = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n".join(
        f"| {' | '.join(cell if number == 1 else escaped(cell) for cell in row)} |" for number, row in enumerate(rows)
    )


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _MARKS.sub(r"\\\1", text)
