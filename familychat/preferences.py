"""What people choose for themselves: how the page looks, and what a new conversation begins with.

It is kept with the account, so that it follows the person to every device.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from familychat.errors import InvalidInputError
from familychat.models import User
from familychat.store.database import Database
from familychat.store.preferences import PreferenceStore
from familychat.wording import Text


@dataclass(frozen=True, slots=True)
class Preferred:
    """A person's choices. Empty: ``language`` as the browser asks, ``greeting`` their display name, and ``task`` and
    ``model`` as the household has them.

    ``greeting`` is what they are called when they are greeted. Whether they may use the task and the model still, the
    rules say.
    """

    theme: str = "system"
    accent: str = "blue"
    size: str = "normal"
    language: str = ""
    greeting: str = ""
    task: str = ""
    model: str = ""


CHOICES: dict[str, tuple[str, ...]] = {
    "theme": ("system", "light", "dark", "contrast"),
    "accent": ("blue", "green", "violet", "rose", "amber"),
    "size": ("normal", "large", "larger"),
}
"""What can be chosen where there is a choice; the first is what nobody has to choose."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
LONGEST = {"greeting": 64, "task": 64, "model": 300}
"""Characters."""

_NOT_THIS = {
    "theme": Text("%(value)s can't be the theme. Nothing was changed."),
    "accent": Text("%(value)s can't be the accent. Nothing was changed."),
    "size": Text("%(value)s can't be the size. Nothing was changed."),
    "language": Text("%(value)s can't be the language. Nothing was changed."),
    "greeting": Text("%(value)s can't be the greeting. Nothing was changed."),
    "task": Text("%(value)s can't be the task. Nothing was changed."),
    "model": Text("%(value)s can't be the model. Nothing was changed."),
}


class Preferences:
    """Every call is for one person and reaches only what is theirs."""

    def __init__(self, database: Database) -> None:
        self._store = PreferenceStore(database)

    def of(self, user: User) -> Preferred:
        """What the person chose; what a newer familychat knows besides, or knew once, is left out."""
        kept = self._store.all(user.id)
        names = asdict(Preferred())
        return Preferred(**{name: value for name, value in kept.items() if name in names and _fits(name, value)})

    def choose(self, user: User, values: Mapping[str, str]) -> Preferred:
        """Keep these choices; the others stay. Raises :class:`InvalidInputError` if one of them isn't there to choose.

        Then nothing is changed.
        """
        clean = {name: value.strip() for name, value in values.items()}
        for name, value in clean.items():
            if not _fits(name, value):
                raise InvalidInputError(_not_this(name, value[:40] or Text("Nothing")), _hint(name))
        self._store.put(user.id, clean)
        return self.of(user)


def _fits(name: str, value: str) -> bool:
    if name in CHOICES:
        return value in CHOICES[name]
    if name == "language":
        return not value or _LANGUAGE.fullmatch(value) is not None
    return len(value) <= LONGEST.get(name, -1) and (not value or value.isprintable())


def _not_this(name: str, value: str) -> Text:
    if name in _NOT_THIS:
        return Text(_NOT_THIS[name], value=value)
    return Text("%(value)s can't be the %(name)s. Nothing was changed.", value=value, name=name)


def _hint(name: str) -> Text:
    if name in CHOICES:
        return Text("Choose one of %(choices)s.", choices=", ".join(CHOICES[name]))
    if name in LONGEST:
        return Text("Write at most %(most)s ordinary characters.", most=LONGEST[name])
    if name == "language":
        return Text("Choose one of the languages that are offered.")
    return Text("There is nothing of that name.")
