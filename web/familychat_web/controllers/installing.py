"""familychat as a program of its own on a phone or computer, and what it shows there when it can't be reached."""

from __future__ import annotations

import json
from typing import Any

from litestar import Controller, get
from litestar.params import FromQuery
from litestar.response import Response

from familychat_web.assets import CHECK_AGAIN
from familychat_web.describing import GIVES
from familychat_web.guards import OPEN_TO_ALL
from familychat_web.looks import chosen
from familychat_web.site import WebRequest, site_of
from familychat_web.templating import language_of, page

MANIFEST, WORKER = "application/manifest+json", "text/javascript"
PICTURES = (
    ("icon.svg", "image/svg+xml", "any", "any"),
    ("icon-192.png", "image/png", "192x192", "any"),
    ("icon-512.png", "image/png", "512x512", "any"),
    ("icon-maskable.png", "image/png", "512x512", "maskable"),
)
"""File, media type, size and purpose; ``contrib/icons.py`` makes the PNGs."""

PAGE_COLOUR, BAR_COLOUR = "#f6f6f4", "#ffffff"
"""Those of the light theme, before any page is there to say others."""


class InstallingController(Controller):
    opt = OPEN_TO_ALL

    @get("/manifest.webmanifest", opt={GIVES: (MANIFEST,)}, sync_to_thread=False)
    def manifest(self, request: WebRequest) -> Response[bytes]:
        """What it is called and how it looks among installed programs."""
        url, language = site_of(request).assets.url, language_of(request)
        told = {
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "name": "familychat",
            "short_name": "familychat",
            "description": language.gettext("Your household's own chat"),
            "lang": language.code,
            "dir": language.direction,
            "display": "standalone",
            "background_color": PAGE_COLOUR,
            "theme_color": BAR_COLOUR,
            "icons": [
                {"src": url(name), "type": kind, "sizes": size, "purpose": purpose}
                for name, kind, size, purpose in PICTURES
            ],
        }
        return Response(json.dumps(told).encode(), media_type=MANIFEST)

    @get("/worker.js", opt={GIVES: (WORKER,)}, sync_to_thread=False)
    def worker(self, request: WebRequest) -> Response[bytes]:
        """The service worker. It has to lie at the top to reach every page; new files make it another one."""
        assets = site_of(request).assets
        script = assets.get("worker.js")
        if script is None:
            raise FileNotFoundError("worker.js")
        shell = {"version": assets.version, "files": [assets.url(name) for name in assets.names if name != "worker.js"]}
        content = f"const SHELL = {json.dumps(shell)};\n".encode() + script.content
        return Response(content, media_type=WORKER, headers={"cache-control": CHECK_AGAIN})

    @get("/offline", sync_to_thread=False)
    def offline(
        self,
        request: WebRequest,
        theme: FromQuery[str] = "",
        accent: FromQuery[str] = "",
        size: FromQuery[str] = "",
        language: FromQuery[str] = "",
    ) -> Response[str]:
        """The page that the worker keeps: in the look that the address says, and with nothing of anybody's."""
        known = site_of(request).languages
        look = chosen({"theme": theme, "accent": accent, "size": size, "language": language}, known.codes)
        spoken = known.best(look.language or None, request.headers.get("accept-language", ""))
        words: dict[str, Any] = {"language": spoken, "_": spoken.gettext, "ngettext": spoken.ngettext}
        return page(request, "offline.html", look=look, csrf="", **words)
