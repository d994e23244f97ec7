"""Words as people type them, made comparable: case, accents, punctuation and spacing don't count."""

from __future__ import annotations

import re
import unicodedata

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "\u0131": "i", "$": "s"}
)
_ACCENTS = re.compile("[\u0300-\u036f]")
# \w leaves out the vowel signs of Indic and Thai scripts, which are part of their words.
_WORD = r"\w\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff"
_NOT_WORD = re.compile(rf"[^{_WORD}]+|_")
_TOKEN = re.compile(
    rf"\d+:\d\d(?::\d\d)?|\d{{1,3}}(?:,\d{{3}})+|\d+\.\d+|[{_WORD}]+(?:['\u2019&][{_WORD}]+)*|[\"\u201c\u201d\u00ab\u00bb\u201e]"
)
_EXTRA = re.compile(r"\s*(?:[\(\[].*|\s[-\u2013]\s.*|\b(?:feat|ft|featuring)\b\.?.*)$", re.IGNORECASE | re.DOTALL)
# Looking for these first spares most names the pattern.
_EXTRA_SIGNS = ("(", "[", " - ", "\u2013", "feat", "Feat", "FEAT", "ft", "FT", "Ft")
ARTICLES = ("the", "a", "an", "der", "die", "das", "el", "la", "los", "las", "le", "les")
"""Words that people leave out of a name or put before it."""
_ARTICLE_LETTERS = frozenset(letter for word in ARTICLES for letter in (word[0], word[0].upper()))
_ARTICLE = re.compile(rf"^(?:{'|'.join(ARTICLES)}|l')\s+", re.IGNORECASE)
_AND = re.compile(r"(?<=\w)\s*['\u2019]?\bn\b['\u2019]?\s*(?=\w)")
_ASCII_MARKS = {code: None for code in range(128) if not chr(code).isalnum()}
_INNER_MARK = re.compile(r"(?<=\w)!(?=\w)")


def fold(text: str) -> str:
    """Lower case without accents: "Beyoncé" and "BEYONCE" become the same."""
    lowered = text.casefold()
    if lowered.isascii():
        return lowered if "$" not in lowered else lowered.replace("$", "s")
    lowered = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", lowered).casefold()))
    return lowered.translate(_LETTERS)


def link_key(text: str) -> str:
    """The letters and digits alone: "A. R. Rahman", "a.r. rahman" and "AR Rahman" share ``arrahman``."""
    folded = fold(text)
    if "!" in folded:
        folded = _INNER_MARK.sub("i", folded)
    if " n" in folded or "'n" in folded or "\u2019n" in folded:
        folded = _AND.sub("and", folded)
    if "&" in folded:
        folded = folded.replace("&", "and")
    joined = folded.replace(" ", "")
    if joined.isascii():
        return joined if joined.isalnum() else joined.translate(_ASCII_MARKS)
    return _NOT_WORD.sub("", folded)


def base_text(text: str) -> str:
    """A name without what surrounds it: "The Wall (Remastered) - Live" becomes "Wall"."""
    shorter = _EXTRA.sub("", text).strip() if any(sign in text for sign in _EXTRA_SIGNS) else text
    if shorter[:1] not in _ARTICLE_LETTERS:
        return shorter or text
    return _ARTICLE.sub("", shorter) or text


def words(text: str) -> list[str]:
    """The folded words of a value, initials drawn together: "A.R. Rahman" gives ``ar`` and ``rahman``."""
    folded = re.sub(r"\b(\w)\.\s?(?=\w\b)", r"\1", fold(text))
    return [word for word in _NOT_WORD.split(folded.replace("&", " and ")) if word]


def tokens(text: str) -> list[tuple[str, int, int]]:
    """The words, numbers and quotation marks of a question with their places: (as typed, start, end)."""
    return [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
