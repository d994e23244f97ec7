"""``familychat serve``: the page for browsers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from familychat_cli import invocation
from familychat_cli.output import note, say

if TYPE_CHECKING:
    from familychat_web.serving import Serving

Host = Annotated[str, typer.Option(help="The address to serve at. 0.0.0.0: for the whole network.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port. 0: any that is free.")]
Certificate = Annotated[Path | None, typer.Option(help="A certificate (PEM file), to serve https.")]
Key = Annotated[Path | None, typer.Option(help="The certificate's key (PEM file).")]


def serve(host: Host = "127.0.0.1", port: Port = 8321, tls_cert: Certificate = None, tls_key: Key = None) -> None:
    """Serve the family's page to browsers, until Ctrl-C."""
    from familychat_web.serving import Place, serve

    place = Place(host, port, tls_cert, tls_key)
    serve(invocation.current.settings(), place, _announce, config_path=invocation.current.config_path())


def _announce(serving: Serving) -> None:
    say(f"familychat is at {serving.address}")
    if serving.setup is not None:
        say("Nobody can sign in yet. This link lets you choose the first password; it works once:")
        say(serving.setup)
    if serving.overheard:
        note(
            "It is served over plain HTTP: whoever is on this network can read along. "
            "--tls-cert and --tls-key serve https.",
            style="yellow",
        )
