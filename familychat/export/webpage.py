"""HTML: one file that needs nothing else, for a light or a dark screen and for paper."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from importlib import resources

from familychat.documents import ConversationDocument
from familychat.export.markdown import markdown_table
from familychat.export.view import Shown, about, readable, shown_messages, title_of
from familychat.rendering import highlight_css, render_markdown


def pieces(documents: Iterable[ConversationDocument]) -> Iterator[bytes]:
    """The file, piece by piece."""
    for document in documents:
        yield _head(document).encode()
        for message in shown_messages(document):
            yield _article(message).encode()
        yield b"</main>\n</body>\n</html>\n"


@cache
def style_sheet() -> str:
    """All the styles of the page."""
    own = resources.files("familychat.export").joinpath("page.css").read_text("utf-8")
    return f"\n{own}{highlight_css()}"


@cache
def policy() -> str:
    """The page's Content-Security-Policy: its own style sheet, by its hash, and nothing else from anywhere."""
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _head(document: ConversationDocument) -> str:
    title = escape(title_of(document))
    instructions = ""
    if document.system_prompt:
        words = escape(readable(document.system_prompt))
        instructions = f'<p class="instructions" dir="auto"><b>Instructions</b> {words}</p>\n'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy())}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="generator" content="familychat">\n'
        f"<title>{title}</title>\n<style>{style_sheet()}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<h1 dir="auto">{title}</h1>\n<p class="about">{escape(about(document))}</p>\n'
        f"{instructions}</header>\n"
    )


def _article(message: Shown) -> str:
    """A message: a person's words as typed, an answer as the Markdown it is."""
    kind = "you" if message.by_person else "answer"
    if message.by_person:
        body = f'<div class="text typed" dir="auto" lang="">{escape(message.text)}</div>\n' if message.text else ""
    else:
        text = render_markdown(message.text)
        table = render_markdown(markdown_table(message.table)) if message.table is not None else ""
        body = f'<div class="text" dir="auto" lang="">\n{text}{table}</div>\n' if text or table else ""
    note = f'<p class="note">({escape(message.note)})</p>\n' if message.note else ""
    return (
        f'<article class="{kind}">\n<h2>{escape(message.who)} '
        f'<time datetime="{escape(message.timestamp)}">{escape(message.at)}</time></h2>\n{body}{note}</article>\n'
    )
