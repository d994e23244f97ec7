"""Which language a page is in: gettext catalogues in ``locale/``, and English, which the texts are written in."""

from __future__ import annotations

import gettext
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

DOMAIN = "familychat_web"
ENGLISH = "en"
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

Translate = Callable[..., Markup]


@dataclass(frozen=True, slots=True)
class Language:
    """A language with its words. ``code`` is as in HTML's ``lang``, ``direction`` as in its ``dir``."""

    code: str
    direction: str
    gettext: Translate
    ngettext: Translate


class Languages:
    """The languages that there are catalogues for, read when the page starts. Their folders have HTML's codes."""

    def __init__(self, folder: Path) -> None:
        codes = sorted(path.parents[1].name for path in folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
        self._known = {code.lower(): _language(folder, code) for code in [ENGLISH, *codes]}

    @property
    def codes(self) -> list[str]:
        """English first, then the others by their codes."""
        return [language.code for language in self._known.values()]

    def best(self, chosen: str | None, accept_language: str) -> Language:
        """What the person chose, else the best of what the browser's header asks for, else English."""
        for code in [(chosen or "").lower(), *_wanted(accept_language)]:
            for tried in (code, code.partition("-")[0]):
                if tried in self._known:
                    return self._known[tried]
        return self._known[ENGLISH]


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
        return _filled(words.gettext(text), values)

    def several(singular: str, plural: str, count: int, **values: object) -> Markup:
        return _filled(words.ngettext(singular, plural, count), {"count": count, **values})

    direction = "rtl" if code.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"
    return Language(code, direction, one, several)


def _filled(text: str, values: dict[str, object]) -> Markup:
    return escape(text) % values if values else escape(text)
