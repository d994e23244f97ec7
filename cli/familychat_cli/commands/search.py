"""``familychat search``: find in one's own conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat_cli import invocation, options
from familychat_cli.output import emit_json, note, show_hits

if TYPE_CHECKING:
    from familychat.searching import Hit, Snippet

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="WORDS...",
        help='Words, "phrases", begin*, -not; title: task: model: in:FOLDER role:me from:2026-01 until:2026-02',
    ),
]


def search(
    words: Words,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many to show.")] = 20,
    after: Annotated[str | None, typer.Option(help="Go on where a page ended, as its last line says.")] = None,
    all_words: Annotated[bool, typer.Option("--all-words", help="Nothing that has only some of the words.")] = False,
    json: options.Json = False,
) -> None:
    """Find in your conversations. What begins with a minus goes behind two more: familychat search -- eggs -bacon"""
    with invocation.signed_in() as (home, user):
        page = home.search.find(user, typed(words), limit=limit, after=after, all_words=all_words)
    if json:
        emit_json({"hits": [hit_json(hit) for hit in page.hits], "after": page.after, "loosened": page.loosened})
        return
    if page.loosened and page.hits:
        note("Nothing has all of these words. These have some:")
    if not page.hits:
        note("Nothing was found.")
    show_hits(page.hits)
    if page.after:
        note(f"There is more: --after {page.after}")


def typed(words: list[str]) -> str:
    """The search as typed: an argument with spaces was quoted for the shell and is a phrase."""
    return " ".join(f'"{word}"' if " " in word and '"' not in word and ":" not in word else word for word in words)


def hit_json(hit: Hit) -> dict[str, Any]:
    """A hit for scripts."""
    return {
        "conversation": {"id": hit.conversation.id, "title": hit.conversation.title, "folder": hit.conversation.folder},
        "message_id": hit.message_id,
        "author": hit.author,
        "at": hit.at,
        "snippet": _snippet_json(hit.snippet),
        "score": hit.score,
        "others": hit.others,
    }


def _snippet_json(snippet: Snippet | None) -> dict[str, Any] | None:
    return None if snippet is None else {"text": snippet.text, "marks": [list(mark) for mark in snippet.marks]}
