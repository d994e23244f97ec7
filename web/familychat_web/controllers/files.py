"""Style sheets, scripts and pictures."""

from __future__ import annotations

from litestar import Controller, get
from litestar.params import FromPath
from litestar.response import Response

from familychat.errors import NotFoundError
from familychat_web.assets import CHECK_AGAIN, FOR_GOOD
from familychat_web.describing import GIVES, UNCHANGED
from familychat_web.guards import OPEN_TO_ALL
from familychat_web.site import WebRequest, site_of


class FilesController(Controller):
    path = "/static"
    opt = OPEN_TO_ALL

    @get("/{version:str}/{name:path}", opt={GIVES: ("*/*",)}, responses=UNCHANGED, sync_to_thread=False)
    def file(self, request: WebRequest, version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """A file; under an old version's address it is the new one, which isn't kept."""
        assets = site_of(request).assets
        found = assets.get(name.removeprefix("/"))
        if found is None:
            raise NotFoundError("There is no such file.")
        headers = {"cache-control": FOR_GOOD if version == assets.version else CHECK_AGAIN, "etag": found.etag}
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)
