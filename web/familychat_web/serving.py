"""Serving the page: a port, a certificate if there is one, and an orderly end."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, cast

import uvicorn

from familychat.errors import ConflictError, InvalidInputError
from familychat.settings import Settings
from familychat.wording import Text
from familychat_web.app import Application, create_app
from familychat_web.connections import PatientConnection
from familychat_web.hosts import LOOPBACK

HOST, PORT = "127.0.0.1", 8321
PATIENCE = 2
"""Seconds that requests under way are given at the end; answers of a model aren't waited for, but stopped and kept."""


BACKLOG = 2048
"""Connections that wait to be taken."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to serve. With a certificate and its key (PEM files) it is TLS; port 0 takes any that is free."""

    host: str = HOST
    port: int = PORT
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @property
    def is_private(self) -> bool:
        """Whether nobody but this computer can get there."""
        return self.host in LOOPBACK


@dataclass(frozen=True, slots=True)
class Serving:
    """What is being served: ``address`` is for a browser; ``setup`` is the one-time link while nobody can sign in.

    ``overheard``: others can get there, and whoever is in between can read along.
    """

    address: str
    setup: str | None
    overheard: bool


def serve(
    settings: Settings, place: Place, announce: Callable[[Serving], None], *, config_path: Path | None = None
) -> None:
    """Serve until SIGTERM or Ctrl-C. ``announce`` is called once it can be reached. ``config_path`` is as in
    :func:`create_app`.

    Raises :class:`ConflictError` for a port that is taken, :class:`InvalidInputError` for an address or certificate
    that can't be used, and what opening the household raises.
    """
    tls = _certificate(place)
    asyncio.run(_serve(settings, place, tls, announce, config_path))


async def _serve(
    settings: Settings,
    place: Place,
    tls: ssl.SSLContext | None,
    announce: Callable[[Serving], None],
    config_path: Path | None,
) -> None:
    opened = listener(place.host, place.port)
    # Whoever names the host to serve at has named it.
    names = (*settings.web_allowed_hosts, *(() if _is_address(place.host) else (place.host.lower(),)))
    app = create_app(replace(settings, web_allowed_hosts=names), config_path=config_path)

    def ready() -> None:
        announce(_serving(app, place, opened, tls))
        # What is there by now stays. Looking through all of it for garbage would hold up everybody's streams for 50 ms.
        gc.freeze()

    try:
        await Server(app, tls, ready).serve(sockets=[opened])
    except SystemExit:
        if app.state.site.failure is not None:
            raise app.state.site.failure from None
        raise
    finally:
        opened.close()


class Server(uvicorn.Server):
    """uvicorn that says when it is ready, tells streams to end, and ends by itself on a signal."""

    def __init__(self, app: Application, tls: ssl.SSLContext | None, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=cast(Any, partial(PatientConnection, patience=app.state.site.patience)),
                ws="none",
                lifespan="on",
                # Paths can hold what shouldn't be kept, and tracebacks what somebody wrote: we log for ourselves.
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=PATIENCE,
                ssl_context_factory=(lambda _config, _default: tls) if tls is not None else None,
            )
        )
        self._site = app.state.site
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._site.stopping.set()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- uvicorn's own would raise the signal anew
        self.force_exit = self.should_exit
        self.should_exit = True


def _serving(app: Application, place: Place, opened: socket.socket, tls: ssl.SSLContext | None) -> Serving:
    host, port = opened.getsockname()[:2]
    shown = "localhost" if ipaddress.ip_address(host).is_unspecified else host
    address = f"{'https' if tls else 'http'}://{f'[{shown}]' if ':' in shown else shown}:{port}"
    site = app.state.site
    setup = site.setup_link.path(site.household)
    return Serving(address, f"{address}{setup}" if setup else None, overheard=not tls and not place.is_private)


def listener(host: str, port: int) -> socket.socket:
    """A listening socket; raises as :func:`serve`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        opened = socket.create_server((str(address[0]), port), family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise InvalidInputError(
            Text("There is no address %(host)s to serve at.", host=host), "Use an address or name of this computer."
        ) from error
    except OSError as error:
        raise ConflictError(
            Text("Port %(port)s of %(host)s can't be used: %(reason)s.", port=port, host=host, reason=error.strerror),
            "Choose another with --port.",
        ) from error
    # asyncio sets this on its own sockets only. Without it, each answer's body waits some 40 ms behind its headers.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _certificate(place: Place) -> ssl.SSLContext | None:
    if place.tls_cert is None and place.tls_key is None:
        return None
    if place.tls_cert is None or place.tls_key is None:
        raise InvalidInputError("TLS needs a certificate and its key.", "Give both --tls-cert and --tls-key.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(place.tls_cert, place.tls_key, password="")  # nobody is there to be asked
    except OSError as error:  # of which an SSLError is one
        raise InvalidInputError(
            Text(
                "The certificate %(certificate)s can't be used with the key %(key)s.",
                certificate=place.tls_cert,
                key=place.tls_key,
            ),
            "Give the paths of two PEM files that belong together and can be read.",
        ) from error
    return context
