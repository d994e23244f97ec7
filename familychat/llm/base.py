"""What every model server can do, whatever its kind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from familychat.errors import ModelNotFoundError, UnsupportedError
from familychat.events import Delta, Loading, Reasoning
from familychat.models import Parameters
from familychat.wording import Text


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as its server describes it; None where the server doesn't say.

    ``context_length`` (tokens) is that of the loaded instance, ``max_context_length`` what the model could be
    loaded with. ``instance_id`` names the loaded instance where the server tells them apart.
    """

    name: str
    loaded: bool | None = None
    context_length: int | None = None
    max_context_length: int | None = None
    size_bytes: int | None = None
    parameters: str | None = None
    quantization: str | None = None
    instance_id: str | None = None
    kind: str = "llm"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message for the model; ``role`` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What to ask of a model. With ``schema`` (JSON Schema) its answer must be JSON of that shape, where the server
    can hold it to that."""

    model: str
    messages: Sequence[ChatMessage]
    parameters: Parameters = field(default_factory=Parameters)
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The regular end of a stream; ``reason`` is the server's (``stop``, ``length`` ...). Counts may be missing."""

    reason: str | None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


Part = Loading | Reasoning | Delta | Finish


@dataclass(frozen=True, slots=True)
class Progress:
    """How far loading or downloading a model is, where the server says: ``done`` and ``total`` in bytes, or
    ``fraction`` from 0 to 1."""

    text: str
    done: int | None = None
    total: int | None = None
    fraction: float | None = None


class ModelServer(Protocol):
    """A place where models run.

    ``stream_chat`` yields pieces and, last, one Finish. Closing the iterator (``aclose``) stops the model. It raises
    :class:`ServerUnreachableError` if nobody answers, :class:`AnswerCutShortError` if the stream ends without a
    finish, and :class:`ModelServerError` for what the server complains about. Methods that a kind of server doesn't
    have raise :class:`UnsupportedError`.
    """

    kind: str
    title: str
    address: str
    parallel: int | None
    """How many answers it writes at once; None until it has been asked for its models, if it can say."""

    async def list_models(self) -> list[ModelInfo]: ...

    def stream_chat(self, request: ChatRequest) -> AsyncGenerator[Part, None]: ...

    def prepare(self, model: str) -> AsyncGenerator[Progress, None]:
        """Get a model that isn't loaded ready for a turn, the way its server does by itself."""
        ...

    def load(self, model: str) -> AsyncGenerator[Progress, None]:
        """Load a model because an admin wants it loaded."""
        ...

    async def unload(self, model: str) -> None: ...

    def pull(self, model: str) -> AsyncGenerator[Progress, None]: ...

    async def remove(self, model: str) -> None: ...

    async def aclose(self) -> None: ...


def unsupported(title: str, what: Text, hint: str = "") -> UnsupportedError:
    """The error for something this kind of server doesn't offer; ``server`` is its title in ``what``."""
    return UnsupportedError(Text(what, server=title), hint)


async def while_waiting(
    work: Callable[[], Awaitable[object]], text: str, *, every: float = 1.0
) -> AsyncGenerator[Progress, None]:
    """Do ``work`` and say each second that it goes on; raises what it raises. Closing this cancels it."""
    began = time.monotonic()
    task = asyncio.ensure_future(work())
    try:
        yield Progress(text)
        while not task.done():
            await asyncio.wait({task}, timeout=every)
            if not task.done():
                seconds = f"{time.monotonic() - began:.0f}"
                yield Progress(Text("%(text)s, %(seconds)s s so far", text=text, seconds=seconds))
        task.result()
    finally:
        task.cancel()


def find_model(models: Sequence[ModelInfo], name: str) -> ModelInfo | None:
    """The model called ``name``: exactly, else whatever the letter case, else the only one whose name contains it.

    As everywhere in Ollama, a name without a tag means ``:latest``.
    """
    wanted = name.casefold()
    exact = [model for model in models if name in {model.name, model.instance_id}]
    caseless = [model for model in models if model.name.casefold() in {wanted, f"{wanted}:latest"}]
    if exact or caseless:
        return (exact or caseless)[0]
    close = [model for model in models if wanted in model.name.casefold()]
    return close[0] if len(close) == 1 else None


def known_model(models: Sequence[ModelInfo], name: str, title: str) -> ModelInfo:
    """As :func:`find_model`; raises :class:`ModelNotFoundError` if the server called ``title`` doesn't have it."""
    found = find_model(models, name)
    if found is None:
        raise ModelNotFoundError(
            Text("%(server)s doesn't have the model %(name)s.", server=title, name=name),
            "familychat models list shows what there is.",
        )
    return found
