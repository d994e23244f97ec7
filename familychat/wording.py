"""The sentences that people read, which a front end can say in another language."""

from __future__ import annotations

from collections.abc import Mapping


class Text(str):
    """A text in English that still knows what it was put together from.

    ``template`` is what catalogues of other languages know it by, with ``%(name)s`` where ``values`` go; a value may
    be a text itself. Everywhere else it is just its English text::

        raise NotFoundError(Text("There is no list called %(name)s.", name=name))
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Text:
        made = super().__new__(cls, template % values if values else template)
        made.template = template
        made.values = values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.template,), dict(self.values)


class Counted(Text):
    """A text with a ``%(count)s``, which languages have several forms of. ``plural`` is the template for more than one.

    ``counted(3, "question")`` makes what is only a number with its noun.
    """

    __slots__ = ("number", "plural")

    plural: str
    number: int

    def __new__(cls, number: int, singular: str, plural: str, /, **values: object) -> Counted:
        shown = {"count": f"{number:,}", **values}
        made = str.__new__(cls, (singular if number == 1 else plural) % shown)
        made.template, made.plural = singular, plural
        made.number, made.values = number, shown
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, object]]:
        others = {name: value for name, value in self.values.items() if name != "count"}
        return (self.number, self.template, self.plural), others


def counted(number: int, noun: str) -> Counted:
    """A number with its noun: ``1 question``, ``1,200 questions``."""
    singular, plural = f"%(count)s {noun}", f"%(count)s {noun}s"
    return Counted(number, singular, plural)
