"""Reading forms, and where to go after one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from litestar.datastructures import Cookie
from litestar.response import Redirect

from familychat.errors import InvalidInputError
from familychat_web.site import WebRequest

_FORM = "form"


@dataclass(frozen=True, slots=True)
class Form:
    """A form's fields: those that must be there, and those that may. ``does``: what the field ``do`` can say."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    does: tuple[str, ...] = ()


def reads(*required: str, optional: Sequence[str] = (), does: Iterable[str] = ()) -> dict[str, Form]:
    """For a handler's ``opt``: the form that it reads. The description of the page tells it to programs."""
    return {_FORM: Form(required, tuple(optional), tuple(does))}


def form_in(opt: dict[str, object]) -> Form:
    """The form that a handler's ``opt`` names; one without fields if it names none."""
    found = opt.get(_FORM)
    return found if isinstance(found, Form) else Form()


async def fields(request: WebRequest) -> list[str]:
    """The required fields of the handler's form, in their order.

    Raises :class:`InvalidInputError` if one is missing or isn't text.
    """
    names = form_in(request.route_handler.opt).required
    sent = await request.form()
    values = [sent.get(name) for name in names]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(names):
        raise incomplete()
    return texts


def incomplete() -> InvalidInputError:
    """What to raise for a form that our own pages wouldn't send."""
    return InvalidInputError("The form isn't complete. Nothing was changed.", "Load the page again.")


def see_other(path: str, cookies: Sequence[Cookie] = ()) -> Redirect:
    """After a form: go to a page, so that loading that again doesn't send the form again."""
    return Redirect(path, status_code=303, cookies=list(cookies))


def local_path(path: str) -> str:
    """The path if it leads to a page of ours, else the start. A link mustn't lead somewhere else by way of us."""
    fine = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if fine else "/"
