"""What is noted of each request: counts for ``/metrics``, and a line in the log. Never names, addresses or text."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from litestar.types import HTTPScope

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: the upper bounds, inclusive, of the histogram's buckets."""

NO_ROUTE = "none"
"""Stands for requests that no handler is there for: their paths are anybody's words."""

GONE = 499
"""The status of those who went away before they were answered, as nginx has it."""

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

requests_log = logging.getLogger(__name__)
requests_log.setLevel(logging.INFO)  # a line for each request, whatever others want to hear of


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that is over: seconds until its answer began, and until it ended."""

    method: str
    route: str
    status: int
    began: float
    ended: float


def seen_in(scope: HTTPScope, status: int | None, *, began: float, ended: float) -> Seen:
    """A request as it is noted. ``status`` is None if there was no answer."""
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    # Of the path only its template: what stands in its places are ids and tokens.
    return Seen(method, str(scope.get("path_template", NO_ROUTE)), status or GONE, began, ended)


class Counts:
    """Requests since the page was started, by method, route and status, and how long they took."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[str, Counter[float]] = {}
        self._seconds: dict[str, float] = defaultdict(float)
        self._stopped: Counter[tuple[str, str]] = Counter()

    def note(self, request: Seen) -> None:
        """Count it, and write its line."""
        self._requests[request.method, request.route, request.status] += 1
        bound = next((bound for bound in BOUNDS if request.began <= bound), float("inf"))
        self._buckets.setdefault(request.route, Counter())[bound] += 1
        self._seconds[request.route] += request.began
        requests_log.info(
            "request",
            extra={
                "method": request.method,
                "route": request.route,
                "status": request.status,
                "ms": round(request.ended * 1000, 1),
            },
        )

    def note_stopped(self, directive: str, blocked: str) -> None:
        """Count something that the content security policy stopped in a browser."""
        self._stopped[directive, blocked] += 1

    def lines(self) -> Iterator[str]:
        """In Prometheus's text format, version 0.0.4."""
        name = "familychat_http_requests_total"
        yield from heading(name, "counter", "Requests, by method, route and status.")
        for (method, route, status), count in sorted(self._requests.items()):
            yield f'{name}{{method="{method}",route="{route}",status="{status}"}} {count}'
        name = "familychat_http_request_duration_seconds"
        yield from heading(name, "histogram", "How long it took until an answer began, by route.")
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for bound in (*BOUNDS, float("inf")):
                total += buckets[bound]
                shown = "+Inf" if bound == float("inf") else f"{bound:g}"
                yield f'{name}_bucket{{route="{route}",le="{shown}"}} {total}'
            yield f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            yield f'{name}_count{{route="{route}"}} {total}'
        name = "familychat_csp_reports_total"
        yield from heading(name, "counter", "What the content security policy stopped, as browsers reported it.")
        for (directive, blocked), count in sorted(self._stopped.items()):
            yield f'{name}{{directive="{directive}",blocked="{blocked}"}} {count}'


def heading(name: str, kind: str, meaning: str) -> Iterable[str]:
    """What goes before a metric's values."""
    return (f"# HELP {name} {meaning}", f"# TYPE {name} {kind}")
