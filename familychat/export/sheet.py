"""CSV: one row a message of the shown path, for a spreadsheet that must not run what is in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from familychat.documents import ConversationDocument, MessageDocument
from familychat.export.view import readable

COLUMNS = (
    "conversation", "title", "folder", "task", "number", "message", "author", "model", "status", "created_at",
    "content", "reasoning", "error", "prompt_tokens", "completion_tokens",
)  # fmt: skip

# What makes a cell a formula, by OWASP's page on CSV injection; some spreadsheets take the wide forms, too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BYTE_ORDER_MARK = "\ufeff"
"""Without it, Excel takes the file for one in an old encoding."""


def pieces(documents: Iterable[ConversationDocument]) -> Iterator[bytes]:
    """The file, piece by piece."""
    yield BYTE_ORDER_MARK.encode() + _rows([COLUMNS])
    for document in documents:
        yield _rows(_row(document, number, message) for number, message in enumerate(document.path(), 1))


def _row(document: ConversationDocument, number: int, message: MessageDocument) -> list[str]:
    cells = (
        document.id,
        document.title,
        document.folder,
        document.task,
        number,
        message.id,
        message.author.value,
        message.model,
        message.status.value,
        message.created_at,
        message.content,
        message.reasoning,
        message.error,
        message.usage.prompt_tokens,
        message.usage.completion_tokens,
    )
    return [safe_cell("" if cell is None else str(cell)) for cell in cells]


def safe_cell(text: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would take for a formula."""
    clean = readable(text)  # first: a control character in front would hide a formula until it is gone
    return "'" + clean if clean.startswith(_FORMULA) else clean


def _rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()
