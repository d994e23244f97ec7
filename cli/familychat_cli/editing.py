"""Changing a text in the person's own editor, without losing what they wrote."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from familychat.errors import FamilychatError, InvalidInputError


def edited(text: str, file_name: str) -> Path:
    """A private copy of the text after the person changed it in ``$VISUAL`` or ``$EDITOR``.

    It lies alone in a folder of its own. Raises :class:`InvalidInputError` if there is no editor or it fails.
    """
    import click

    # Without one, click would look for vi, which not everybody knows how to leave.
    command = (os.environ.get("VISUAL") or os.environ.get("EDITOR") or "").strip()
    if not command:
        raise InvalidInputError("No editor is set.", "Set EDITOR, or use flags: --help shows them.")
    copy = Path(tempfile.mkdtemp(prefix="familychat-")) / file_name
    copy.write_bytes(text.encode())
    try:
        click.edit(editor=command, filename=str(copy))
    except (click.ClickException, ValueError) as error:
        if isinstance(error, click.ClickException) and not isinstance(error.__cause__, OSError):
            raise InvalidInputError(
                f"The editor {command} ended with an error. Nothing was changed.", f"What you wrote is kept in {copy}"
            ) from error
        shutil.rmtree(copy.parent, ignore_errors=True)
        raise InvalidInputError(
            f"The editor {command} can't be started. Nothing was changed.", "Set EDITOR to another."
        ) from error
    return copy


@contextlib.contextmanager
def keep_on_failure(copy: Path, again: str) -> Iterator[None]:
    """Remove the copy if all goes well; else keep it, and say that ``again`` with its path tries it once more."""
    try:
        yield
    except FamilychatError as error:
        raise type(error)(error.message, f"{error.hint} What you wrote is kept: {again} {copy}".strip()) from error
    shutil.rmtree(copy.parent, ignore_errors=True)
