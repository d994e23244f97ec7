"""``/metrics``, for Prometheus: for programs on this computer, or that know the token. Counts only."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.errors import NotAllowedError
from familychat.household import Household
from familychat_web.describing import MAY_FAIL
from familychat_web.guards import OPEN_TO_ALL
from familychat_web.hosts import LOOPBACK
from familychat_web.site import WebRequest, asking_of, site_of
from familychat_web.watching import heading

TEXT = "text/plain; version=0.0.4"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


class MetricsController(Controller):
    path = "/metrics"
    opt = OPEN_TO_ALL

    @get(opt={MAY_FAIL: (403,)}, media_type=TEXT, sync_to_thread=False)
    def metrics(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """Counts, in Prometheus's text format."""
        if not _is_from_here(request) and not _knows_the_token(request):
            raise NotAllowedError(
                "Only programs on this computer, or with the token, may read that.",
                "familychat config set web.metrics_token TOKEN lets others in who send it as a bearer token.",
            )
        lines = [*_household(home), *site_of(request).counts.lines()]
        return Response("\n".join(lines) + "\n", media_type=TEXT)


def _household(home: Household) -> Iterator[str]:
    used, queue = home.usage.ever(), home.chat.everywhere()
    values = (
        (
            "familychat_people_signed_in",
            "gauge",
            "People who are signed in somewhere.",
            home.sessions.people_signed_in(),
        ),
        ("familychat_turns_running", "gauge", "Turns under way, those that wait included.", queue.under_way),
        ("familychat_queue_length", "gauge", "Turns that wait for the model server.", queue.waiting),
        ("familychat_turns_total", "counter", "Turns ever, of the people who are here.", used.turns),
        ("familychat_prompt_tokens_total", "counter", "Tokens that models read.", used.prompt_tokens),
        ("familychat_completion_tokens_total", "counter", "Tokens that models wrote.", used.completion_tokens),
    )
    for name, kind, meaning, value in values:
        yield from heading(name, kind, meaning)
        yield f"{name} {value}"


def _is_from_here(request: WebRequest) -> bool:
    """Whether a program on this computer asks for itself. A proxy here asks for others, configured or not."""
    asking = asking_of(request)
    passed_on = any(name in request.headers for name in _FORWARDED)
    return asking.address in LOOPBACK and asking.host in LOOPBACK and not passed_on


def _knows_the_token(request: WebRequest) -> bool:
    token = site_of(request).settings.web_metrics_token
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(sent.strip().encode("utf-8", "replace"), token.encode())
