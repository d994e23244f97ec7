"""Which language a page is in: gettext catalogues in ``locale/``, and English, which the texts are written in."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from familychat.wording import Counted, Text

DOMAIN = "familychat_web"
ENGLISH = "en"
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

LONGEST_RECALLED = 500
"""Characters of a stored text; what is longer isn't compared with all that there are."""
FEWEST_LETTERS = 8
"""A text with fewer of its own around its values would fit too much."""

_VALUE = re.compile(r"%\((\w+)\)s")

Translate = Callable[..., Markup]


@dataclass(frozen=True, slots=True)
class Language:
    """A language with its words. ``code`` is as in HTML's ``lang``, ``direction`` as in its ``dir``.

    ``gettext`` says a text in it, with the values for its ``%(name)s``. The library's texts
    (:class:`familychat.wording.Text`) bring theirs along. ``recall`` says one that was stored, and so is nothing but
    its English words any more.
    """

    code: str
    direction: str
    gettext: Translate
    ngettext: Translate
    recall: Callable[[str], Markup]


class Languages:
    """The languages that there are catalogues for, each read when somebody wants it. Their folders have HTML's codes.

    English has one as well: on a page some of the library's hints need other words than in a terminal.
    """

    def __init__(self, folder: Path) -> None:
        codes = sorted(path.parents[1].name for path in folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
        self._codes = {code.lower(): code for code in (ENGLISH, *codes)}
        self._folder = folder
        self._read: dict[str, Language] = {}

    @property
    def codes(self) -> list[str]:
        """English first, then the others by their codes."""
        return list(self._codes.values())

    def best(self, chosen: str | None, accept_language: str) -> Language:
        """What the person chose, else the best of what the browser's header asks for, else English."""
        for code in [(chosen or "").lower(), *_wanted(accept_language)]:
            for tried in (code, code.partition("-")[0]):
                if tried in self._codes:
                    return self._language(tried)
        return self._language(ENGLISH)

    def _language(self, key: str) -> Language:
        if key not in self._read:
            self._read[key] = _language(self._folder, self._codes[key])
        return self._read[key]


def _wanted(accept_language: str) -> list[str]:
    """The codes of an ``Accept-Language`` header (RFC 9110, section 12.5.4), the best first."""
    weighted: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:20]:
        code, _, parameters = part.strip().lower().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if code and weight > 0:
            weighted.append((weight, code.strip()))
    return [code for _, code in sorted(weighted, key=lambda one: -one[0])]


def _language(folder: Path, code: str) -> Language:
    words = gettext.translation(DOMAIN, folder, [code], fallback=True)

    # What is put in between is escaped; a catalogue's own text as well.
    def one(text: str, **values: object) -> Markup:
        if not isinstance(text, Text):
            return _filled(words.gettext(text) if text else "", values)
        said = {name: one(value) if isinstance(value, Text) else value for name, value in text.values.items()}
        if isinstance(text, Counted):
            return _filled(words.ngettext(text.template, text.plural, text.number), said)
        return _filled(words.gettext(text.template) if text else "", said)

    def several(singular: str, plural: str, count: int, **values: object) -> Markup:
        return _filled(words.ngettext(singular, plural, count), {"count": count, **values})

    recalling = _Recalling(words)

    def recall(text: str) -> Markup:
        return one(text if isinstance(text, Text) else recalling.text_of(text))

    direction = "rtl" if code.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"
    return Language(code, direction, one, several, recall)


class _Recalling:
    """Finds what English words were put together from, among the texts that a catalogue has."""

    def __init__(self, words: gettext.NullTranslations) -> None:
        self._words = words
        self._shapes: list[tuple[re.Pattern[str], str]] | None = None

    def text_of(self, text: str) -> str:
        """The text with its template and values; as it is if none fits, or if it is one without values."""
        if not 0 < len(text) <= LONGEST_RECALLED or self._words.gettext(text) != text:
            return text
        if self._shapes is None:
            self._shapes = self._all_shapes()
        for shape, template in self._shapes:
            if found := shape.fullmatch(text):
                return Text(template, **{name: Text(self.text_of(value)) for name, value in found.groupdict().items()})
        return text

    def _all_shapes(self) -> list[tuple[re.Pattern[str], str]]:
        # gettext has no other way to list them. Those with the most words of their own come first.
        known = [one for one in getattr(self._words, "_catalog", {}) if isinstance(one, str) and "%(" in one]
        shaped = sorted(((len(_VALUE.sub("", one)), one) for one in known), reverse=True)
        return [(_shape(one), one) for own, one in shaped if own >= FEWEST_LETTERS]


def _shape(template: str) -> re.Pattern[str]:
    literals, names = _VALUE.split(template)[::2], _VALUE.findall(template)
    shape = re.escape(literals[0].replace("%%", "%"))
    for place, (name, literal) in enumerate(zip(names, literals[1:], strict=True)):
        value = f"(?P={name})" if name in names[:place] else f"(?P<{name}>.+?)"
        shape += value + re.escape(literal.replace("%%", "%"))
    return re.compile(shape, re.DOTALL)


def _filled(text: str, values: dict[str, object]) -> Markup:
    return escape(text) % values if values else escape(text)
