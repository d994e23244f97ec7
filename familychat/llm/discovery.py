"""Finding the model server: what is configured, else LM Studio, else Ollama, else the built-in engine."""

from __future__ import annotations

from dataclasses import replace

import httpx

from familychat.errors import FamilychatError, NotAllowedError, ServerUnreachableError
from familychat.llm.base import ModelServer
from familychat.settings import Settings

PROBE_SECONDS = 1.0


class ServerChoice:
    """Which server to use, decided on first need. ``transport`` swaps the network for something else in tests."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport
        self._server: ModelServer | None = None

    async def get(self) -> ModelServer:
        """The server; looked for once, and again after :meth:`forget`."""
        if self._server is None:
            chosen = await self._choose()
            if self._server is None:
                self._server = chosen
            else:  # somebody else who looked was quicker
                await chosen.aclose()
        return self._server

    def slots(self, server: ModelServer) -> int | None:
        """How many answers ``server`` may write at once: what is set, else what it says; None while nobody knows.

        The built-in engine writes one, whatever is set.
        """
        if server.kind == "embedded":
            return server.parallel
        return self._settings.server_parallel or server.parallel

    async def forget(self) -> None:
        """Look anew next time, such as after the server has gone."""
        server, self._server = self._server, None
        if server is not None:
            await server.aclose()

    async def aclose(self) -> None:
        await self.forget()

    async def _choose(self) -> ModelServer:
        settings = self._settings
        if settings.server_kind != "auto" or settings.server_url:
            return build(settings, settings.server_kind, self._transport)
        for kind in ("lmstudio", "ollama"):
            if await answers(settings, kind, self._transport) is None:
                return build(settings, kind, self._transport)
        return build(settings, "embedded", self._transport)


def build(settings: Settings, kind: str, transport: httpx.AsyncBaseTransport | None = None) -> ModelServer:
    """The server of a kind, at its configured address; ``auto`` with an address means any OpenAI-compatible one."""
    if kind == "embedded":
        from familychat.llm.embedded import EmbeddedServer

        return EmbeddedServer(settings)
    if kind == "lmstudio":
        from familychat.llm.lmstudio import LMStudioServer

        return LMStudioServer(settings, settings.server_url or settings.lmstudio_url, transport)
    if kind == "ollama":
        from familychat.llm.ollama import OllamaServer

        return OllamaServer(settings, settings.server_url or settings.ollama_url, transport)
    if not settings.server_url:
        raise ServerUnreachableError(
            "No address is set for the model server.", "familychat config set server.url http://ADDRESS:PORT"
        )
    from familychat.llm.openai import OpenAIServer

    return OpenAIServer(settings, settings.server_url, transport)


async def answers(
    settings: Settings, kind: str, transport: httpx.AsyncBaseTransport | None = None
) -> FamilychatError | None:
    """None if a server of this kind answers at its address, else why not. A locked one that asks for a key answers."""
    quick = replace(
        settings,
        server_connect_timeout=min(settings.server_connect_timeout, PROBE_SECONDS),
        server_read_timeout=min(settings.server_read_timeout, PROBE_SECONDS * 3),
    )
    server = build(quick, kind, transport)
    try:
        await server.list_models()
    except NotAllowedError:
        return None
    except FamilychatError as error:
        return error
    finally:
        await server.aclose()
    return None
