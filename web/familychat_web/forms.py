"""Reading forms, and where to go after one."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.datastructures import Cookie
from litestar.response import Redirect

from familychat.errors import InvalidInputError
from familychat_web.site import WebRequest


async def fields(request: WebRequest, *names: str) -> list[str]:
    """The form's fields of these names; raises :class:`InvalidInputError` if one is missing or isn't text."""
    form = await request.form()
    values = [form.get(name) for name in names]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(names):
        raise InvalidInputError("The form isn't complete. Nothing was changed.", "Load the page again.")
    return texts


def see_other(path: str, cookies: Sequence[Cookie] = ()) -> Redirect:
    """After a form: go to a page, so that loading that again doesn't send the form again."""
    return Redirect(path, status_code=303, cookies=list(cookies))


def local_path(path: str) -> str:
    """The path if it leads to a page of ours, else the start. A link mustn't lead somewhere else by way of us."""
    fine = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if fine else "/"
