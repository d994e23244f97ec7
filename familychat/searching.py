"""Searching one's own conversations: by relevance, with recent ones a little ahead, and the found words marked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from familychat.clock import Clock, parse_timestamp
from familychat.models import Author, Conversation, User
from familychat.search_words import Query, Term, parse, places
from familychat.store.conversations import ConversationStore
from familychat.store.database import Database
from familychat.store.search import CANDIDATES, Candidate, SearchStore, Wanted

RECENT_BONUS = 0.5
HALF_LIFE_DAYS = 90
"""What was said just now counts half as much again; the bonus halves every so many days."""

TITLE_BONUS = 2.0
"""A word in a title says more than one in a message."""

SNIPPET_LENGTH = 160

_CURSOR = re.compile(r"(\d{1,15})?\.(\d{1,9})(\.some)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a text; ``marks`` are the (start, end) of what was looked for."""

    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation that was found, by its best message (``message_id`` None: by its title alone).

    ``title`` has the conversation's title with marks; ``others`` counts further messages that fit.
    """

    conversation: Conversation
    message_id: str | None
    author: Author | None
    at: str
    title: Snippet
    snippet: Snippet | None
    score: float
    others: int


@dataclass(frozen=True, slots=True)
class Page:
    """Hits, best first. ``after`` asks for the next page; None: there are no more.

    ``loosened``: nothing had all the words, so these have some of them.
    """

    hits: tuple[Hit, ...]
    after: str | None
    loosened: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after so many hits among the messages below a number; ``some``: not all words are needed."""

    below: int | None = None
    offset: int = 0
    some: bool = False

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """What :meth:`write` wrote; anything else is the first page."""
        found = _CURSOR.fullmatch(text or "")
        if found is None:
            return cls()
        return cls(int(found[1]) if found[1] else None, int(found[2]), bool(found[3]))

    def write(self) -> str:
        return f"{'' if self.below is None else self.below}.{self.offset}{'.some' if self.some else ''}"


class Search:
    """Finds in a person's own conversations, the trash excepted."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = SearchStore(database)
        self._conversations = ConversationStore(database)
        self._clock = clock

    def find(
        self, user: User, text: str, *, limit: int = 20, after: str | None = None, all_words: bool = False
    ) -> Page:
        """A page of what fits ``text``: words, "phrases", begin*, -not, and the fields of
        :data:`familychat.search_words.FIELDS`.

        If no message has all the words, those with some of them are found, unless ``all_words``. Raises
        :class:`InvalidInputError` for a search that says nothing.
        """
        query = parse(text, self._clock().astimezone().date())
        cursor = Cursor.read(after)
        page = self._page(user, query, limit, cursor)
        several = sum(term.is_indexed for term in query.terms) > 1
        if page.hits or after or all_words or not several:
            return page
        return self._page(user, query, limit, Cursor(some=True))

    def _page(self, user: User, query: Query, limit: int, cursor: Cursor) -> Page:
        wanted = _wanted(query, cursor)
        found = self._store.messages(user.id, wanted)
        by_title = self._store.titles(user.id, wanted) if self._by_title(query, wanted) else []
        ranked = self._ranked(found, by_title)
        end = cursor.offset + limit
        hits = tuple(self._hits(user, query, ranked[cursor.offset : end]))
        following = None
        if len(ranked) > end:
            following = replace(cursor, offset=end).write()
        elif len(found) == CANDIDATES:
            following = replace(cursor, below=found[-1].number, offset=0).write()
        return Page(hits, following, cursor.some)

    @staticmethod
    def _by_title(query: Query, wanted: Wanted) -> bool:
        """Titles are looked at once, with the newest messages, and not where the search is about messages."""
        about_messages = query.author or query.since or query.until or wanted.model or wanted.title or query.excluded
        return bool(query.terms) and wanted.below is None and not about_messages

    def _ranked(self, found: list[Candidate], by_title: list[Candidate]) -> list[tuple[Candidate, float, int]]:
        """The best candidate of each conversation with its score and how many more it has, best first."""
        now = self._clock()
        best: dict[str, tuple[Candidate, float, int]] = {}
        for candidate in found:
            age = (now - parse_timestamp(candidate.created_at)).total_seconds() / 86_400
            recent = RECENT_BONUS * 0.5 ** (max(age, 0.0) / HALF_LIFE_DAYS)
            score = (candidate.weight or 1.0) * (1 + recent)
            there = best.get(candidate.conversation_id)
            if there is None:
                best[candidate.conversation_id] = (candidate, score, 0)
            else:
                keep = there if there[1] >= score else (candidate, score, 0)
                best[candidate.conversation_id] = (keep[0], keep[1], there[2] + 1)
        for candidate in by_title:
            there = best.get(candidate.conversation_id)
            score = TITLE_BONUS * candidate.weight + (there[1] if there else 0.0)
            best[candidate.conversation_id] = (there[0] if there else candidate, score, there[2] if there else 0)
        return sorted(best.values(), key=lambda one: (-one[1], one[0].conversation_id))

    def _hits(self, user: User, query: Query, ranked: list[tuple[Candidate, float, int]]) -> list[Hit]:
        texts = self._store.texts([candidate.number for candidate, _, _ in ranked])
        hits = []
        for candidate, score, others in ranked:
            conversation = self._conversations.get(user.id, candidate.conversation_id)
            found = texts.get(candidate.number)
            content = found.content if found else self._store.beginning(conversation.head_id or "")
            hits.append(
                Hit(
                    conversation,
                    found.message_id if found else None,
                    Author(found.author) if found else None,
                    candidate.created_at,
                    marked(conversation.title, [*query.title, *query.terms], len(conversation.title)),
                    marked(content, query.terms) if content else None,
                    round(score, 4),
                    others,
                )
            )
        return hits


def marked(text: str, terms: tuple[Term, ...] | list[Term], length: int = SNIPPET_LENGTH) -> Snippet:
    """The part of a text where the terms are, on one line, with their places in it."""
    found = places(text, terms)
    start = max(0, found[0][0] - length // 3) if found and len(text) > length else 0
    if start:  # begin with a whole word
        space = text.find(" ", start, start + 20)
        start = space + 1 if space >= 0 else start
    part = text[start : start + length]
    line = "".join(sign if sign.isprintable() else " " for sign in part)
    before, behind = "…" if start else "", "…" if start + length < len(text) else ""
    marks = tuple(
        (begin - start + len(before), end - start + len(before))
        for begin, end in found
        if begin >= start and end <= start + len(part)
    )
    return Snippet(before + line + behind, marks)


def _wanted(query: Query, cursor: Cursor) -> Wanted:
    def expression(terms: tuple[Term, ...], joined: str) -> str:
        return joined.join(term.expression() for term in terms if term.is_indexed)

    def parts(terms: tuple[Term, ...]) -> tuple[str, ...]:
        return tuple(term.text for term in terms if not term.is_indexed)

    match, without = expression(query.terms, " OR " if cursor.some else " AND "), expression(query.excluded, " OR ")
    if match and without:
        match, without = f"({match}) NOT ({without})", ""
    title = expression(query.title, " AND ")
    return Wanted(
        match=match,
        without=without,
        title=f"title : ({title})" if title else "",
        parts=parts(query.terms),
        no_parts=parts(query.excluded),
        author=query.author.value if query.author else None,
        task=query.fields.get("task"),
        model=query.fields.get("model"),
        folder=query.fields.get("in"),
        since=query.since,
        until=query.until,
        below=cursor.below,
    )
