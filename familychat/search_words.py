"""What a person typed into a search, understood: words, phrases, exclusions and fields. Any text is fine."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from familychat.clock import timestamp
from familychat.errors import InvalidInputError
from familychat.models import Author
from familychat.wording import Text

LONGEST_QUERY = 1000
MOST_TERMS = 32
FIELDS = ("title", "task", "model", "from", "until", "in", "role")
ROLES = {"user": Author.USER, "me": Author.USER, "assistant": Author.ASSISTANT, "model": Author.ASSISTANT}

_PIECE = re.compile(rf"""(?P<minus>-)?(?:(?P<field>{"|".join(FIELDS)}):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))""")
# Scripts that put no space between words: FTS5's tokenizer takes a whole clause for one word.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Term:
    """A word or a phrase; with ``prefix`` its last word may go on."""

    text: str
    prefix: bool = False

    @property
    def is_indexed(self) -> bool:
        """Whether FTS5 has words for it; what it hasn't (CJK, emoji, signs) is looked for as it stands."""
        return not _UNSPACED.search(self.text) and any(_in_words(sign) for sign in self.text)

    def expression(self) -> str:
        """As FTS5 reads it: quoted, so that nothing in it is an operator."""
        return f'"{self.text}"{" *" if self.prefix else ""}'

    def words(self) -> list[str]:
        """Its words, folded as :func:`folded` does."""
        return [word for word in re.split(r"[\W_]+", folded(self.text)) if word]


def _in_words(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category[0] in "LN" or category == "Co"


@dataclass(frozen=True, slots=True)
class Query:
    """A search, understood. Times are UTC; ``until`` is exclusive."""

    terms: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()
    title: tuple[Term, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    author: Author | None = None
    since: str | None = None
    until: str | None = None


def parse(text: str, today: date) -> Query:
    """Understand a search. Raises :class:`InvalidInputError` if it says nothing, is huge, or names no real date."""
    if len(text) > LONGEST_QUERY:
        raise InvalidInputError(
            "That is too long for a search.", Text("%(most)s letters are the most.", most=f"{LONGEST_QUERY:,}")
        )
    terms: list[Term] = []
    excluded: list[Term] = []
    title: list[Term] = []
    fields: dict[str, str] = {}
    for piece in _PIECE.finditer(text.replace("\0", " ")):
        term = _term(piece)
        if term is None:
            continue
        name = piece["field"]
        if name == "title":
            title.append(term)
        elif name:
            fields[name] = term.text
        elif piece["minus"]:
            excluded.append(term)
        else:
            terms.append(term)
    if not (terms or excluded or title or fields):
        raise InvalidInputError("What are you looking for?", "Type some words, such as: pancakes -banana")
    if len(terms) + len(excluded) + len(title) > MOST_TERMS:
        raise InvalidInputError(
            "That is too much for one search.", Text("%(most)s words are the most.", most=MOST_TERMS)
        )
    return Query(
        tuple(terms),
        tuple(excluded),
        tuple(title),
        {name: value for name, value in fields.items() if name in {"task", "model", "in"}},
        _author(fields.get("role")),
        _day(fields.get("from"), today),
        _day(fields.get("until"), today, after=True),
    )


def _term(piece: re.Match[str]) -> Term | None:
    if piece["phrase"] is not None:
        phrase = " ".join(piece["phrase"].split())
        return Term(phrase) if phrase else None
    word = piece["word"]
    bare = word.rstrip("*")
    return Term(bare, prefix=bare != word) if bare else Term(word)


def _author(role: str | None) -> Author | None:
    if role is None:
        return None
    author = ROLES.get(role.casefold())
    if author is None:
        raise InvalidInputError(
            Text("There is no role %(role)s.", role=role), "role:me finds what you wrote, role:model the answers."
        )
    return author


def _day(text: str | None, today: date, *, after: bool = False) -> str | None:
    """The begin of a day, month or year in the computer's own time zone; ``after`` its end."""
    if text is None:
        return None
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        first, following = _span(text, named)
        moment = datetime.combine(following if after else first, time()).astimezone()
    except (ValueError, OverflowError):
        raise InvalidInputError(
            Text("%(text)s isn't a date.", text=text), "Write it as 2026-01-31, 2026-01, 2026 or yesterday."
        ) from None
    return timestamp(moment)


def day_start(text: str | None, *, after: bool = False) -> str | None:
    """The moment in UTC at which a typed day, month or year begins here; ``after``: ends."""
    return _day(text, datetime.now().astimezone().date(), after=after)


def _span(text: str, named: dict[str, date]) -> tuple[date, date]:
    """The first day that is meant, and the first one after it."""
    if found := named.get(text.casefold()):
        return found, found + timedelta(days=1)
    parts = [int(part) for part in text.split("-")] if re.fullmatch(r"\d{4}(-\d{1,2}){0,2}", text) else []
    match parts:
        case [year]:
            return date(year, 1, 1), date(year + 1, 1, 1)
        case [year, month]:
            following = date(year, month, 1) + timedelta(days=31)
            return date(year, month, 1), following.replace(day=1)
        case [year, month, day]:
            return date(year, month, day), date(year, month, day) + timedelta(days=1)
    raise ValueError(text)


class _Folding(dict[int, str]):
    """Each character to one without case and accents; always one, so that places stay the same."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        plain = [part for part in unicodedata.normalize("NFKD", sign.casefold()) if not unicodedata.combining(part)]
        self[code] = found = plain[0] if plain else sign
        return found


_FOLDING = _Folding()


def folded(text: str) -> str:
    """The text without case and accents, character by character."""
    return text.lower() if text.isascii() else text.translate(_FOLDING)


def places(text: str, terms: Iterable[Term]) -> list[tuple[int, int]]:
    """Where the terms are in a text: (start, end), in order, none over another."""
    patterns = []
    for term in terms:
        words = [re.escape(word) for word in term.words()]
        if not term.is_indexed or not words:
            patterns.append(re.escape(folded(term.text)))
        else:
            end = "" if term.prefix else r"(?![^\W_])"
            patterns.append(r"(?<![^\W_])" + r"[\W_]+".join(words) + end)
    if not patterns:
        return []
    return [match.span() for match in re.finditer("|".join(patterns), folded(text)) if match.group()]
