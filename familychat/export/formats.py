"""The formats there are, each a module that turns conversations into the pieces of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from familychat.documents import ConversationDocument, encode
from familychat.errors import InvalidInputError
from familychat.export import markdown, paper, plain, sheet, webpage
from familychat.wording import Text

Pieces = Callable[[Iterable[ConversationDocument]], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format. ``together`` says that one file can hold several conversations.

    ``pieces`` takes one conversation after another and yields what is to be written; ``check`` raises
    :class:`InvalidInputError` if the format can't be written on this computer. ``is_installed`` tells at once, without
    loading anything, whether to offer it.
    """

    name: str
    pieces: Pieces
    together: bool = False
    also: tuple[str, ...] = ()
    check: Callable[[], None] = lambda: None
    is_installed: Callable[[], bool] = lambda: True

    @property
    def suffix(self) -> str:
        return f".{self.name}"


FORMATS = {
    made.name: made
    for made in (
        Format("md", markdown.pieces, also=("markdown",)),
        Format("txt", plain.pieces, also=("text",)),
        Format("html", webpage.pieces, also=("htm",)),
        Format("json", encode, together=True),
        Format("csv", sheet.pieces, together=True),
        Format("pdf", paper.pieces, check=paper.check, is_installed=paper.is_installed),
    )
}


def offered() -> list[str]:
    """The names of the formats that are installed here."""
    return [name for name, made in FORMATS.items() if made.is_installed()]


def format_named(name: str) -> Format:
    """By its name or file suffix, whatever its case; raises :class:`InvalidInputError` if there is none."""
    folded = name.casefold().removeprefix(".")
    for made in FORMATS.values():
        if folded == made.name or folded in made.also:
            return made
    raise InvalidInputError(
        Text("There is no format %(name)s. Nothing was written.", name=name),
        Text("There are %(formats)s.", formats=", ".join(FORMATS)),
    )
