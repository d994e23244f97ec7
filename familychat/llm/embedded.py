"""The built-in engine: llama.cpp inside this process, by xllamacpp. No server, no other program.

xllamacpp always opens a port on loopback as well. It gets a random key, so nobody else on the computer can use it.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from familychat.errors import ModelNotFoundError, ModelServerError, UnsupportedError
from familychat.events import Loading
from familychat.llm import practice_model
from familychat.llm.base import ChatRequest, ModelInfo, Part, Progress, unsupported, while_waiting
from familychat.llm.openai import ChunkReader, chat_body
from familychat.settings import Settings
from familychat.wording import Text

TITLE: str = Text("The built-in engine")
BATCH_TOKENS = 64
"""How much of a question is read between two looks at Stop: about a fifth of a second on a slow computer."""
DEFAULTS = {"max_tokens": 1024, "repeat_penalty": 1.1}
"""A small model may never come to an end by itself, and likes to say the same again and again."""
JOIN_SECONDS = 10.0


def is_installed() -> bool:
    """Whether the extra ``embedded`` is there."""
    import importlib.util

    return importlib.util.find_spec("xllamacpp") is not None


def start_engine(path: Path, name: str, *, context_length: int, threads: int | None, api_key: str) -> Any:
    """Load a GGUF file; returns an ``xllamacpp.Server``. Blocks for about a second per 100 MB.

    Raises :class:`ModelServerError` if the extra is missing or the file can't be loaded.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelServerError(
            "The built-in engine isn't installed.", "Run pip install 'familychat[embedded]', or start LM Studio."
        ) from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {name}
    parameters.n_ctx = context_length
    parameters.n_parallel = 1
    parameters.n_batch = BATCH_TOKENS
    parameters.cpuparams.n_threads = threads or -1
    parameters.api_keys = [api_key]
    parameters.ui = False
    parameters.warmup = False
    parameters.verbosity = -1
    try:
        return xllamacpp.Server(parameters)
    except Exception as error:  # the extension raises plain exceptions for any trouble with the file
        raise ModelServerError(
            Text("The built-in engine can't load %(name)s. Is it a whole GGUF file?", name=path.name),
            "familychat models rm and models pull fetch the practice model anew.",
        ) from error


class EmbeddedServer:
    """The engine in this process. It is loaded with the first question, once."""

    kind = "embedded"
    title = TITLE
    address: str = Text("inside familychat")
    parallel: int | None = 1

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine: Any = None
        self._loading: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._worker: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def model_file(self) -> Path:
        return self._settings.embedded_model or practice_model.model_path(self._settings.data_dir)

    @property
    def model_name(self) -> str:
        own = self._settings.embedded_model
        return own.stem if own else practice_model.NAME

    async def list_models(self) -> list[ModelInfo]:
        """The one model, if its file is there."""
        path = self.model_file
        if not path.is_file():
            return []
        return [
            ModelInfo(
                name=self.model_name,
                loaded=self._engine is not None,
                context_length=self._settings.embedded_context_length,
                size_bytes=path.stat().st_size,
                instance_id=self.model_name if self._engine is not None else None,
            )
        ]

    async def _loaded(self) -> Any:
        if self._engine is None:
            if not self.model_file.is_file():
                raise ModelNotFoundError(
                    Text("There is no model file at %(path)s.", path=self.model_file),
                    "familychat models pull fetches the practice model.",
                )
            if self._loading is None:
                self._loading = asyncio.create_task(self._load())
            # Shielded: Stop must not throw away what is half loaded.
            await asyncio.shield(self._loading)
        return self._engine

    async def _load(self) -> None:
        try:
            self._engine = await asyncio.to_thread(
                start_engine,
                self.model_file,
                self.model_name,
                context_length=self._settings.embedded_context_length,
                threads=self._settings.embedded_threads,
                api_key=secrets.token_urlsafe(32),
            )
        finally:
            self._loading = None

    async def stream_chat(self, request: ChatRequest) -> AsyncGenerator[Part, None]:
        async with self._turn:
            engine = await self._loaded()
            body = {**DEFAULTS, **chat_body(request), "return_progress": True}
            chunks: asyncio.Queue[dict[str, Any] | BaseException | None] = asyncio.Queue()
            await self._start_worker(engine, body, chunks)
            reader = ChunkReader(self.title)
            try:
                while (chunk := await chunks.get()) is not None:
                    if isinstance(chunk, BaseException):
                        raise ModelServerError(
                            Text("%(server)s failed: %(reason)s.", server=self.title, reason=chunk), "Try again."
                        ) from chunk
                    progress = chunk.get("prompt_progress")
                    if progress and progress["processed"] < progress["total"]:
                        yield Loading(Text("Reading the question"), progress["processed"] / progress["total"])
                    for part in reader.feed(chunk):
                        yield part
            finally:
                self._stop.set()
            for last in reader.finish():
                yield last

    async def _start_worker(
        self, engine: Any, body: dict[str, Any], chunks: asyncio.Queue[dict[str, Any] | BaseException | None]
    ) -> None:
        """Let a thread generate into ``chunks``, ending with None; one at a time, since there is one engine."""
        await asyncio.to_thread(self._join)
        loop = asyncio.get_running_loop()
        self._stop = stop = threading.Event()

        def put(item: dict[str, Any] | BaseException | None) -> None:
            if not stop.is_set():
                loop.call_soon_threadsafe(chunks.put_nowait, item)

        def receive(chunk: dict[str, Any]) -> bool:
            put(chunk)
            return stop.is_set()

        self._worker = threading.Thread(target=_generate, args=(engine, body, receive, put), daemon=True)
        self._worker.start()

    def _join(self) -> None:
        if self._worker is not None:
            self._worker.join()

    async def load(self, model: str) -> AsyncGenerator[Progress, None]:
        """Load the model into this process; the next process loads it anew."""
        self._refuse_other(model)
        async for progress in while_waiting(self._loaded, Text("Loading %(model)s", model=self.model_name)):
            yield progress
        yield Progress(Text("%(model)s works; each familychat loads it with its first question", model=self.model_name))

    def prepare(self, model: str) -> AsyncGenerator[Progress, None]:  # noqa: ARG002
        return while_waiting(self._loaded, Text("Loading %(model)s", model=self.model_name))

    def _refuse_other(self, model: str) -> None:
        if model != self.model_name:
            raise ModelNotFoundError(
                Text("The built-in engine has only %(model)s.", model=self.model_name),
                "Set another file as embedded.model.",
            )

    async def unload(self, model: str) -> None:  # noqa: ARG002
        raise unsupported(
            self.title, Text("%(server)s can't unload models from here."), Text("It is unloaded when familychat ends.")
        )

    async def pull(self, model: str) -> AsyncGenerator[Progress, None]:
        """Fetch the practice model; see :func:`familychat.llm.practice_model.fetch`."""
        if model not in {practice_model.NAME, practice_model.TITLE}:
            raise UnsupportedError(
                Text("%(server)s can't fetch %(model)s from here.", server=self.title, model=model),
                Text("It knows %(model)s; LM Studio and Ollama know many.", model=practice_model.NAME),
            )
        steps = practice_model.fetch(self._settings.data_dir)
        try:
            while (step := await asyncio.to_thread(next, steps, None)) is not None:
                yield step
        finally:
            # Cancelled in mid-step, a thread is still inside; it ends with pip, which got the same Ctrl-C.
            if inspect.getgeneratorstate(steps) != inspect.GEN_RUNNING:
                steps.close()

    async def remove(self, model: str) -> None:
        """Delete the practice model's file; a person's own file is never deleted."""
        self._refuse_other(model)
        if self._settings.embedded_model:
            raise unsupported(
                self.title,
                Text("%(server)s can't delete your own model file from here."),
                Text("Delete it yourself, if you want to."),
            )
        practice_model.remove(self._settings.data_dir)

    async def aclose(self) -> None:
        """Stop what is running and let go of the engine; a process that ends in mid-answer would crash."""
        self._stop.set()
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.join, JOIN_SECONDS)
        if self._loading is not None:
            await asyncio.wait({self._loading})
        self._engine = None


def _generate(
    engine: Any,
    body: dict[str, Any],
    receive: Callable[[dict[str, Any]], bool],
    put: Callable[[dict[str, Any] | BaseException | None], None],
) -> None:
    try:
        engine.handle_chat_completions(body, receive)
    except BaseException as error:  # noqa: BLE001 -- handed over to the one who waits
        put(error)
    else:
        put(None)
