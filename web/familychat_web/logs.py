"""The log: one line of JSON for each request and each trouble, in a few small files, and the troubles on stderr too.

A line never holds what somebody wrote: no message, no name, no address, no path with its ids, no query, no text of an
exception. Only our own loggers are listened to; what libraries say may hold whole addresses.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from familychat.clock import timestamp
from familychat.errors import StoreReadOnlyError
from familychat.store.files import private_folder
from familychat.wording import Text

FOLDER = "logs"
FILE = "familychat.log"
FILES = 5
MOST_IN_A_FILE = 1_000_000
"""Bytes."""

LOGGERS = ("familychat", "familychat_music", "familychat_web")
_MORE = ("method", "route", "status", "ms")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is being served; an answer that it began goes on under it."""


class AsJson(logging.Formatter):
    """``time`` (UTC), ``level``, ``logger``, ``message``, ``request`` if there is one, and what is noted of it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": timestamp(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request": request_id.get(),
            **{name: getattr(record, name, None) for name in _MORE},
        }
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False)


class _Files(RotatingFileHandler):
    """Files that only their owner can read. A full disk costs lines, and nothing else."""

    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        # Nothing is held back: what a full disk didn't take is gone, and doesn't come up again later.
        return TextIOWrapper(os.fdopen(handle, "ab", buffering=0), encoding=self.encoding, write_through=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- as logging calls it
        """Be quiet: what couldn't be written mustn't stop who wanted to write it."""


class _Stderr(logging.Handler):
    """Wherever stderr leads at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads it any more
            sys.stderr.write(self.format(record) + "\n")


@contextlib.contextmanager
def logging_to(data_dir: Path) -> Iterator[None]:
    """Inside, our loggers write to the data folder's log, and warnings to stderr.

    Raises :class:`StoreReadOnlyError` if that can't be written.
    """
    folder = private_folder(data_dir / FOLDER)
    try:
        files = _Files(folder / FILE, maxBytes=MOST_IN_A_FILE, backupCount=FILES - 1, encoding="utf-8")
    except OSError as error:
        raise StoreReadOnlyError(
            Text("The log in %(path)s can't be written.", path=folder), "Check who owns it."
        ) from error
    handlers: tuple[logging.Handler, ...] = (files, _Stderr(logging.WARNING))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for handler in handlers:
        handler.setFormatter(AsJson())
        for logger in loggers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            for logger in loggers:
                logger.removeHandler(handler)
            handler.close()
