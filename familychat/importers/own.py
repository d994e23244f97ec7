"""familychat's own JSON, as ``familychat export --format json`` writes it. Nothing is lost on the way."""

from __future__ import annotations

from typing import Any

import msgspec

from familychat.documents import FORMAT, VERSION, ConversationDocument, checked
from familychat.errors import ImportRefusedError, InvalidInputError
from familychat.importers.values import Place
from familychat.wording import Text

TITLE = "familychat"


def fits(value: dict[str, Any]) -> bool:
    """Whether this is one of the conversations in such a file."""
    return {"id", "title", "task", "created_at", "messages", "head"} <= value.keys()


def is_file(value: dict[str, Any]) -> bool:
    """Whether this is such a file as a whole."""
    return value.get("format") == FORMAT


def conversations(value: dict[str, Any]) -> list[Any]:
    """What is in such a file. Raises :class:`ImportRefusedError` if a newer familychat wrote it."""
    check_version(value.get("version"))
    found = value.get("conversations")
    if not isinstance(found, list):
        raise ImportRefusedError("It says that it comes from familychat, but there are no conversations in it.")
    return found


def check_version(version: object) -> None:
    """Raises :class:`ImportRefusedError` for a version that this familychat doesn't know."""
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise ImportRefusedError(
            Text(
                "A newer familychat wrote it (version %(version)s of the "
                "format; this one reads %(own)s). Nothing of it came in.",
                version=version,
                own=VERSION,
            ),
            "Update familychat, then try again.",
        )
    if version != VERSION:
        raise ImportRefusedError("It doesn't say which version of familychat's format it is in. Nothing of it came in.")


def conversation(value: dict[str, Any], place: Place) -> ConversationDocument:  # noqa: ARG001 -- it says all itself
    """Raises :class:`InvalidInputError` if it isn't as the schema has it, or doesn't hold together."""
    try:
        document = msgspec.convert(value, ConversationDocument)
    except (msgspec.ValidationError, ValueError) as error:
        raise InvalidInputError(
            Text("It isn't as familychat writes it: %(reason)s.", reason=str(error)[:200])
        ) from error
    return checked(document)
