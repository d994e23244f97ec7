"""Texts as words to compare: letter case, accents, invisible signs and simple disguises don't count.

Everything is read twice. The plain reading takes what stands between spaces and punctuation. The second one takes
disguises off: digits and signs for letters (``s3x``), letters with gaps (``s e x``, ``s.e.x``), and drawn out ones
(``seeex``). A word of it may have several forms, since 1 can be an i or an l.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# Letters of other alphabets that look like ours, and ours that Unicode doesn't take apart.
_LOOKALIKES = dict(zip("аеорсухіѕјкмтвнԁһցοαεινρτυκχ", "aeopcyxisjkmtbhdhgoaeivptukx", strict=True)) | {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "æ": "ae",
    "œ": "oe",
    "\u0131": "i",
    "_": " ",
    "ँ": "ं",
}
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10)}
_NUKTA = 0x093C
_ABOVE_OR_BELOW = 200
_OVERLAID = 1
"""Canonical combining classes (Unicode, chapter 4.3): accents, not the vowel signs of Hindi, which have others."""

# \w leaves out the vowel signs of Hindi.
_LETTER = r"\w\u0900-\u0903\u093a-\u0957\u0962\u0963"
_WORD = re.compile(f"[{_LETTER}]+")
_NOT_LETTERS = re.compile(f"[^{_LETTER}]+")
_CHUNK = re.compile(r"\S+")
_CORE = re.compile(rf"[{_LETTER}@$](?:.*[{_LETTER}$])?", re.DOTALL)
_GAP_MARKS = re.compile(r"[-.,·•*~/|'\"]+")
_DIGITS = str.maketrans("034578@$+", "oeastbast")
_I_OR_L = re.compile(r"[1!|]")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
MAX_AMBIGUOUS = 3
MIN_RUN, MIN_INSIDE, MAX_RUN = 3, 4, 48
"""Letters with gaps: so many make a word, a word is seen inside so many, and so many are looked at in one go."""


class _Plain(dict[int, "str | int | None"]):
    """Worked out for each sign when it first comes."""

    def __missing__(self, code: int) -> str | int | None:
        sign = chr(code)
        kept: str | int | None = _LOOKALIKES.get(sign, code)
        combining = unicodedata.combining(sign)
        if (
            code in _INVISIBLE
            or unicodedata.category(sign) == "Cf"
            or code == _NUKTA
            or combining == _OVERLAID
            or combining >= _ABOVE_OR_BELOW
        ):
            kept = None
        self[code] = kept
        return kept


_PLAIN = _Plain()


def fold(text: str) -> str:
    """Small letters without accents; underscores count as spaces."""
    if text.isascii():
        return text.lower().replace("_", " ")
    taken_apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKD", taken_apart).translate(_PLAIN)


@dataclass(frozen=True, slots=True)
class Word:
    """A word in a folded text: what it may be read as, and where it ends (exclusive)."""

    forms: tuple[str, ...]
    end: int


def plain_words(folded: str) -> list[Word]:
    """The words as they stand there."""
    return [Word((found.group(),), found.end()) for found in _WORD.finditer(folded)]


def bared_words(folded: str) -> list[Word]:
    """The words without their disguises."""
    words: list[Word] = []
    run: list[tuple[str, int]] = []
    for found in _CHUNK.finditer(folded):
        core = _CORE.search(found.group())
        letters = "" if core is None else _NOT_LETTERS.sub("", core.group())
        if len(letters) == 1 and letters.isalpha():
            run.append((letters, found.end()))
            continue
        if core is None and _GAP_MARKS.fullmatch(found.group()):
            continue
        words += _joined(run)
        run = []
        if core is not None:
            words.append(Word(tuple(_forms(core.group(), letters)), found.end()))
    return words + _joined(run)


def _forms(core: str, letters: str) -> Iterator[str]:
    if letters == core and letters.isalpha() and not _DRAWN_OUT.search(core):
        yield core
        return
    if not any(sign.isalpha() for sign in core):
        yield core
        return
    mapped = core.translate(_DIGITS)
    ambiguous = len(_I_OR_L.findall(mapped))
    choices = itertools.product("il", repeat=ambiguous) if ambiguous <= MAX_AMBIGUOUS else [("i",) * ambiguous]
    for choice in choices:
        signs = iter(choice)
        form = _NOT_LETTERS.sub("", _I_OR_L.sub(lambda _: next(signs), mapped))  # noqa: B023 -- used at once
        yield form
        if _DRAWN_OUT.search(form):
            yield _DRAWN_OUT.sub(r"\1", form)
            yield _DRAWN_OUT.sub(r"\1\1", form)


def _joined(run: list[tuple[str, int]]) -> list[Word]:
    """Single letters, read as the words that they may make together."""
    words = []
    for start in range(0, len(run), MAX_RUN // 2):  # windows that overlap, so that no word lies between two
        some = run[start : start + MAX_RUN]
        whole = "".join(letter for letter, _ in some)
        if len(whole) < MIN_RUN:
            words += [Word((letter,), end) for letter, end in some]
        else:
            edges = {whole, whole[1:], whole[:-1], whole[1:-1]} | {whole[:MIN_RUN], whole[-MIN_RUN:]}
            inside = {whole[i:j] for i in range(len(whole)) for j in range(i + MIN_INSIDE, min(len(whole), i + 24) + 1)}
            words.append(Word(tuple(form for form in edges | inside if len(form) >= MIN_RUN), some[-1][1]))
        if start + MAX_RUN >= len(run):
            break
    return words
