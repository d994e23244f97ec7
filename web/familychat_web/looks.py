"""How the page looks: as the person who is signed in chose, and before that as was chosen last on the device."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from familychat.errors import StoreError
from familychat.preferences import CHOICES
from familychat_web.site import Connection, site_of
from familychat_web.visits import visit_of

COOKIE = "familychat_look"
KEPT_FOR = 400 * 24 * 3600
"""Seconds; browsers keep no cookie for longer."""

THEMES, ACCENTS, SIZES = CHOICES["theme"], CHOICES["accent"], CHOICES["size"]


@dataclass(frozen=True, slots=True)
class Look:
    """A theme, an accent, a size of text, and a language's code (empty: as the browser asks)."""

    theme: str = THEMES[0]
    accent: str = ACCENTS[0]
    size: str = SIZES[0]
    language: str = ""

    def value(self) -> str:
        """As the cookie has it."""
        return ".".join(self.parts().values())

    def parts(self) -> dict[str, str]:
        """Its parts by name, as :class:`familychat.preferences.Preferred` has them."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def chosen(given: dict[str, str], languages: list[str]) -> Look:
    """A look of what was ``given`` for each of its parts; what isn't there to choose stays as it is by default."""
    allowed = {**CHOICES, "language": tuple(languages)}
    return replace(Look(), **{name: value for name, value in given.items() if value in allowed[name]})


def look_of(connection: Connection, languages: list[str]) -> Look:
    """What the person chose; for a stranger what was chosen on this device."""
    user = visit_of(connection).user
    if user is not None:
        try:
            preferred = site_of(connection).household.preferences.of(user)
        except StoreError:  # then the page is about that, and has to be shown somehow
            return Look()
        return chosen({name: getattr(preferred, name) for name in Look().parts()}, languages)
    names = list(Look().parts())
    return chosen(dict(zip(names, connection.cookies.get(COOKIE, "").split("."), strict=False)), languages)
