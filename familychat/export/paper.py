"""PDF: the web page on paper, by WeasyPrint (the extra ``pdf``). Nothing is loaded while it is made."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from familychat.documents import ConversationDocument
from familychat.errors import InvalidInputError
from familychat.export import webpage


def is_installed() -> bool:
    """Whether WeasyPrint is there; the library Pango that it needs may still be missing."""
    return importlib.util.find_spec("weasyprint") is not None


def check() -> None:
    """Raises :class:`InvalidInputError` if PDF can't be written here."""
    _weasyprint()


def pieces(documents: Iterable[ConversationDocument]) -> Iterator[bytes]:
    """The file, as one piece."""
    for document in documents:
        yield pdf_of(b"".join(webpage.pieces([document])).decode())


def pdf_of(page: str) -> bytes:
    """The page on paper, without anything that it would load from elsewhere."""
    weasyprint = _weasyprint()
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    pdf: bytes = weasyprint.HTML(string=page, url_fetcher=nothing).write_pdf()
    return pdf


def _weasyprint() -> Any:
    try:
        import weasyprint
    except ImportError as error:
        raise InvalidInputError(
            "PDF needs a part that isn't installed. Nothing was written.",
            "pip install 'familychat[pdf]' brings it; or export HTML and print that from your browser.",
        ) from error
    except OSError as error:  # it is there, and the system's Pango isn't
        raise InvalidInputError(
            "PDF needs the library Pango, which this computer doesn't have. Nothing was written.",
            "Install Pango (docs/how-to/export.md says how); or export HTML and print that from your browser.",
        ) from error
    # It tells of every style that paper has no use for.
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    logging.getLogger("fontTools").setLevel(logging.CRITICAL)
    return weasyprint
