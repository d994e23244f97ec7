"""What went wrong, as an answer: the one place that maps errors to HTTP.

Programs get problem details (RFC 9457) with a ``hint`` and the ``request_id``; people get a page, or the way to the
sign-in. Neither sees a traceback, and the log gets no text of any error, since it may hold what somebody wrote.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from litestar.exceptions import HTTPException
from litestar.response import Redirect, Response

from familychat.errors import FamilychatError, SignInError, StoreError, TooManyAttemptsError
from familychat.wording import Text
from familychat_web.site import WebRequest, asking_of
from familychat_web.templating import language_of, page

_log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
FOR_PROGRAMS = ("/api/", "/health/")
"""Below these, whatever goes wrong is told as to a program."""

_START = Text("Go back to the start, and try again from there.")
WORDS = {
    400: (Text("That request can't be read."), _START),
    404: (Text("There is nothing here."), Text("It may have been deleted, or the address has a typing error.")),
    405: (Text("That can't be done here."), _START),
    413: (Text("That is too large. Nothing was changed."), Text("Send less at once.")),
    500: (
        Text("Something went wrong inside familychat. What was saved is safe."),
        Text("Try again in a moment."),
    ),
}
"""What is said of errors that aren't the library's own, by status: what happened, and what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error on its way out: ``detail`` says what happened, ``hint`` what to do."""

    status: int
    detail: str
    hint: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in the words of its standard, as RFC 9457 asks of problems without a type of their own."""
        return HTTPStatus(self.status).phrase


def problem_of(error: Exception) -> Problem:
    """What to say of an error."""
    if isinstance(error, FamilychatError):
        wait = error.retry_after if isinstance(error, TooManyAttemptsError) else 0
        return Problem(
            error.http_status, error.message, error.hint, {"retry-after": str(math.ceil(wait))} if wait > 0 else {}
        )
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    given = (error.headers or {}) if isinstance(error, HTTPException) else {}
    nearest = status if status in WORDS else 500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400
    return Problem(int(status), *WORDS[nearest], {name: value for name, value in given.items() if name == "Allow"})


def unreadable() -> Problem:
    """What is said to a request that isn't one."""
    return Problem(400, *WORDS[400])


def answer_to(request: WebRequest, error: Exception) -> Response[Any]:
    """The answer to a request that failed."""
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log_it(request, error)
    if wants_json(request):
        return _as_json(request, problem)
    if isinstance(error, SignInError):
        way_back = quote(str(request.url.path)) if request.scope["method"] == "GET" else ""
        return Redirect(f"/sign-in?next={way_back}" if way_back.strip("/") else "/sign-in", status_code=303)
    return page(request, "error.html", status=problem.status, headers=problem.headers, problem=problem)


def wants_json(request: WebRequest) -> bool:
    """Whether a program asks. It does below ``/api/`` and ``/health/``, and wherever it doesn't prefer a page."""
    if request.scope["path"].startswith(FOR_PROGRAMS):
        return True
    return request.accept.best_match(["text/html", "application/json", PROBLEM]) != "text/html"


def _as_json(request: WebRequest, problem: Problem) -> Response[dict[str, Any]]:
    content = as_document(_said(request, problem), asking_of(request).request_id)
    return Response(content, status_code=problem.status, media_type=PROBLEM, headers=problem.headers)


def _said(request: WebRequest, problem: Problem) -> Problem:
    """The problem in the language of whoever asks: our scripts show it. Programs always get it in English."""
    if request.scope["path"].startswith(FOR_PROGRAMS):
        return problem
    try:
        words = language_of(request).gettext
    except StoreError:  # who asks can't be looked up, and that may be what this is about
        return problem
    return replace(problem, detail=words(problem.detail).unescape(), hint=words(problem.hint).unescape())


def as_document(problem: Problem, request_id: str) -> dict[str, Any]:
    """A problem as JSON has it."""
    return {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": str(problem.detail),
        "hint": str(problem.hint),
        "request_id": request_id,
    }


def _log_it(request: WebRequest, error: Exception) -> None:
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "?"
    # The path may hold what shouldn't be kept: its template doesn't.
    route = request.scope.get("path_template", "?")
    _log.error(
        "%s %s: %s in %s (request %s)",
        request.scope["method"],
        route,
        type(error).__name__,
        where,
        asking_of(request).request_id,
    )
