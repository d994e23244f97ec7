"""Pages from templates: the one place that knows what every template is given."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from litestar.enums import MediaType
from litestar.response import Response

from familychat.errors import StoreError
from familychat.store.files import private_folder
from familychat_web.languages import Language
from familychat_web.looks import look_of
from familychat_web.site import WebRequest, asking_of, site_of
from familychat_web.visits import stranger_cookies, visit_of

FOLDER = Path(__file__).parent / "templates"


class Templates:
    """The templates of the page. Everything that they are given is escaped.

    Compiled ones are kept in the folder ``compiled``, so that only the first start takes its time over them.
    """

    def __init__(self, compiled: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            bytecode_cache=_Compiled(compiled),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, name: str, values: dict[str, Any]) -> str:
        return self._environment.get_template(name).render(values)

    def read_all(self) -> None:
        """Read all of them now, so that nobody waits for it later."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates in a folder; where it can't be read or written, they are compiled at each start."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), "%s.template")

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError, StoreError):
            private_folder(Path(self.directory))
            super().dump_bytecode(bucket)


def page(
    request: WebRequest,
    name: str,
    /,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response[str]:
    """A page, or a part of one, from the template ``name``.

    Besides ``values`` it gets ``_``, ``ngettext`` and ``recall`` (for a text that was stored), ``language``, ``look``,
    ``static`` (a file's address), ``path`` (where it is), ``user`` (None for a stranger), ``csrf`` and ``request_id``.
    """
    site = site_of(request)
    visit = visit_of(request)
    look = look_of(request, site.languages.codes)
    language = language_of(request)
    common = {
        "_": language.gettext,
        "ngettext": language.ngettext,
        "recall": language.recall,
        "language": language,
        "look": look,
        "static": site.assets.url,
        "path": request.scope["path"],
        "user": visit.user,
        "csrf": visit.csrf,
        "request_id": asking_of(request).request_id,
    }
    return Response(
        site.templates.render(name, {**common, **values}),
        status_code=status,
        media_type=MediaType.HTML,
        headers=headers,
        cookies=stranger_cookies(request),
    )


def language_of(request: WebRequest) -> Language:
    """The language of whoever asks."""
    languages = site_of(request).languages
    chosen = look_of(request, languages.codes).language
    return languages.best(chosen or None, request.headers.get("accept-language", ""))
